"""States that hold one entry per object say which of their fields do; dropping objects then needs no further code."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

State = TypeVar('State')


def per_object(dim: int = 0, each: bool = False) -> dict[str, Any]:
    """Metadata of a dataclass field that holds one entry per object: ``field(metadata=per_object(dim=1))``.

    Args:
        dim (int): dimension of a tensor or an array that counts the objects. The items of a list or a tuple are objects.
        each (bool): the field is a list, a tuple or a dict, and each of its values holds one entry per object.
    """
    return dict(per_object=True, dim=dim, each=each)


#: metadata of a field whose first dimension, or whose items, are the objects
PER_OBJECT = per_object()


def keep_objects(indices: Sequence[int], state: State) -> State:
    """A state (a dataclass) with only the objects of these indices, in this order; the given state is left as it is.

    Fields declared with :func:`per_object` are indexed. All other fields that hold dataclasses, also in lists, tuples and
    dicts, are descended into. A dataclass with a rule of its own defines ``keep_objects(indices)``.
    """
    indices = list(indices)
    changed: dict[str, Any] = {}
    for field in fields(state):  # type: ignore[arg-type]  # a dataclass, which has no type of its own
        value = getattr(state, field.name)
        if field.metadata.get('per_object'):
            dim = field.metadata['dim']
            changed[field.name] = _each(value, indices, dim) if field.metadata['each'] else _rows(value, indices, dim)
        else:
            kept = _descend(value, indices)
            if kept is not value:
                changed[field.name] = kept
    return replace(state, **changed) if changed else state  # type: ignore[type-var]  # likewise


def join_objects(state: State, new: State) -> State:
    """A state (a dataclass) with the objects of another one, ``new``, of its class after its own; both are left as they are.

    Fields declared with :func:`per_object` are joined. Of all others the first state's are taken, after dataclasses in
    them, also in dicts, have been joined in the same way.
    """
    changed: dict[str, Any] = {}
    for field in fields(state):  # type: ignore[arg-type]  # a dataclass, which has no type of its own
        first, second = getattr(state, field.name), getattr(new, field.name)
        if not field.metadata.get('per_object'):
            changed[field.name] = _joined_below(first, second)
        elif field.metadata['each']:
            changed[field.name] = _joined_each(first, second, field.metadata['dim'])
        else:
            changed[field.name] = _joined(first, second, field.metadata['dim'])
    return replace(state, **changed)  # type: ignore[type-var]  # likewise


def _joined_below(first: Any, second: Any) -> Any:
    if is_dataclass(first):
        return join_objects(first, second)
    if isinstance(first, Mapping) and any(map(is_dataclass, first.values())):
        return {key: _joined_below(value, second[key]) for key, value in first.items()}
    return first


def _joined_each(first: Any, second: Any, dim: int) -> Any:
    if isinstance(first, Mapping):
        return {key: _joined(value, second[key], dim) for key, value in first.items()}
    return type(first)(_joined(*pair, dim) for pair in zip(first, second, strict=True))


def _joined(first: Any, second: Any, dim: int) -> Any:
    if isinstance(first, Tensor):
        return torch.cat([first, second], dim)
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second], dim)
    return type(first)([*first, *second])


def _descend(value: Any, indices: list[int]) -> Any:
    if hasattr(value, 'keep_objects'):
        return value.keep_objects(indices)
    if is_dataclass(value):
        return keep_objects(indices, value)
    if isinstance(value, Mapping) and any(map(_holds_objects, value.values())):
        return {key: _descend(item, indices) for key, item in value.items()}
    if type(value) in (list, tuple) and any(map(_holds_objects, value)):
        return type(value)(_descend(item, indices) for item in value)
    return value


def _holds_objects(value: Any) -> bool:
    return is_dataclass(value) or hasattr(value, 'keep_objects')


def _each(values: Any, indices: list[int], dim: int) -> Any:
    if isinstance(values, Mapping):
        return {key: _rows(value, indices, dim) for key, value in values.items()}
    return type(values)(_rows(value, indices, dim) for value in values)


def _rows(value: Any, indices: list[int], dim: int) -> Any:
    if isinstance(value, (Tensor, np.ndarray)):
        return value[(slice(None),) * dim + (indices,)]
    return type(value)(value[i] for i in indices)
