"""Running the commands on the files of a case."""

import sys

import pytest
from commands import call, write_small_config


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """``run(command, *arguments) -> (exit code, what it printed, its errors)``."""
    monkeypatch.setattr('gc.collect', lambda *args: 0)  # mmengine's, half a second each
    monkeypatch.setattr('sys.argv', list(sys.argv))
    monkeypatch.chdir(tmp_path)

    def ended(*command):
        capsys.readouterr()
        code = call(*command)
        said = capsys.readouterr()
        assert 'Traceback' not in said.out + said.err, (said.out + said.err)[-3000:]
        return code, said.out, said.err

    return ended


@pytest.fixture
def small_config(tmp_path):
    """Path of a config of a small model."""
    return write_small_config(tmp_path)
