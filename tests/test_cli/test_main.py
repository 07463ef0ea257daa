"""The command ``mmvos``: what it lists, how fast it answers, what it says to a mistake."""

import argparse
import importlib
import json
import os
import subprocess
import sys

import pytest

from mmvos.cli import doctor
from mmvos.cli.main import COMMANDS, main, overview, parser_of
from mmvos.utils import configs_root
from mmvos.version import __version__

NAMES = {name: module for commands in COMMANDS.values() for name, (module, _) in commands.items()}


def test_the_overview_lists_every_command(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert printed.strip() == overview()
    assert all(f'  {name} ' in printed for name in NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_every_command_shows_examples_in_its_help(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, '--help'])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert f'usage: mmvos {name}' in printed and 'examples:' in printed and f'  mmvos {name}' in printed


@pytest.mark.parametrize('arguments', [['--help'], ['--version']])
def test_a_reader_that_has_seen_enough_is_no_error(arguments):
    reading, writing = os.pipe()
    os.close(reading)  # as after `mmvos --help | head -1`
    with os.fdopen(writing, 'w') as pipe:
        run = subprocess.run([sys.executable, '-m', 'mmvos', *arguments], stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert (run.returncode, run.stderr) == (141, '')


@pytest.mark.parametrize('name', NAMES)
def test_nothing_heavy_is_imported_before_the_options_are_read(name):
    code = f"""
import sys
from mmvos.cli.main import main
try:
    main([{name!r}, '--help'])
except SystemExit:
    pass
print([m for m in ('torch', 'numpy', 'cv2', 'mmengine', 'mmcv', 'mmdet') if m in sys.modules])
"""
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == '[]'


def shown_options(module):
    """The options that the help of a command shows: former names still work, but are not shown."""
    return [a for a in parser_of(importlib.import_module(module))._actions if a.help != argparse.SUPPRESS]


def test_options_have_one_meaning_in_all_commands():
    """An option that two commands share takes the same kind of value in both."""
    kinds = {}
    for name, module in NAMES.items():
        for action in shown_options(module):
            for option in action.option_strings:
                if option in ('--resume', '--out'):
                    # a training may name the checkpoint that it goes on from, a test knows its folder; an export is one file
                    continue
                kind = (type(action).__name__, action.nargs, action.dest, action.type, _value(action.metavar))
                assert kinds.setdefault(option, (name, kind))[1] == kind, f'{option} of {name} and {kinds[option][0]}'


def _value(metavar: str | tuple[str, ...] | None) -> str | None:
    """What an option takes: a prompt may name its frame, the results of a test may be one file."""
    metavar = ' '.join(metavar) if isinstance(metavar, tuple) else metavar
    return metavar.removeprefix('[FRAME=]').split('|')[0] if metavar else None


def test_the_same_thing_has_one_name_in_all_commands():
    options = {name: {o for a in shown_options(module) for o in a.option_strings} for name, module in NAMES.items()}
    for one, other in (
        ('--boxes', '--box'),
        ('--tracker', '--config'),
        ('--output', '--out-dir'),
        ('--weights', '--checkpoint'),
    ):
        assert [name for name, known in options.items() if one in known] == [], f'{one}: expected {other}'
    assert [name for name, known in options.items() if '--out' in known and '--out-dir' not in known] == ['export']


def test_a_mistyped_command_is_one_line(capsys):
    assert main(['docter']) == 2
    assert capsys.readouterr().err == "error: mmvos: no command 'docter'; did you mean doctor?\n"


def test_version(capsys):
    assert main(['--version']) == 0
    assert capsys.readouterr().out == f'mmvos {__version__}\n'


def test_python_dash_m():
    run = subprocess.run([sys.executable, '-m', 'mmvos', '--version'], capture_output=True, text=True, check=True)
    assert run.stdout == f'mmvos {__version__}\n'


def test_doctor_finds_nothing_wrong_here(capsys):
    assert main(['doctor', '--quiet']) == 0
    assert capsys.readouterr().out == ''


def test_doctor_names_what_is_wrong(capsys, monkeypatch):
    def broken():
        raise ImportError('libGL.so.1')
        yield

    monkeypatch.setitem(doctor.CHECKS, 'imports', broken)
    monkeypatch.setitem(doctor.CHECKS, 'self-test', lambda: iter(['fine']))
    assert main(['doctor']) == 1
    printed = capsys.readouterr()
    assert 'imports      WRONG  ImportError: libGL.so.1' in printed.out and '1 of 6 checks failed' in printed.err


def test_doctor_names_a_missing_package(monkeypatch):
    monkeypatch.setitem(doctor.REQUIRED, 'no-such-package', 'no_such_package')
    with pytest.raises(ImportError, match='pip install no-such-package'):
        list(doctor.CHECKS['packages']())


def test_models_are_listed_with_their_sizes_and_scores(capsys):
    assert main(['models', '--all', '--json']) == 0
    rows = {row['config']: row for row in json.loads(capsys.readouterr().out)}
    assert all((configs_root() / config).is_file() for config in rows)
    assert rows['configs/recall_vos/recall-vos_lite0.py']['weights_bytes'] > 100_000
    assert main(['models', 'recall']) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ['name', 'weights', 'scores'] and all(' MB ' in line for line in table[1:2])


def test_a_model_that_is_not_there_is_said(capsys):
    assert main(['models', 'no such model']) == 1
    assert "no model with 'no such model' in its name" in capsys.readouterr().out
