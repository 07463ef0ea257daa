"""Loading weights with errors that say what is wrong."""

import logging
import os
import pickle
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from mmvos.structures import InputError


def read_checkpoint(path: str) -> Any:
    """Read a checkpoint file with ``weights_only=True``.

    Files that mmengine's runner wrote hold its message hub besides the weights; the classes of that are allowed.

    Raises:
        FileNotFoundError, InputError: naming the file.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f'{path}: checkpoint not found.')
    try:
        with torch.serialization.safe_globals(_mmengine_classes()):
            return torch.load(path, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = (str(error) or 'the file is empty').splitlines()[0]
        raise InputError(
            f'{path}: not a checkpoint that can be loaded safely ({reason}). Convert a '
            'checkpoint of another repository with tools/model_converters/convert_checkpoint.py.'
        ) from error


def _mmengine_classes() -> list:
    classes = [HistoryBuffer, np.ndarray, np.dtype, np._core.multiarray._reconstruct, np._core.multiarray.scalar]
    classes += [(_history_method, name) for name in ('getattr', 'builtins.getattr', '__builtin__.getattr')]
    classes += [type(np.dtype(name)) for name in ('float64', 'float32', 'int64', 'int32', 'bool', 'uint8')]
    return classes


def _history_method(owner: Any, name: str) -> Any:
    """Stands for the ``getattr`` by which the message hub's buffers name their statistics, and for nothing else."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(f'getattr of {name!r} is not allowed')
    return getattr(owner, name)


def state_dict_of(checkpoint: Any) -> dict:
    """The weights inside a loaded checkpoint."""
    return checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else checkpoint


def init_weights_quietly(model: nn.Module) -> None:
    """``model.init_weights()`` without mmengine's report on every parameter."""
    logging.disable(logging.INFO)
    try:
        model.init_weights()
    finally:
        logging.disable(logging.NOTSET)


def load_weights(model: nn.Module, path: str) -> dict:
    """Load a checkpoint into a model; every key must fit.

    Returns:
        The checkpoint's ``meta`` (empty if it has none).

    Raises:
        InputError: the weights of another model, with a few of the keys that do not fit.
    """
    checkpoint = read_checkpoint(path)
    weights = {k.removeprefix('module.'): v for k, v in state_dict_of(checkpoint).items()}
    own = model.state_dict()
    wrong = [k for k in weights if k in own and weights[k].shape != own[k].shape]
    missing, surplus = own.keys() - weights.keys(), weights.keys() - own.keys()
    if wrong or missing or surplus:
        raise InputError(
            f'{path}: these are not the weights of {type(model).__name__}: {len(missing)} of its {len(own)} tensors are '
            f'missing {sorted(missing)[:2]}, {len(surplus)} are unknown {sorted(surplus)[:2]}, {len(wrong)} have another '
            f'shape {wrong[:2]}.'
        )
    model.load_state_dict(weights)
    return checkpoint.get('meta', {}) if isinstance(checkpoint, dict) else {}
