"""Reading configs."""

import os
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from .paths import configs_root


def load_config(config: str | os.PathLike | Config, cfg_options: dict | None = None) -> Config:
    """Read a config and make its parts known to the registries.

    Args:
        config: a path (also relative to MMVOS's own ``configs`` folder, e.g. ``agame/agame_mini_synthvos.py``), or a config.
        cfg_options: values that override the config's, ``{'a.b': value}``.

    Raises:
        FileNotFoundError: no such config, with both places that were tried.
    """
    if not isinstance(config, Config):
        path = Path(config)
        own = configs_root() / 'configs' / path
        if not path.is_file() and not own.is_file():
            raise FileNotFoundError(f'{path}: config not found (neither here nor in {configs_root() / "configs"}).')
        if os.getcwd() not in sys.path:  # custom_imports find a project below the folder where the command is run
            sys.path.append(os.getcwd())
        config = Config.fromfile(path if path.is_file() else own)
    if cfg_options:
        config.merge_from_dict(cfg_options)
    init_default_scope(config.get('default_scope', 'mmvos'))
    return config
