"""The commands that the documentation names: their programs, options, files and targets are there.

Each shell command in a block, and each in a sentence that begins with ``mmvos``, ``python``, ``make`` or ``tools/``.
"""

import ast
import importlib
import itertools
import os
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from mmvos.cli.main import COMMANDS, main, parser_of
from mmvos.datasets.synth import make_demo_clip
from mmvos.structures import write_label_map
from mmvos.visualization import VideoWriter

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md')),
    *sorted((ROOT / 'docs' / 'en').glob('*.md')),
    *sorted(ROOT.glob('configs/**/README.md')),
    *sorted(ROOT.glob('projects/*/README.md')),
]
MODULES = {name: module for commands in COMMANDS.values() for name, (module, _) in commands.items()}
#: programs of others
OTHERS = {'pip', 'pipx', 'source', 'cd', 'docker', 'ffmpeg', 'ffprobe', 'tensorboard', 'sbatch', 'jupyter', 'curl', 'apt-get'}
OTHERS |= {'pre-commit', 'unzip', 'wget', 'git', 'convert', 'srun', 'torchrun', 'export', 'mkdir', 'sed', 'tar', 'tee'}
BLOCK = re.compile(r'^(?P<indent> *)```(?:shell|bash|console)\n(?P<text>.*?)^(?P=indent)```', re.MULTILINE | re.DOTALL)


def commands_of(page: Path) -> Iterator[list[str]]:
    """Words of the commands of a page."""
    text = page.read_text(encoding='utf-8')
    for block in BLOCK.finditer(text):
        for line in re.sub(r'\\\n\s*', ' ', block['text']).splitlines():
            yield from parts(line)
    for span in re.findall(r'(?<!`)`((?:mmvos|python|make|tools/[\w/]+\.sh) [^`\n]+)`(?!`)', BLOCK.sub('', text)):
        yield from parts(span)


def parts(line: str) -> Iterator[list[str]]:
    """The commands of a line, without comments, variables that are set, and loops around them."""
    line = re.sub(r'^\s*for .*?; do (.*); done\s*$', r'\1', line)
    lexer = shlex.shlex(line.replace('...', ''), posix=True, punctuation_chars=';|&()')
    lexer.whitespace_split = True
    for ends, words in itertools.groupby(lexer, lambda word: not word.strip(';|&()')):
        words = list(itertools.dropwhile(lambda word: re.fullmatch(r'\w+=\S*', word), words))
        if words and not ends:
            yield words


@cache
def options_of(path: str) -> frozenset[str]:
    """Options of a script: those that it adds, and those of the modules of commands that it uses."""
    text = (ROOT / path).read_text(encoding='utf-8')
    tree = ast.parse(text)
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and str(node.value).startswith('--')}
    for name, module in MODULES.items():
        if re.search(rf'\b{re.escape(module)}\b|mmvos\.cli import .*\b{name}\b', text):
            found |= set(parser_of(importlib.import_module(module))._option_string_actions)
    return frozenset(found)


def problem(words: list[str]) -> str:
    """What is wrong with a command; empty if nothing is."""
    for word in words:
        for path in expand(word.split('=')[-1]):
            if re.match(r'(configs|tools|demo|docker|projects|tests|docs)/', path) and not there(path):
                return f'no file {path}'
    program, *arguments = words
    program = program.removeprefix('.venv/bin/')
    options = {word.partition('=')[0] for word in arguments if word.startswith('--') and word != '--'}
    if program == 'mmvos':
        if not arguments or arguments[0].startswith('-') or arguments[0].isupper():
            return ''
        if arguments[0] not in MODULES:
            return f'no command mmvos {arguments[0]}'
        known = set(parser_of(importlib.import_module(MODULES[arguments[0]]))._option_string_actions)
        return f'unknown options {options - known}' if options - known else ''
    if program in ('python', 'python3') and arguments and arguments[0].endswith('.py') and '/' in arguments[0]:
        unknown = options - options_of(arguments[0]) - {'--help'}
        return f'unknown options {unknown}' if unknown else ''
    if program == 'make':
        targets = set(re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text(encoding='utf-8'), re.MULTILINE))
        unknown = {word for word in arguments if '=' not in word} - targets
        return f'no targets {unknown}' if unknown else ''
    if program in OTHERS | {'python', 'python3'} or '/' in program:
        return ''
    return f'unknown program {program}'


def expand(word: str) -> list[str]:
    """Words that the shell makes of braces."""
    braces = re.search(r'\{([^{}]*,[^{}]*)\}', word)
    if not braces:
        return [word]
    return [one for part in braces[1].split(',') for one in expand(word[: braces.start()] + part + word[braces.end() :])]


def there(path: str) -> bool:
    """Whether a path of a command is in the repository; what is in capitals or variables stands for something."""
    path = re.sub(r'(\$\{?\w+\}?|<[^>]*>)', '*', path).partition('::')[0]
    if re.search(r'[A-Z]{3,}', Path(path).name) and not (ROOT / path).exists():
        return True
    return bool(list(ROOT.glob(path.rstrip('/')))) if '*' in path else os.path.exists(ROOT / path)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_are_there(page):
    assert [(' '.join(words), fault) for words in commands_of(page) if (fault := problem(words))] == []


def test_a_command_that_is_wrong_is_found():
    wrong = [
        'mmvos segmnt a.mp4',
        'mmvos segment a.mp4 --clik 1:2,3',
        'python tools/train.py --nothing',
        'make nothing',
        'nothing a',
    ]
    wrong += ['mmvos train configs/agame/nothing.py', 'python tools/nothing.py']
    assert all(problem(next(parts(line))) for line in wrong)


RUN = re.compile(r'^<!-- run -->\n```(?P<kind>shell|python)\n(?P<text>.*?)^```', re.MULTILINE | re.DOTALL)


def test_what_is_marked_in_the_first_steps_runs(tmp_path, monkeypatch):
    text = (ROOT / 'docs/en/get_started.md').read_text(encoding='utf-8')
    blocks = [match.groupdict() for match in RUN.finditer(text)]
    assert [block['kind'] for block in blocks] == ['shell', 'python', 'python']
    monkeypatch.chdir(tmp_path)
    small_video()
    for block in blocks:
        if block['kind'] == 'python':
            names = {}
            exec(block['text'], names)
            assert np.unique(names['label_map'] if 'label_map' in names else names['result'].pred_label_map).tolist() == [
                0,
                1,
                2,
                3,
            ]
            continue
        for line in block['text'].splitlines():
            assert main(next(parts(line))[1:]) == 0, line
    for folder in ('out', 'boxes', 'masks'):
        assert len(list((tmp_path / folder / 'masks').glob('*.png'))) == 4
    assert {'coco', 'cutouts'} <= {path.stem for path in (tmp_path / 'masks').iterdir()}


def small_video() -> None:
    """``video.mp4`` and ``mask.png`` of its first frame, here."""
    clip = make_demo_clip((240, 426), 4)  # an even width, as H.264 has it
    with VideoWriter('video.mp4') as writer:
        for frame in clip.frames:
            writer.write(frame)
    write_label_map('mask.png', clip.label_maps[0])
