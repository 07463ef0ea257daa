"""A folder of small good inputs for each test of bad ones, and an end to a command that hangs."""

import shutil
import signal
import sys

import pytest
from bad_commands import make_base


@pytest.fixture(scope='package')
def good_inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp('good')
    make_base(root)
    return root


@pytest.fixture
def case(good_inputs, tmp_path, monkeypatch):
    """A copy of the good inputs; one of them is to be spoilt."""

    def tell(*_):
        raise AssertionError('the command hangs')

    monkeypatch.setattr('gc.collect', lambda *args: 0)  # mmengine's, half a second each
    monkeypatch.setattr('sys.argv', list(sys.argv))
    monkeypatch.chdir(tmp_path)
    root = tmp_path / 'case'
    shutil.copytree(good_inputs, root)
    before = signal.signal(signal.SIGALRM, tell)
    signal.alarm(30)
    yield root
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
