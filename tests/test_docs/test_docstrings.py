"""Docstrings of public classes and functions say what each of their arguments is, with its type."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / 'mmvos'
#: rooms that are no part of the API reference
INNER = ('cli', 'web')


def public(tree: ast.AST, place: str) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Public functions, classes and methods of a module, with their dotted names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and (not node.name.startswith('_') or node.name == '__call__'):
            yield f'{place}.{node.name}', node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f'{place}.{node.name}')


def arguments(node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    """Names of the arguments, without those that a caller does not give; of a class, those of its constructor."""
    if isinstance(node, ast.ClassDef):
        return next((arguments(n) for n in node.body if isinstance(n, ast.FunctionDef) and n.name == '__init__'), [])
    names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return [name for name in names if name not in ('self', 'cls') and not name.startswith('_')]


def section(docstring: str) -> str:
    """The lines of ``Args:``, without their indent."""
    found = re.search(r'^Args:\n((?:    .*\n|\n)+)', f'{docstring}\n', re.MULTILINE)
    return re.sub(r'^    ', '', found[1], flags=re.MULTILINE) if found else ''


ROOMS = sorted(p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name not in (*INNER, '__pycache__'))


@pytest.mark.parametrize('room', ROOMS)
def test_where_arguments_are_described_all_are(room):
    wrong = []
    for file in sorted((PACKAGE / room).rglob('*.py')):
        for name, node in public(ast.parse(file.read_text(encoding='utf-8')), file.stem):
            entries = section(ast.get_docstring(node) or '')
            listed = {n.strip('* ') for line in re.findall(r'^(\w[\w*, ]*) \(', entries, re.MULTILINE) for n in line.split(',')}
            missing = [argument for argument in arguments(node) if entries and argument not in listed]
            untyped = re.findall(r'^(\w+): ', entries, re.MULTILINE)
            wrong += [f'{name}: {what}' for what in (*missing, *(f'{n}, its type' for n in untyped))]
    assert wrong == []
