"""Methods that implement a documented one: their text ends with a link to the arguments of that one."""

import inspect
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

from .api_pages import homes, public_packages


class Overrides:
    """Listener of autodoc's event ``autodoc-process-docstring``, to be called before napoleon is.

    Args:
        packages (list[ModuleType] | None): packages whose classes can be linked to; None: all public ones.
    """

    def __init__(self, packages: list[ModuleType] | None = None) -> None:
        self.home = homes(public_packages() if packages is None else packages)

    def __call__(self, app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG002
        """Adds the link to ``lines``, the text of ``thing``, where it has no ``Args:`` and its base has."""
        if what != 'method' or 'Args:' in lines:
            return
        owner = inspect.getmodule(thing)
        qualified = getattr(thing, '__qualname__', '').split('.')
        cls = getattr(owner, qualified[0], None) if len(qualified) == 2 else None
        if not inspect.isclass(cls):
            return
        for base in cls.__mro__[1:]:
            described = base.__dict__.get(qualified[1])
            if id(base) in self.home and 'Args:' in (getattr(described, '__doc__', '') or ''):
                lines += ['', f'Arguments: :meth:`.{base.__name__}.{qualified[1]}`.', '']
                return
