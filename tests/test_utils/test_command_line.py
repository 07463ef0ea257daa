"""How command lines end: exit codes, one line for what a user can mend, tracebacks for faults, signals."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmvos.cli.main import main as cli
from mmvos.registry import DATASETS
from mmvos.structures import InputError
from mmvos.utils import command_line, load_config, run_lock
from mmvos.utils.command_line import CommandEnded, Stopped

ROOT = Path(__file__).parents[2]


def ended(action):
    """Exit code of a command line whose ``main`` does ``action``."""

    @command_line
    def main():
        return action()

    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def raising(error):
    def action():
        raise error

    return action


def build_with_a_wrong_key():
    import mmvos.datasets  # noqa: F401  (registers)

    DATASETS.build(dict(type='SynthVOSDataset', lenght=3))


@pytest.mark.parametrize(
    'action, message',
    [
        (raising(InputError('a.png: found x,\n expected y.')), 'error: a.png: found x, expected y.\n'),
        (raising(OSError(errno.ENOSPC, 'No space left on device', 'out/m.png')), 'error: out/m.png: No space left on device\n'),
        (raising(FileExistsError(errno.EEXIST, 'File exists', __file__)), f'error: {__file__}: is a file; expected a folder, '),
        (raising(FileNotFoundError('a.pth: checkpoint not found.')), 'error: a.pth: checkpoint not found.\n'),
        (raising(SystemExit('error: wrong.')), 'error: wrong.\n'),
        (raising(ImportError('Run: pip install ray')), 'error: Run: pip install ray\n'),
        (raising(MemoryError('2 GB')), 'error: out of memory. 2 GB\n'),
        (build_with_a_wrong_key, "error: config: BaseDataset.__init__() got an unexpected keyword argument 'lenght'\n"),
        (lambda: DATASETS.build(dict(type='Nothing')), 'error: config: '),
        (lambda: Config(dict(a=1)).model, "error: config: 'ConfigDict' object has no attribute 'model'\n"),
    ],
)
def test_what_a_user_can_mend_is_one_line(action, message, capsys):
    assert ended(action) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(message) and printed.count('\n') == 1


FAULTS = [
    ValueError('x'),
    TypeError('f() got an unexpected keyword argument'),
    ConnectionError('x'),
    ImportError('cannot import name', name='mmvos.models'),
]


@pytest.mark.parametrize('error', FAULTS)
def test_a_fault_of_the_program_passes_with_its_traceback(error):
    @command_line
    def main():
        raise error

    with pytest.raises(type(error)) as raised:
        main()
    assert raised.value is error


def test_the_traceback_can_be_seen(capsys, monkeypatch):
    monkeypatch.setenv('MMVOS_TRACEBACK', '1')
    assert ended(raising(InputError('a.png: wrong.'))) == 2
    assert 'Traceback' in capsys.readouterr().err


@pytest.mark.parametrize(('stop', 'code'), [(KeyboardInterrupt, 130), (Stopped, 143)])
def test_a_stop_that_a_library_takes_for_an_error_is_a_stop(stop, code, capsys):
    def action():
        try:
            raise stop
        except BaseException:
            raise SyntaxError('the config cannot be formatted')  # noqa: B904

    assert ended(action) == code
    assert capsys.readouterr().err.startswith('error: stopped by SIG')


def test_the_value_of_main_and_its_own_exits_stay():
    assert command_line(lambda: 7)() == 7
    assert ended(raising(SystemExit(3))) == 3


def test_an_error_of_a_loading_process_is_one_line_too(capsys):
    from torch.utils.data import DataLoader

    assert ended(lambda: next(iter(DataLoader(Broken(), num_workers=1)))) == 2
    assert capsys.readouterr().err == 'error: a.jpg: cannot be decoded.\n'


class Broken:
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise InputError('a.jpg: cannot be decoded.')


def test_a_link_that_leads_nowhere_is_named(tmp_path, capsys):
    (tmp_path / 'out').symlink_to('gone')
    assert ended(lambda: (tmp_path / 'out').mkdir(exist_ok=True)) == 2
    assert capsys.readouterr().err.startswith(f'error: {tmp_path}/out: is a link that leads nowhere; expected a folder')


@pytest.mark.parametrize('number, code', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_clears_away_what_was_begun(number, code, tmp_path):
    script = textwrap.dedent("""
        import sys, time
        from mmvos.structures import atomic_path
        from mmvos.utils.command_line import command_line

        @command_line
        def main():
            with atomic_path(sys.argv[1]) as temporary:
                open(temporary, 'w').write('half')
                print('begun', flush=True)
                time.sleep(60)

        main()
    """)
    process = subprocess.Popen(
        [sys.executable, '-c', script, str(tmp_path / 'a.txt')],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        # a shell's background jobs, and so what they start, ignore SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == 'begun\n'
    process.send_signal(number)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == code
    assert printed.startswith('error: stopped by') and printed.count('\n') == 1
    assert list(tmp_path.iterdir()) == []


def test_overrides_of_unknown_keys_are_refused():
    config = Config(dict(model=dict(type='A'), data_root='x'))
    assert load_config(config, {'randomness.seed': 3, 'data_root': 'y'}).data_root == 'y'
    with pytest.raises(InputError, match="no top-level key 'train_cgf'; did you mean 'train_cfg'"):
        load_config(config, {'train_cgf.max_iters': 3})


@pytest.mark.parametrize(
    'text, message', [('a = (', 'c.py .*, line 1'), ('a = 1 / None', 'TypeError'), ("_base_ = 'nothing.py'", 'nothing.py')]
)
def test_a_config_that_cannot_be_read_is_named(text, message, tmp_path):
    path = tmp_path / 'c.py'
    path.write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        load_config(path)
    assert raised.value.__cause__ is not None


HOLD = """
import sys, time
from mmvos.utils import run_lock
with run_lock(sys.argv[1], '--work-dir'):
    print('begun', flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize('name', ['folder', 'file.zip'])
def test_the_second_run_into_one_place_says_so(name, tmp_path):
    target = tmp_path / name
    process = subprocess.Popen(
        [sys.executable, '-c', HOLD, str(target)], stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=str(ROOT))
    )
    try:
        assert process.stdout.readline() == 'begun\n'
        message = rf'{name}: another run \(process {process.pid} on .*--work-dir'
        with pytest.raises(InputError, match=message), run_lock(target, '--work-dir'):
            pass
    finally:
        process.kill()
        process.communicate()
    for _ in range(100):  # the lock ends with the process
        try:
            with run_lock(target, '--work-dir'):
                break
        except InputError:
            time.sleep(0.05)
    else:
        pytest.fail('the lock of a dead process holds')
    assert not [p for p in tmp_path.rglob('*') if p.is_file()]
    with run_lock(tmp_path / 'a' / 'b', '--work-dir'):
        assert (tmp_path / 'a' / 'b').is_dir()
    assert not (tmp_path / 'a').exists(), 'folders that were made for the lock, and are empty, go with it'


@pytest.mark.parametrize('command', [['segment', '--click', '1:2,2'], ['instances'], ['track', '--box', '1:1,1,5,5']])
def test_a_second_run_into_one_folder_of_results_says_so(command, tmp_path, capsys):
    (tmp_path / 'clip').mkdir()
    cv2.imwrite(str(tmp_path / 'clip' / '0.png'), np.zeros((32, 32, 3), np.uint8))
    with subprocess.Popen(
        [sys.executable, '-c', HOLD, str(tmp_path / 'out')],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    ) as process:
        try:
            assert process.stdout.readline() == 'begun\n'
            with pytest.raises(CommandEnded) as ended:
                cli([command[0], str(tmp_path / 'clip'), *command[1:], '--out-dir', str(tmp_path / 'out')])
        finally:
            process.kill()
    assert ended.value.code == 2 and f'another run (process {process.pid}' in capsys.readouterr().err
