"""Checkpoints: the one way to read them, which runs no code of theirs, and errors that name the file.

A checkpoint is a pickle, and a pickle is a program. torch's ``weights_only`` unpickler builds tensors and plain containers
and calls nothing else; every door of MMVOS goes through it: :func:`read_checkpoint` (also in place of mmengine's own
loader, see :func:`_replace_loader_of_mmengine`) and :func:`read_foreign_checkpoint` for the converters.
"""

import logging
import os
import pickle
import pickletools
import re
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import IO, Any

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from numpy._core.multiarray import _reconstruct, scalar
from torch import Tensor, nn

from mmvos.structures import InputError
from mmvos.weights import add_package_tensors, weights_file

StateDict = dict[str, Tensor]

_CONVERT = 'Convert a checkpoint of another repository with tools/model_converters/convert_checkpoint.py.'
#: torch stores tensors as they are; an archive that unpacks to far more than its size is a bomb
_MAX_EXPANSION = 20


def read_checkpoint(source: str | os.PathLike | IO[bytes], map_location: Any = 'cpu') -> dict:
    """Read a checkpoint that MMVOS or mmengine's runner wrote, without running code that it names.

    The runner's files hold its message hub besides the weights; the classes of that are allowed, and no others. What a
    published checkpoint takes from a package is put in.

    Args:
        source (path | file): ``.pth`` file, an open one, or the name of weights that come with MMVOS.
        map_location (Any): device of the tensors, as ``torch.load`` takes it.

    Returns:
        dict: the checkpoint; :func:`state_dict_of` finds the weights in it.

    Raises:
        FileNotFoundError: no such file, and no weights of that name.
        ImportError: a package that holds a part of the weights is not installed.
        InputError: not a checkpoint, one that names other classes or functions, or weights that are not numbers.
    """
    if isinstance(source, (str, os.PathLike)):
        source = weights_file(source)
    name = _name_of(source)
    checkpoint = _load(source, name, map_location, {})
    if not isinstance(checkpoint, dict):
        raise InputError(f'{name}: expected a dict of weights, found {type(checkpoint).__name__}.')
    weights = state_dict_of(checkpoint)
    add_package_tensors(weights, checkpoint.get('meta'), name)
    check_numbers(weights, name)
    return checkpoint


def read_foreign_checkpoint(path: str | os.PathLike) -> Any:
    """Read a checkpoint of another repository without running code that it names.

    Objects of unknown classes, which training scripts save beside the weights, become empty stand-ins.

    Raises:
        FileNotFoundError, InputError: as in :func:`read_checkpoint`.
    """
    name = _name_of(path)
    if not os.path.isfile(path):  # also a pipe, at which readers of zip files would wait
        raise FileNotFoundError(f'{name}: checkpoint not found.')
    try:
        _refuse_bombs(path)
        named = _globals_of(path)
    except Exception as error:  # a damaged file leads to errors of many types
        raise InputError(f'{name}: not a checkpoint ({_first_line(error)}).') from error
    # a name that torch allows by itself keeps its meaning: torch looks there first
    return _load(path, name, 'cpu', {full_name: type('Unknown', (_Unknown,), {}) for full_name in sorted(named)})


def state_dict_of(checkpoint: Mapping[str, Any]) -> StateDict:
    """The weights inside a loaded checkpoint."""
    weights = checkpoint.get('state_dict', checkpoint)
    return weights if isinstance(weights, dict) else {}


def check_numbers(weights: Mapping[str, Any], name: str) -> None:
    """Refuse weights that hold NaN, which a diverged training leaves.

    Raises:
        InputError: naming the file and the first such tensor.
    """
    for key, value in weights.items():
        if isinstance(value, Tensor) and value.is_floating_point() and value.isnan().any():
            raise InputError(f'{name}: {int(value.isnan().sum())} of {value.numel()} values of {key!r} are NaN.')


def rename_weights(weights: dict[str, Any], renamed: Mapping[str, str], prefix: str = '') -> None:
    """Give parameters of an older version their current names, in place.

    Args:
        weights (dict): weights by their names.
        renamed (Mapping[str, str]): ``{beginning of an old name: current beginning}``.
        prefix (str): what stands before all names of the model.
    """
    for key in [key for key in weights if isinstance(key, str)]:
        for old, new in renamed.items():
            if key.startswith(prefix + old):
                weights[prefix + new + key[len(prefix + old) :]] = weights.pop(key)


def init_weights_quietly(model: nn.Module) -> None:
    """``model.init_weights()`` without mmengine's report on every parameter."""
    logging.disable(logging.INFO)
    try:
        model.init_weights()  # type: ignore[operator]  # a model of mmengine has it
    finally:
        logging.disable(logging.NOTSET)


def load_weights(model: nn.Module, path: str | os.PathLike) -> dict:
    """Load a checkpoint into a model; every key must fit.

    Args:
        model (nn.Module): model that is changed in place.
        path (path): checkpoint, or the name of weights that come with MMVOS.

    Returns:
        dict: the checkpoint's ``meta`` (empty if it has none).

    Raises:
        FileNotFoundError, InputError: as in :func:`read_checkpoint`; also for weights of another model, with a few of
            the keys that do not fit.
    """
    checkpoint = read_checkpoint(path)
    named = state_dict_of(checkpoint)
    unnamed = [key for key in named if not isinstance(key, str)]
    if unnamed:
        raise InputError(f'{os.fspath(path)}: not a checkpoint of a model: {unnamed[0]!r} is not the name of a tensor.')
    weights = {key.removeprefix('module.'): value for key, value in named.items()}
    rename_weights(weights, getattr(model, 'renamed_weights', {}))
    own = model.state_dict()
    wrong = [k for k, v in weights.items() if k in own and own[k].shape != getattr(v, 'shape', None)]
    missing, surplus = own.keys() - weights.keys(), weights.keys() - own.keys()
    if wrong or missing or surplus:
        raise InputError(
            f'{os.fspath(path)}: these are not the weights of {type(model).__name__}: {len(missing)} of its {len(own)} '
            f'tensors are missing {sorted(missing)[:2]}, {len(surplus)} are unknown {sorted(map(str, surplus))[:2]}, '
            f'{len(wrong)} have another shape {wrong[:2]}.'
        )
    model.load_state_dict(weights)
    meta = checkpoint.get('meta')
    return meta if isinstance(meta, dict) else {}


# Reading


def _is_short_of_memory(error: Exception, source: str | os.PathLike | IO[bytes]) -> bool:
    """Whether there was no memory for a tensor that the file can hold; a damaged file asks for more."""
    wanted = re.search(r"can't allocate memory: you tried to allocate (\d+) bytes", str(error))
    return wanted is not None and isinstance(source, (str, os.PathLike)) and int(wanted[1]) <= os.path.getsize(source)


def _load(source: str | os.PathLike | IO[bytes], name: str, map_location: Any, others: dict[str, type]) -> Any:
    if isinstance(source, (str, os.PathLike)) and not os.path.isfile(source):
        raise FileNotFoundError(f'{name}: checkpoint not found.')
    try:
        _refuse_bombs(source)
        allowed = {**others, **_runner_classes()}
        with torch.serialization.safe_globals([(value, full_name) for full_name, value in allowed.items()]):
            return torch.load(source, map_location=map_location, weights_only=True)
    except Exception as error:  # torch's readers answer a damaged file with errors of many types
        if _is_short_of_memory(error, source):
            raise MemoryError(f'{name}: no memory for its tensors.') from error
        raise InputError(f'{name}: not a checkpoint that can be loaded safely ({_first_line(error)}). {_CONVERT}') from error


def _name_of(source: Any) -> str:
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else str(getattr(source, 'name', 'checkpoint'))


def _first_line(error: Exception) -> str:
    """The part of torch's message that says what was found, without its advice to load the file unsafely."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if 'GLOBAL' in line or 'nsupported' in line]
    line = (telling or lines or ['the file is empty' if isinstance(error, EOFError) else type(error).__name__])[0]
    return line.removeprefix('WeightsUnpickler error: ').split(' was not an allowed global')[0].rstrip('.')


def _refuse_bombs(source: Any) -> None:
    if not isinstance(source, (str, os.PathLike)) or not zipfile.is_zipfile(source):
        return
    with zipfile.ZipFile(source) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _MAX_EXPANSION * os.path.getsize(source):
        raise InputError(f'{os.path.getsize(source)} bytes that unpack to {unpacked}')


def _runner_classes() -> dict[str, Any]:
    """What the files of mmengine's runner hold besides tensors: numbers of numpy, and the message hub's buffers."""
    types = ('float16', 'float32', 'float64', 'bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64')
    classes: dict[str, Any] = {f'numpy.dtypes.{type(np.dtype(name)).__name__}': type(np.dtype(name)) for name in types}
    classes.update({'numpy.ndarray': np.ndarray, 'numpy.dtype': np.dtype})
    for module in ('numpy._core.multiarray', 'numpy.core.multiarray'):  # numpy 2, numpy 1
        classes[f'{module}._reconstruct'] = _reconstruct
        classes[f'{module}.scalar'] = scalar
    classes['mmengine.logging.history_buffer.HistoryBuffer'] = HistoryBuffer
    for name in ('getattr', 'builtins.getattr', '__builtin__.getattr'):
        classes[name] = _history_method
    return classes


def _history_method(owner: Any, name: str) -> Any:
    """Stands for the ``getattr`` by which the message hub's buffers name their statistics, and for nothing else."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(f'getattr of {name!r} is not allowed')
    return getattr(owner, name)


class _Unknown:
    """Stands for a class or function of another repository: whatever would be made with it is an empty mapping.

    A mapping, because the unpickler fills objects of dict-like classes (``defaultdict``, ``EasyDict``) item by item.
    """

    def __new__(cls, *_args: Any, **_kwargs: Any) -> OrderedDict:  # type: ignore[misc]  # stands for any class: an instance of another one
        return OrderedDict()


def _globals_of(path: str | os.PathLike) -> set[str]:
    """Full names of all classes and functions that a checkpoint's pickle names, by disassembly."""
    found: set[str] = set()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                if entry.endswith('data.pkl'):
                    found.update(_globals_in(archive.read(entry)))
        return found
    with open(path, 'rb') as file:  # torch before 1.6: magic number, protocol, system, then the checkpoint
        for _ in range(4):
            found.update(_globals_in(file))
    return found


def _globals_in(pickled: bytes | IO[bytes]) -> Iterator[str]:
    for operation, argument, _ in pickletools.genops(pickled):
        if operation.name == 'GLOBAL':
            module, name = str(argument).split(' ', 1)
            yield f'{module}.{name}'
            # pickles of protocol 2 spell names as Python 2 did; torch looks for today's
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
            yield f'{module}.{name}'


# mmengine's doors


def _replace_loader_of_mmengine() -> None:
    """Make ``load_from``, ``--resume`` and ``init_cfg=dict(type='Pretrained')`` read checkpoints safely, too.

    mmengine 0.10 answers a pickle that ``weights_only=True`` refuses by loading it once more with
    ``weights_only=False``, that is, by running the code that was refused, and loads files from the network without the
    switch. All its doors go through three functions of one module, which are replaced here. To be dropped when mmengine
    refuses such files itself.
    """

    def load_from_local(file: Any, map_location: Any = None, **_switch: Any) -> dict:
        return read_checkpoint(os.path.expanduser(file) if isinstance(file, str) else file, map_location)

    def load_url(
        url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True, **options: Any
    ) -> Any:
        options['weights_only'] = True
        return torch.hub.load_state_dict_from_url(url, model_dir, map_location, progress, **options)

    mmengine_checkpoint._safe_torch_load = load_from_local
    # mmengine's own refuses what is no file before it reads, so that names of shipped weights would end there
    mmengine_checkpoint.CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
    mmengine_checkpoint.load_url = load_url


_replace_loader_of_mmengine()
