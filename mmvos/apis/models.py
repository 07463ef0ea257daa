"""Names of models that work on a fresh machine."""

import os
from typing import Any

from mmengine.config import Config

from mmvos.utils import load_config
from mmvos.weights import find_weights, shipped_weights

#: models that need no training: name -> config, below ``configs``
TRAINING_FREE = {'feature-propagation': 'feature_propagation/feature-propagation-target_lite0.py'}


def model_names() -> dict[str, str]:
    """``{name: config below configs}`` of the models that come with their weights, or need none; aliases too."""
    named = {name: weights.config for weights in shipped_weights().values() for name in (weights.name, *weights.aliases)}
    return {**named, **TRAINING_FREE}


def config_of(model: str | os.PathLike | Config, cfg_options: dict[str, Any] | None = None) -> Config:
    """The config of a model.

    Args:
        model (str | PathLike | Config): a config, its path (also relative to MMVOS's ``configs``), or one of
            :func:`model_names`.
        cfg_options (dict): overrides of the config.

    Raises:
        InputError: no such config.
    """
    if isinstance(model, Config):
        return load_config(model, cfg_options)
    shipped = find_weights(model)
    return load_config(shipped.config if shipped else TRAINING_FREE.get(os.fspath(model), model), cfg_options)


def checkpoint_of(config: Config, checkpoint: str | os.PathLike | None) -> str | None:
    """The weights that a model is to have.

    Args:
        config (Config): config of the model.
        checkpoint (str | PathLike): a file, a name of shipped weights, ``'none'``, or None for those that the config names.

    Returns:
        A file or a name. None: the model begins as its config initialises it.
    """
    chosen = config.get('weights') if checkpoint is None else os.fspath(checkpoint)
    return None if chosen is None or chosen.lower() == 'none' else chosen
