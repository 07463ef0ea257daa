"""Pages of the API reference: every public name of `mmvos`, once, on the page of its package."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import mmvos

#: packages whose names are not for users of the API
_INNER = ('mmvos.cli', 'mmvos.web')


def pages() -> dict[str, str]:
    """Texts of the pages: {path under docs/en: text}."""
    packages = public_packages()
    home = homes(packages)
    texts = {f'api/{package.__name__}.rst': page(package, home) for package in packages}
    lines = [
        'API reference',
        '=============',
        '',
        'Every public name, by room. Which room imports which: :doc:`../architecture`.',
        '',
    ]
    lines += ['.. toctree::', '   :hidden:', '', *(f'   {package.__name__}' for package in packages), '']
    lines += ['.. list-table::', '   :widths: 30 70', '']
    for package in packages:
        lines += [f'   * - :doc:`{package.__name__}`', f'     - {_summary(package)}']
    return {**texts, 'api/index.rst': '\n'.join([*lines, ''])}


def public_packages() -> list[ModuleType]:
    """Packages of `mmvos` that name public things of their own in ``__all__``."""
    names = [
        info.name for info in pkgutil.walk_packages(mmvos.__path__, 'mmvos.') if info.ispkg and not info.name.startswith(_INNER)
    ]
    modules = [importlib.import_module(name) for name in names if '.template' not in name]
    return [module for module in modules if getattr(module, '__all__', ())]


def homes(packages: list[ModuleType]) -> dict[int, str]:
    """The package where a thing is described: the innermost that holds the file which defines it."""
    home: dict[int, str] = {}
    for package in packages:
        for name in package.__all__:
            thing = getattr(package, name)
            defined = getattr(thing, '__module__', None) or package.__name__
            best = home.get(id(thing))
            if best is None or _nearness(package.__name__, defined) > _nearness(best, defined):
                home[id(thing)] = package.__name__
    return home


def page(package: ModuleType, home: dict[int, str]) -> str:
    """Text of the page of one package."""
    title = package.__name__
    things = {name: getattr(package, name) for name in sorted(package.__all__, key=str.lower)}
    own = {name: thing for name, thing in things.items() if home[id(thing)] == title and not inspect.ismodule(thing)}
    others = {name: thing for name, thing in things.items() if home[id(thing)] != title}
    lines = [title, '=' * len(title), '', package.__doc__ or '', '', f'.. currentmodule:: {title}', '']
    described = [name for name, thing in own.items() if inspect.isclass(thing) or inspect.isroutine(thing)]
    if described:
        lines += ['.. autosummary::', '   :nosignatures:', '', *(f'   {name}' for name in described), '']
    if others:
        named = ', '.join(f':doc:`{name} <{home[id(thing)]}>`' for name, thing in others.items())
        lines += [f'Names of other packages that can be imported from here as well: {named}.', '']
    for name, thing in own.items():
        lines += [*directive(name, thing), '']
    return '\n'.join(lines)


def directive(name: str, thing: object) -> list[str]:
    """Lines that describe one thing."""
    if inspect.isclass(thing):
        members = [] if issubclass(thing, tuple) else ['   :members:']
        return [f'.. autoclass:: {name}', *members, '   :show-inheritance:']
    if inspect.isroutine(thing):
        return [f'.. autofunction:: {name}']
    return [f'.. py:data:: {name}', f'   :type: {type(thing).__name__}']


def _nearness(package: str, module: str) -> int:
    return len(package) if f'{module}.'.startswith(f'{package}.') else 0


def _summary(package: ModuleType) -> str:
    return (package.__doc__ or '').strip().partition('\n')[0]
