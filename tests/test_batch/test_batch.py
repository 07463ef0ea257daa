"""``mmvos batch`` as a user runs it, and pools whose workers die."""

import json
import re
import signal
import subprocess
import sys
import time
from multiprocessing import resource_tracker
from multiprocessing import util as spawn_parts
from pathlib import Path

import cv2
import fsspec
import numpy as np
import pytest
from mini_models import save_random_weights

from mmvos.apis import VOSInferencer
from mmvos.batch import Failed, Finished, LocalPool, Task, run_batch
from mmvos.batch.destination import Destination
from mmvos.batch.events import Pool
from mmvos.batch.local_pool import described
from mmvos.cli.main import main
from mmvos.structures import InputError, read_label_map, write_label_map
from mmvos.utils.command_line import CommandEnded
from tests.test_batch.stand_ins import DiesAtStart, SleeperIn, Unusable

MINI = 'rgmp/rgmp_mini_synthvos.py'
NAMES = ['a', 'b', 'c', 'd']


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return save_random_weights(MINI, tmp_path_factory.mktemp('weights') / 'mini.pth')


@pytest.fixture
def videos(tmp_path):
    for number, name in enumerate(NAMES):
        folder = tmp_path / 'videos' / name
        folder.mkdir(parents=True)
        for i in range(3):
            frame = np.full((48, 64, 3), 40 + 20 * number, np.uint8)
            frame[12:36, 8 + 4 * i : 32 + 4 * i] = (30, 60, 220)
            cv2.imwrite(str(folder / f'{i:05d}.png'), frame)
        mask = np.zeros((48, 64), np.uint8)
        mask[12:36, 8:32] = number + 1
        write_label_map(tmp_path / 'masks' / f'{name}.png', mask)
    return tmp_path / 'videos'


def batch(source, out, weights, *more):
    return main(['batch', str(source), '--out', str(out), '--config', MINI, '--checkpoint', weights, *map(str, more)])


def masks_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(Path(folder).glob('*/masks/*.png'))}


class InThisProcess(Pool):
    """A worker without a process of its own, which takes seconds to start."""

    def __init__(self, make_worker):
        self.worker, self.news = make_worker('cpu', 1), []

    @property
    def free(self):
        return 1 - len(self.news)

    def give(self, task):
        try:
            self.news.append(Finished(task, self.worker.run(task)))
        except InputError as error:
            self.news.append(Failed(task, *described(error)))

    def events(self, timeout):
        news, self.news = self.news, []
        return news

    def close(self):
        pass


@pytest.mark.parametrize('workers', [1, pytest.param(2, marks=pytest.mark.scale)])
def test_each_video_once_with_the_results_of_a_plain_loop(videos, weights, tmp_path, capsys, monkeypatch, workers):
    (videos / 'c' / '00001.png').write_bytes(b'damaged')
    options = ('--prompts', tmp_path / 'masks', '--export', 'coco')
    assert batch(videos, tmp_path / 'out', weights, '--workers', workers, *options) == 3
    printed = capsys.readouterr()
    assert '3 videos done (9 frames), 0 were done before, 1 failed' in printed.out
    assert 'failed after 2 tries: c:' in printed.out and '00001.png' in printed.out
    (failure,) = json.loads((tmp_path / 'out' / 'failures.json').read_text())
    assert failure['name'] == 'c' and failure['tries'] == 2 and failure['traceback'] == ''

    cv2.imwrite(str(videos / 'c' / '00001.png'), np.zeros((48, 64, 3), np.uint8))
    before = (tmp_path / 'out' / 'a' / 'done.json').stat().st_mtime_ns
    if workers == 1:
        monkeypatch.setattr('mmvos.cli.batch._pool', lambda args, make_worker, videos: InThisProcess(make_worker))
    assert batch(videos, tmp_path / 'out', weights, '--workers', 1, *options) == 0
    assert '1 videos done (3 frames), 3 were done before, 0 failed' in capsys.readouterr().out
    assert (tmp_path / 'out' / 'a' / 'done.json').stat().st_mtime_ns == before
    assert json.loads((tmp_path / 'out' / 'failures.json').read_text()) == []
    assert sorted(path.name for path in (tmp_path / 'out' / 'd').iterdir()) == ['coco.json', 'done.json', 'masks']

    inferencer = VOSInferencer(MINI, weights, 'cpu')
    for name in NAMES:
        inferencer.save(videos / name, tmp_path / 'plain' / name, str(tmp_path / 'masks' / f'{name}.png'), '', False)
    assert masks_of(tmp_path / 'out') == masks_of(tmp_path / 'plain') and len(masks_of(tmp_path / 'out')) == 12


def test_other_settings_want_another_destination(videos, weights, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'batch.json').write_text(json.dumps(dict(config='other')))
    Destination(str(tmp_path / 'out')).agree(dict(config='another'))  # there is no result yet
    assert json.loads((tmp_path / 'out' / 'batch.json').read_text()) == dict(config='another')
    (tmp_path / 'out' / 'batch.json').write_text(json.dumps(dict(config='other')))
    (tmp_path / 'out' / 'a').mkdir()
    (tmp_path / 'out' / 'a' / 'done.json').write_text('{}')
    with pytest.raises(CommandEnded, match="made with config 'other', now it is 'rgmp"):
        batch(videos, tmp_path / 'out', weights, '--prompts', tmp_path / 'masks')


def test_places_elsewhere(videos, weights, tmp_path):
    memory = fsspec.filesystem('memory')
    for kind in ('videos', 'masks'):
        memory.put(str(tmp_path / kind), f'/there/{kind}', recursive=True)
    from mmvos.batch import Worker, WorkerSettings, find_tasks

    worker = Worker(WorkerSettings('memory://results', MINI, weights), 'cpu', 1)
    tasks = find_tasks('memory://there/videos/[ab]', 'memory://there/masks')
    for task in tasks:
        assert worker.run(task)['frames'] == 3
    assert worker.destination.done(NAMES) == {'a', 'b'}
    memory.get('/results/b/masks/00000.png', str(tmp_path / 'copy.png'))
    assert np.array_equal(read_label_map(tmp_path / 'copy.png'), read_label_map(tmp_path / 'masks' / 'b.png'))


def test_a_worker_that_is_killed_costs_one_try_of_one_video(tmp_path):
    names = ['one', 'dies', 'fails', 'two']
    pool = LocalPool(SleeperIn(tmp_path), ['cpu'], 3)
    result = run_batch([Task(name, '') for name in names], pool, progress=False)
    assert sorted(result.finished) == ['dies', 'one', 'two']
    assert result.failed['fails'].reason == 'RuntimeError: as asked' and 'in run' in result.failed['fails'].details
    assert result.tries == {'one': 1, 'dies': 2, 'fails': 2, 'two': 1}
    assert pool.processes() == []


@pytest.mark.parametrize(
    ('make', 'words'),
    [(Unusable, 'weights.pth: not found'), pytest.param(DiesAtStart, 'no worker can be started', marks=pytest.mark.scale)],
)
def test_a_worker_that_cannot_be_made_ends_the_batch(make, words):
    with pytest.raises(InputError, match=words):
        run_batch([Task(str(i), '') for i in range(9)], LocalPool(make, ['cpu'], 1), progress=False)


def test_a_stop_while_a_worker_is_started_is_taken_afterwards(tmp_path, monkeypatch, capfd):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have let the tests ignore it
    resource_tracker.ensure_running()
    start = spawn_parts.spawnv_passfds

    def start_and_stop(*args):
        process = start(*args)
        signal.raise_signal(signal.SIGINT)  # the new process has not got yet what it is to do
        return process

    monkeypatch.setattr(spawn_parts, 'spawnv_passfds', start_and_stop)
    pool = LocalPool(SleeperIn(tmp_path), ['cpu'], 1)
    try:
        with pytest.raises(KeyboardInterrupt):
            pool.give(Task('one', ''))
        (process,) = pool.processes()
        blocked = int(re.search(r'SigBlk:\s+(\w+)', Path(f'/proc/{process}/status').read_text())[1], 16)
        assert blocked & 1 << signal.SIGINT - 1, 'a Ctrl-C would end it with a traceback of its own'
        pool.close()
        assert capfd.readouterr().err == '' and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_video_is_cancelled_and_others_go_on(tmp_path):
    pool = LocalPool(SleeperIn(tmp_path), ['cpu'], 1)
    task, other = Task('one', ''), Task('two', '')
    pool.give(task)
    assert pool.free == 0 and pool.cancel(task) and not pool.cancel(task) and pool.free == 1
    pool.give(other)
    events = []
    while not events or not isinstance(events[-1], Finished):
        events += pool.events(10)
    assert all(event.task == other for event in events)
    pool.close()


@pytest.mark.scale
def test_workers_end_with_the_process_that_started_them(videos, weights, tmp_path):
    """kill -9 in the middle; the next run does what is missing."""
    command = [sys.executable, '-m', 'mmvos', 'batch', str(videos), '--prompts', str(tmp_path / 'masks')]
    command += ['--out', str(tmp_path / 'out'), '--config', MINI, '--checkpoint', weights, '--workers', '1', '--device', 'cpu']
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list((tmp_path / 'out').glob('*/done.json')) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = {path.parent.name for path in (tmp_path / 'out').glob('*/done.json')}
    assert done
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(' videos')[0] in '0123'
    assert {path.parent.name for path in (tmp_path / 'out').glob('*/done.json')} == set(NAMES)
    assert not (tmp_path / 'out' / '.parts').exists()


@pytest.mark.scale
@pytest.mark.filterwarnings('default')  # Ray's own
def test_ray_does_the_same(tmp_path):
    pytest.importorskip('ray', reason='the extra "ray" is not installed')
    from mmvos.batch.ray_pool import RayPool

    pool = RayPool(SleeperIn(tmp_path), 2)
    result = run_batch([Task(name, '') for name in ('one', 'dies', 'fails', 'two')], pool, progress=False)
    assert sorted(result.finished) == ['dies', 'one', 'two'] and list(result.failed) == ['fails']
    assert isinstance(result.failed['fails'], Failed) and result.tries['dies'] == 2
