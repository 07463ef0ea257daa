"""What all converters share."""

import pickle
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

StateDict = dict[str, torch.Tensor]

#: method name -> function from the original's state dict to MMVOS's
CONVERTERS: dict[str, Callable[[StateDict], StateDict]] = {}


def register_converter(name: str, nested: Sequence[str] = ('state_dict', 'net', 'model', 'seg')):
    """Register ``function(state_dict) -> state_dict`` under a method's name.

    Args:
        name: of the method.
        nested: names under which a checkpoint may hold the state dict; the first one that is there is taken.
    """

    def add(function):
        function.nested = tuple(nested)
        CONVERTERS[name] = function
        return function

    return add


def rename(state_dict: StateDict, rules: Sequence[tuple[str, str]], drop: Sequence[str] = ()) -> StateDict:
    """New names by regular expressions; the first rule that matches the whole key is used.

    Args:
        state_dict: original names.
        rules: ``(pattern, replacement)`` pairs for ``re.fullmatch`` / ``Match.expand``.
        drop: patterns of keys that are left out on purpose.

    Raises:
        KeyError: a key that no rule covers (the checkpoint of another model), or two keys with one new name.
    """
    renamed: StateDict = {}
    unknown: list[str] = []
    for key, value in state_dict.items():
        if any(re.fullmatch(pattern, key) for pattern in drop):
            continue
        for pattern, replacement in rules:
            match = re.fullmatch(pattern, key)
            if match:
                new_key = match.expand(replacement)
                if new_key in renamed:
                    raise KeyError(f'two keys of the checkpoint become {new_key!r}; the second is {key!r}.')
                renamed[new_key] = value
                break
        else:
            unknown.append(key)
    if unknown:
        raise KeyError(
            f'{len(unknown)} of {len(state_dict)} keys have no place in this model, e.g. {unknown[:3]}. '
            'Is it the checkpoint of another model?'
        )
    return renamed


class _Stub:
    """Stands for an object of the original repository that a checkpoint holds besides its weights."""

    def __init__(self, *args, **kwargs) -> None:
        pass

    def __setstate__(self, state) -> None:
        pass


_ALLOWED = {
    'collections': {'OrderedDict'},
    'torch': {
        'FloatStorage',
        'HalfStorage',
        'LongStorage',
        'IntStorage',
        'DoubleStorage',
        'ByteStorage',
        'BoolStorage',
        'BFloat16Storage',
        'Size',
        'Tensor',
    },
    'torch._utils': {'_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter'},
    'torch.nn.parameter': {'Parameter'},
    'torch.storage': {'TypedStorage', 'UntypedStorage', '_load_from_bytes'},
    'numpy.core.multiarray': {'scalar', '_reconstruct'},
    'numpy._core.multiarray': {'scalar', '_reconstruct'},
    'numpy': {'dtype', 'ndarray'},
}


class _StubUnpickler(pickle.Unpickler):
    """Builds tensors and plain containers only; every other class becomes an empty stub, no foreign code is run."""

    def find_class(self, module: str, name: str) -> Any:
        if name in _ALLOWED.get(module, ()):
            return super().find_class(module, name)
        return _Stub


class _StubPickle:
    """The module-like object that ``torch.load`` wants as its ``pickle_module``."""

    Unpickler = _StubUnpickler
    __name__ = 'pickle'

    @staticmethod
    def load(file, **kwargs):
        return _StubUnpickler(file, **kwargs).load()


def load_foreign_checkpoint(path: str) -> Any:
    """Read a checkpoint of another repository without running code that it names.

    ``weights_only=True`` first; a file that holds objects of unknown classes is read with empty stubs in their place.
    """
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError:
        return torch.load(path, map_location='cpu', weights_only=False, pickle_module=_StubPickle)


def convert(method: str, checkpoint: Any) -> StateDict:
    """The state dict for MMVOS's model from a loaded original checkpoint.

    Args:
        method: a key of ``CONVERTERS``.
        checkpoint: the state dict, or a dict that holds it under one of the usual names.
    """
    if method not in CONVERTERS:
        raise KeyError(f'no converter named {method!r}; there are {sorted(CONVERTERS)}.')
    for name in CONVERTERS[method].nested:
        if isinstance(checkpoint, dict) and isinstance(checkpoint.get(name), dict):
            checkpoint = checkpoint[name]
            break
    return CONVERTERS[method](checkpoint)
