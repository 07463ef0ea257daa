"""Attributes of a model by dotted paths."""

from typing import Any

from mmengine.model import is_model_wrapper

from mmvos.structures import InputError


def find_attribute(model: Any, path: str) -> tuple[Any, str]:
    """The object that has the attribute at the end of a dotted path, and the attribute's name.

    Args:
        model (nn.Module): model, wrapped for several processes or not.
        path (str): e.g. ``'criterion.weights.stop'``; a dict's keys count as attributes.

    Raises:
        InputError: there is no such attribute.
    """
    owner = model.module if is_model_wrapper(model) else model
    *parents, attribute = path.split('.')
    for name in [*parents, attribute]:
        if not (name in owner if isinstance(owner, dict) else hasattr(owner, name)):
            raise InputError(f'{path}: {type(owner).__name__} has no attribute {name!r}.')
        if name is not attribute:
            owner = owner[name] if isinstance(owner, dict) else getattr(owner, name)
    return owner, attribute
