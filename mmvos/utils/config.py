"""Reading configs."""

import difflib
import os
import sys
from collections.abc import Iterable
from inspect import signature
from pathlib import Path

import yaml
from mmengine.config import Config
from mmengine.fileio.handlers import yaml_handler
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmvos.structures import InputError
from mmvos.weights import shipped_weights

from .old_configs import renamed_configs, upgrade_with_warning
from .paths import configs_root

#: top-level keys with a meaning, whether or not a config names them: what mmengine's runners take, and what is read beside it
KNOWN_KEYS = (set(signature(Runner.__init__).parameters) - {'self'}) | {
    *('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters', 'model_wrapper_cfg'),
    *('online_training', 'runner_type', 'strategy', 'submission', 'tta_model', 'tta_pipeline', 'vis_backends'),
}


def load_config(config: str | os.PathLike | Config, cfg_options: dict | None = None) -> Config:
    """A config, its parts known to the registries.

    A config of an earlier version is put right, with a DeprecationWarning.

    Args:
        config (path | Config): a path (also relative to MMVOS's own ``configs`` folder, e.g. ``agame/agame_mini_synthvos.py``),
            or a config.
        cfg_options (dict): values that override the config's, ``{'a.b': value}``.

    Raises:
        InputError: no such config (with both places that were tried), a config that cannot be read, or an override of a
            top-level key that is unknown.
    """
    if not isinstance(config, Config):
        path = Path(config)
        own = configs_root() / 'configs' / path
        if not path.is_file() and not own.is_file():
            raise InputError(f'{path}: config not found (neither here nor in {configs_root() / "configs"}).{_hint(path)}')
        if os.getcwd() not in sys.path:  # custom_imports find a project below the folder where the command is run
            sys.path.append(os.getcwd())
        config = _read(path if path.is_file() else own)
        upgrade_with_warning(config._cfg_dict, str(path))
    if cfg_options:
        check_overrides(cfg_options, config)
        try:
            config.merge_from_dict(cfg_options)
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(f'--cfg-options {" ".join(cfg_options)}: {error}') from error
    init_default_scope(config.get('default_scope', 'mmvos'))
    return config


def check_overrides(keys: Iterable[str], config: Config) -> None:
    """Refuse overrides that nothing would read: their top-level key is neither the config's nor one that has a meaning.

    Args:
        keys (Iterable[str]): dotted keys, e.g. ``'train_cfg.max_iters'``.
        config (Config): what they are to override.

    Raises:
        InputError: an unknown key, with the nearest known one.
    """
    known = KNOWN_KEYS | set(config.keys())
    for key in keys:
        top = key.split('.')[0]
        if top not in known:
            near = difflib.get_close_matches(top, known, n=1)
            hint = f'did you mean {near[0]!r}?' if near else f"the config's own are {', '.join(sorted(config.keys()))}."
            raise InputError(f'--cfg-options {key}: no top-level key {top!r}; {hint}')


def _hint(path: Path) -> str:
    """Where a config of an earlier version is today, or the name that is most like one that is not known."""
    parts = path.with_suffix('').parts
    below = parts[parts.index('configs') + 1 :] if 'configs' in parts else parts
    new = renamed_configs().get('/'.join(below))
    if new:
        return f' It is called {new}.py now.'
    own = configs_root() / 'configs'
    names = [name for weights in shipped_weights().values() for name in (weights.name, *weights.aliases)]
    names += [file.relative_to(own).as_posix() for file in own.rglob('*.py')]
    near = difflib.get_close_matches('/'.join((*below[:-1], below[-1] + path.suffix)) if below else '', names, n=1)
    return f' Did you mean {near[0]!r}?' if near else ''


def _read(path: Path) -> Config:
    """The config of a file; an error in what it says names the file (and the line, where it is Python that cannot be read)."""
    try:
        return Config.fromfile(path)
    except SyntaxError as error:
        # mmengine parses a text without a name, of this file or of one of its bases
        raise InputError(f'{path} (or one of its _base_ configs), line {error.lineno}: {error.msg}.') from error
    except Exception as error:  # a config is a program: it may raise anything
        raise InputError(f'{path}: cannot be read as a config ({type(error).__name__}: {error}).') from error


def _find_own_bases() -> None:
    """Make ``_base_ = 'mmvos::matchvos/matchvos_lite0.py'`` name a config of MMVOS, from any folder.

    mmengine 0.10 resolves such names for a fixed list of OpenMMLab's packages only, and looks for them in installed packages
    alone, not in a source tree. To be dropped when it can be given further ones.
    """
    find = Config._get_cfg_path

    def find_own_too(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith('mmvos::'):
            return str(configs_root() / 'configs' / cfg_path.removeprefix('mmvos::')), None
        return find(cfg_path, filename)

    Config._get_cfg_path = staticmethod(find_own_too)


def _read_yaml_as_data() -> None:
    """Make a config in YAML plain data: mmengine 0.10 calls the functions of Python that one names."""
    yaml_handler.Loader = yaml.SafeLoader  # the module reads it at every call


_find_own_bases()
_read_yaml_as_data()
