"""States that hold one entry per object say which of their fields do; dropping objects then needs no further code."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
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
    for field in fields(state):  # type: ignore[arg-type]
        value = getattr(state, field.name)
        if field.metadata.get('per_object'):
            dim = field.metadata['dim']
            changed[field.name] = _each(value, indices, dim) if field.metadata['each'] else _rows(value, indices, dim)
        else:
            kept = _descend(value, indices)
            if kept is not value:
                changed[field.name] = kept
    return replace(state, **changed) if changed else state  # type: ignore[type-var]


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
