"""Files are complete or not there, and what dead processes left is removed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mmvos.structures import InputError, atomic_path


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_path(path) as temporary:
        Path(temporary).write_text('whole')
        assert not path.exists()
    assert path.read_text() == 'whole' and os.listdir(path.parent) == ['a.txt']


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(KeyboardInterrupt), atomic_path(path) as temporary:
        Path(temporary).write_text('half')
        raise KeyboardInterrupt
    assert path.read_text() == 'old' and os.listdir(tmp_path) == ['a.txt']


def test_a_folder_under_the_final_name_leaves_no_temporary_file(tmp_path):
    (tmp_path / 'a.txt').mkdir()
    with pytest.raises(IsADirectoryError), atomic_path(tmp_path / 'a.txt') as temporary:
        Path(temporary).write_text('whole')
    assert os.listdir(tmp_path) == ['a.txt']


@pytest.mark.parametrize('make', [os.mkfifo, lambda path: path.symlink_to('/dev/null')], ids=['pipe', 'device'])
def test_what_is_no_file_is_not_replaced(make, tmp_path):
    make(tmp_path / 'a.txt')
    with pytest.raises(InputError, match='a.txt: is a device, a pipe or a socket'), atomic_path(tmp_path / 'a.txt'):
        pass
    assert os.listdir(tmp_path) == ['a.txt'] and not (tmp_path / 'a.txt').is_file()


def test_what_dead_processes_left_is_removed_and_nothing_else(tmp_path):
    process = subprocess.Popen([sys.executable, '-c', ''])
    process.wait()
    host = socket.gethostname()
    dead, alive = f'.mmvos-{host}-{process.pid}-a.txt', f'.mmvos-{host}-{os.getpid()}-a.txt'
    other = [f'.mmvos-elsewhere-{process.pid}-a.txt', f'.mmvos-{host}-x-a.txt', '.a.txt']
    for name in (dead, alive, *other):
        (tmp_path / name).touch()
    with atomic_path(tmp_path / 'b.txt'):
        pass
    assert set(os.listdir(tmp_path)) == {alive, *other, 'b.txt'}
