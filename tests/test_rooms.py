"""Which room of the package may import which, what each registry can find, and what the start of a VOS model needs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import mmvos.registry
from mmvos.registry import _Registry

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mmvos'

#: the rooms from the ground up: a room may import those before it
FLOORS = (
    *('version', 'ops', '_mmcv_ext', 'structures', 'weights', 'videos', 'utils', 'registry', 'visualization'),
    *('inference', 'datasets', 'exports', 'imports', 'converters', 'models', 'interaction', 'evaluation', 'online', 'engine'),
    *('deployment', 'apis', 'batch', 'analysis', 'testing', 'web', 'cli', '__main__'),
)
#: (part of the package, what it must not import in spite of its floor)
APART = {
    'models': ('mmvos.datasets',),
    'evaluation/functional': ('torch', 'mmengine', 'mmcv', 'mmvos.models', 'mmvos.registry'),
}


def imports_of(file: Path) -> Iterator[str]:
    """Full names of the modules, and of what is taken from them, that a file imports anywhere in it."""
    package = file.relative_to(ROOT).with_suffix('').parts[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = '.'.join(package[: len(package) - node.level + 1]) if node.level else ''
            module = '.'.join(part for part in (start, node.module) if part)
            yield from (f'{module}.{alias.name}' for alias in node.names)


def room_of(module: str) -> str | None:
    """The room of a module of the package, None for another one and for the package itself."""
    names = module.split('.')
    return names[1] if names[0] == 'mmvos' and len(names) > 1 and names[1] in FLOORS else None


def test_every_room_has_its_floor():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == '.py'}
    assert rooms - {'__init__', '__pycache__', '.mim', '.mypy_cache'} <= set(FLOORS), 'give it a floor'


def test_contributing_shows_the_rooms_in_their_order():
    told = re.search(r'Imports go up this list only.*?: (.*?)\.\n', (ROOT / 'CONTRIBUTING.md').read_text(), re.DOTALL)
    assert re.findall(r'`(\w+)`', told[1]) == [room for room in FLOORS if room not in ('version', '_mmcv_ext', '__main__')]


@pytest.mark.parametrize('room', FLOORS)
def test_a_room_imports_none_above_it(room):
    files = [PACKAGE / f'{room}.py', *(PACKAGE / room).rglob('*.py')]
    for file in filter(Path.exists, files):
        for module in imports_of(file):
            assert not module.startswith('tools'), f'{file} imports {module}'
            other = room_of(module)
            if other and other != room:
                allowed = FLOORS.index(other) < FLOORS.index(room) or (room, other) == ('_mmcv_ext', 'ops')
                assert allowed, f'{file.relative_to(ROOT)} imports {module}, which is above it'


@pytest.mark.parametrize('part', APART)
def test_what_stays_apart(part):
    for file in (PACKAGE / part).rglob('*.py'):
        for module in imports_of(file):
            assert not any(f'{module}.'.startswith(f'{other}.') for other in APART[part]), f'{file} imports {module}'


def test_no_files_import_each_other():
    """Not for the name of a type either, or from within a function."""
    files = {'.'.join(file.relative_to(ROOT).with_suffix('').parts): file for file in PACKAGE.rglob('*.py')}
    graph = {}
    for name, file in files.items():
        imported = {module if module in files else module.rpartition('.')[0] for module in imports_of(file)}
        graph[name] = imported & set(files) - {name}
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def registered(file: Path) -> Iterator[tuple[str, str]]:
    """(registry, name) of what a file registers by decorator."""
    for node in ast.walk(ast.parse(file.read_text())):
        for decorator in getattr(node, 'decorator_list', ()):
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(called, ast.Attribute) and called.attr == 'register_module' and isinstance(called.value, ast.Name):
                yield called.value.id, node.name


def test_every_registered_part_is_found_by_its_name():
    """In a process that has imported none of them: a part that its package's ``__all__`` lacks would be found or not,
    depending on what was imported before."""
    packages = {name: registry.packages for name, registry in vars(mmvos.registry).items() if isinstance(registry, _Registry)}
    for file in set(PACKAGE.rglob('*.py')) - set((PACKAGE / 'cli' / 'template').rglob('*.py')):
        for registry, name in registered(file):
            exported = [name in import_module(package).__all__ for package in packages[registry]]
            assert any(exported), f'{file.relative_to(ROOT)}: {name} is in no __all__ of {packages[registry]}'


@pytest.mark.parametrize(
    'code',
    [
        'from mmvos.apis import VOSInferencer; VOSInferencer()',
        'from mmvos.apis import VOSInferencer; VOSInferencer("feature-propagation")',
    ],
)
def test_light_models_start_without_mmdet(code):
    """It takes seconds to import."""
    code += '; import sys; print([m for m in ("mmdet", "mmcv.ops", "scipy.optimize", "matplotlib.pyplot") if m in sys.modules])'
    run = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.splitlines()[-1] == '[]'


def sources(*folders: str) -> Iterator[Path]:
    """Python files of folders of the repository."""
    for folder in folders:
        yield from (ROOT / folder).rglob('*.py')


def test_no_file_is_too_long_to_be_read():
    files = sources('mmvos', 'tests', 'tools', 'demo', 'projects')
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > 350} == {}, 'split it where a reader would'


def is_absent_part(node: ast.AST) -> bool:
    """``self.part = MODELS.build(...) if ... else None``, also with a layer of torch or mmcv."""
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp) and isinstance(node.value.body, ast.Call)):
        return False
    made, other = node.value.body.func, node.value.orelse
    name = made.attr if isinstance(made, ast.Attribute) else getattr(made, 'id', '')
    of_self = any(isinstance(target, ast.Attribute) for target in node.targets)
    return of_self and (name == 'build' or name[:1].isupper()) and isinstance(other, ast.Constant) and other.value is None


def test_no_part_of_a_model_is_none():
    """What may be absent is an element of a list, or a null object, so that no step has to ask for it."""
    found = [
        f'{file.relative_to(ROOT)}:{node.lineno}'
        for file in sources('mmvos/models', 'projects')
        for node in ast.walk(ast.parse(file.read_text()))
        if is_absent_part(node)
    ]
    assert found == []


def raised_in(*folders: str) -> Iterator[tuple[str, str, ast.Raise]]:
    """Every ``raise``: its place, the name of the innermost function around it, and itself."""
    for file in sources(*folders):
        todo: list[tuple[ast.AST, str]] = [(ast.parse(file.read_text()), '')]
        while todo:
            node, function = todo.pop()
            if isinstance(node, ast.FunctionDef):
                function = node.name
            if isinstance(node, ast.Raise):
                yield f'{file.relative_to(ROOT)}:{node.lineno}', function, node
            todo += [(child, function) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]


def test_every_error_keeps_its_cause():
    """``raise ... from None`` would hide where a fault comes from."""
    raises = raised_in('mmvos', 'tools', 'demo', 'projects')
    assert [place for place, _, node in raises if isinstance(node.cause, ast.Constant)] == []


def test_settings_are_refused_by_errors_that_are_one_line():
    """Another error of a constructor would end a command with a traceback, exit code 1."""
    told = ('InputError', 'MissingFileError', 'FileNotFoundError', 'ImportError')
    wrong = [
        f'{place}: {ast.unparse(node)}'
        for place, function, node in raised_in('mmvos')
        if function in ('__init__', '__post_init__') and isinstance(node.exc, ast.Call)
        if ast.unparse(node.exc.func) not in told and not place.startswith('mmvos/ops/')  # they check tensors
    ]
    assert wrong == []
