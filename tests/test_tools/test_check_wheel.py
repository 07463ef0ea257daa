"""``tools/misc/check_wheel.sh`` changes the folder; installing the wheel itself takes minutes (``make package``)."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'tools/misc/check_wheel.sh'


@pytest.mark.parametrize(('python', 'code', 'words'), [('bin/python', 9, '-m venv venv'), ('none', 2, 'none: no such Python')])
def test_a_python_may_be_named_by_a_relative_path(python, code, words, tmp_path):
    (tmp_path / 'bin').mkdir()
    (tmp_path / 'bin/python').write_text('#!/bin/sh\necho "$@"\nexit 9\n')
    (tmp_path / 'bin/python').chmod(0o755)
    (tmp_path / 'a.whl').touch()
    done = subprocess.run(['bash', SCRIPT, python, 'torch', 'a.whl'], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, (done.stdout + done.stderr).strip()) == (code, words)
