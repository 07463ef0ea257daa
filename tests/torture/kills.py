"""Commands that are killed at random moments: what a re-run makes is what an undisturbed run makes."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from mmvos.structures import write_label_map
from mmvos.utils.checkpoint import read_checkpoint

from .tools import ENVIRONMENT, ROOT

MINI = 'configs/agame/agame_mini_synthvos.py'
FLOW_MINI = 'configs/feature_propagation/feature-propagation_mini_synthvos.py'


@dataclass(frozen=True)
class Job:
    """A command, and how its results are compared.

    Attributes:
        name (str): name in the report.
        command (Callable): arguments of Python, from the folders of the input and of the output.
        again (tuple): arguments that a re-run has besides.
        result (str): pattern of the result files below the output.
        kills (int): how often it is killed.
        processes (int): of torch's launcher.
        complete (str): what a re-run says that finds the work complete and refuses to do it again; empty: none does.
    """

    name: str
    command: Callable[[Path, Path], list[str]]
    again: tuple[str, ...]
    result: str
    kills: int
    processes: int = 1
    complete: str = ''


@dataclass(frozen=True)
class Kill:
    """A kill, and what came of it.

    Attributes:
        job (str): name of the job.
        moment (str): when it was.
        equal (bool): whether the re-run made the undisturbed run's results.
        left (list): hidden and partial files that are there after the re-run.
    """

    job: str
    moment: str
    equal: bool
    left: list[str]


def _train(_: Path, out: Path) -> list[str]:
    options = ['train_cfg.max_iters=8', 'train_cfg.val_interval=100', 'default_hooks.checkpoint.max_keep_ckpts=1']
    return ['tools/train.py', MINI, '--work-dir', f'{out}', '--cfg-options', *options, 'default_hooks.checkpoint.interval=2']


def _test(_: Path, out: Path) -> list[str]:
    outputs = ['--submission', f'{out}/s.zip', '--metrics', f'{out}/m.json', '--out', f'{out}/masks']
    return ['tools/test.py', FLOW_MINI, 'none', '--work-dir', f'{out}/work', *outputs]


def _flow(source: Path, out: Path) -> list[str]:
    return ['tools/misc/precompute_flow.py', 'configs/flow/dis_medium.py', f'{source}/frames', f'{out}/f']


def _convert(source: Path, out: Path) -> list[str]:
    folders = [f'{source}/frames', f'{source}/masks', f'{out}/a.json']
    return ['tools/dataset_converters/masks_to_ytvis.py', *folders, '--category', 'a']


def _synthvis(_: Path, out: Path) -> list[str]:
    numbers = ['--train', '4', '--valid', '2', '--frames', '4', '4']
    return ['tools/dataset_converters/make_synthvis.py', f'{out}/s', *numbers]


def _boxes(source: Path, out: Path) -> list[str]:
    folders = ['--frames', f'{source}/frames', '--masks', f'{source}/masks', '--out', f'{out}/t']
    return ['tools/dataset_converters/cache_box_tracks.py', 'configs/trackers/flow_colour_ultrafast.py', *folders]


def _pack(source: Path, out: Path) -> list[str]:
    return ['-m', 'mmvos.cli.main', 'pack', f'{source}', f'{out}/p', '--shard-mb', '0']


def _segment(source: Path, out: Path) -> list[str]:
    prompt = ['--prompt', f'{source}/prompts/a.png', '--device', 'cpu', '--export', 'coco']
    return ['demo/vos_demo.py', f'{source}/frames/a', *prompt, '--config', FLOW_MINI, '--out-dir', f'{out}/o']


def _batch(source: Path, out: Path) -> list[str]:
    outputs = ['--out-dir', f'{out}/b', '--overlay', 'overlay.mp4', '--workers', '2', '--device', 'cpu']
    return [
        '-m',
        'mmvos.cli.main',
        'batch',
        f'{source}/frames',
        '--prompts',
        f'{source}/prompts',
        '--config',
        FLOW_MINI,
        *outputs,
    ]


JOBS = [
    Job('train', _train, ('--resume',), 'iter_8.pth', 5),
    Job('train, 2 processes', _train, ('--resume',), 'iter_8.pth', 6, processes=2),
    Job('test, submission', _test, ('--resume',), '*.zip', 5),
    Job('test without --resume', _test, (), 'm*/**/*', 4),
    Job('precompute_flow', _flow, (), 'f/**/*', 4),
    Job('cache_box_tracks', _boxes, (), 't/**/*', 3),
    Job('masks_to_ytvis', _convert, (), 'a.json', 3),
    Job('make_synthvis', _synthvis, (), 's/**/*', 3),
    Job('pack', _pack, (), 'p/**/*', 3, complete='there is a packed data set already'),
    Job('segment, overlay', _segment, (), 'o/**/*', 5),
    Job('batch, overlays', _batch, (), 'b/*/*/*', 4),
]
NAMES = [job.name for job in JOBS]
_started: list[subprocess.Popen] = []


def make_input(folder: Path) -> None:
    """Videos, masks and prompts for all jobs."""
    rng = np.random.default_rng(0)
    for video in 'abc':
        (folder / 'frames' / video).mkdir(parents=True)
        for frame in range(24):
            cv2.imwrite(str(folder / f'frames/{video}/{frame:05d}.jpg'), rng.integers(0, 255, (240, 320, 3), dtype=np.uint8))
            label_map = np.zeros((240, 320), np.uint8)
            label_map[40:160, 50 + frame : 200 + frame] = 1
            write_label_map(folder / f'masks/{video}/{frame:05d}.png', label_map)
        write_label_map(folder / f'prompts/{video}.png', label_map)


def start(job: Job, arguments: list[str], log: Path) -> subprocess.Popen:
    """A job as a process in a session of its own; what it prints is added to the log."""
    command = [sys.executable]
    if job.processes > 1:
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        command += ['-m', 'torch.distributed.run', f'--nproc_per_node={job.processes}', f'--master_port={port}']
        arguments = [*arguments, '--launcher', 'pytorch']
    with open(log, 'a') as file:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=file,
            stderr=file,
            start_new_session=True,
            # a shell's background jobs, and so what they start, ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    _started[:] = [earlier for earlier in _started if earlier.poll() is None] + [process]
    return process


def finish_all() -> None:
    """End what was started here and still runs."""
    for process in _started:
        finish(process)


def _digest(folder: Path, pattern: str) -> dict[str, str]:
    """What the result files hold; checkpoints by their weights."""
    found = {}
    for path in sorted(p for p in folder.glob(pattern) if p.is_file()):
        if path.suffix == '.pth':
            weights = read_checkpoint(path)['state_dict']
            data = b''.join(weights[name].numpy().tobytes() for name in sorted(weights))
        else:
            data = path.read_bytes()
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(data).hexdigest()
    return found


def leftovers(folder: Path) -> list[str]:
    """Names of hidden and partial files below a folder."""
    return [p.name for p in folder.rglob('*') if p.name.startswith('.') or 'partial' in p.name or p.name.endswith('.parts')]


def finish(process: subprocess.Popen) -> None:
    """SIGKILL to the process, and to all that it and its children have started: torchrun's are in sessions of their own."""
    for pid in [process.pid, *descendants(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def descendants(process: int) -> list[int]:
    """Numbers of the living processes below one."""
    parents = {}
    for path in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rsplit(') ', 1)[1].split()[:2]
            if state != 'Z':
                parents[int(path.parent.name)] = int(parent)
    found, new = [], [process]
    while new:
        new = [pid for pid, parent in parents.items() if parent in new]
        found += new
    return found


def _kill_at(process: subprocess.Popen, out: Path, seconds: float, files: int) -> bool:
    """Whether a command was killed: after a time, or when it had begun so many output files; it may end before."""
    begin = time.monotonic()
    while process.poll() is None:
        if time.monotonic() - begin >= seconds or (files and sum(len(names) for _, _, names in os.walk(out)) >= files):
            finish(process)
            return True
        time.sleep(0.003)
    return False


def _one_kill(job: Job, root: Path, straight: tuple[float, int], draw: random.Random, by_files: bool) -> tuple[Path, str]:
    """A command killed at a random moment: its output folder, and the moment in words."""
    seconds, written = straight
    while True:
        out = root / 'out'
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        files = draw.randint(1, written) if by_files else 0
        moment = draw.uniform(0.3, 0.98) * seconds
        limit = 10 * seconds if by_files else moment
        if _kill_at(start(job, job.command(root / 'in', out), root / 'log.txt'), out, limit, files):
            return out, f'at file {files} of {written}' if by_files else f'after {moment:.1f} of {seconds:.1f} s'


def _kills_of(job: Job, root: Path, known: list[Kill], deadline: float, note: Callable[[Kill], None], seed: int) -> str:
    """The missing kills of a job, each noted as soon as it is known; what is wrong with the undisturbed run, or nothing."""
    log, straight = root / 'log.txt', root / 'straight'
    shutil.rmtree(straight, ignore_errors=True)
    straight.mkdir()
    begin = time.monotonic()
    code = start(job, job.command(root / 'in', straight), log).wait()
    seconds, expected = time.monotonic() - begin, _digest(straight, job.result)
    if code or not expected:
        return f'the undisturbed run ended with {code}: {log.read_text()[-600:]}'
    written = sum(len(names) for _, _, names in os.walk(straight))
    for number in range(len(known), job.kills):
        if time.monotonic() > deadline:
            break
        draw = random.Random(f'{seed} {job.name} {number}')
        out, moment = _one_kill(job, root, (seconds, written), draw, by_files=bool(number % 2))
        code = start(job, [*job.command(root / 'in', out), *job.again], log).wait()
        complete = code == 0 or (job.complete and job.complete in log.read_text())
        equal = bool(complete) and _digest(out, job.result) == expected
        if not equal:
            shutil.copytree(out, root.parent / f'mmvos-killed-{job.name.replace(" ", "_")}-{number}', dirs_exist_ok=True)
        note(Kill(job.name, moment, equal, leftovers(out)))
    return ''


def report(tell: Callable[[str], None], deadline: float, seed: int, record: Path, names: list[str]) -> tuple[bool, int]:
    """Whether all re-runs were right, and how many kills there were.

    Args:
        tell (Callable): gets the lines of the report, each as soon as it is known.
        deadline (float): time (``time.monotonic``) after which no further kill is begun.
        seed (int): of the moments.
        record (Path): a line of JSON for each kill; those that are there already are not done again.
        names (list): which jobs.
    """
    kills: dict[str, list[Kill]] = defaultdict(list)
    for line in record.read_text().splitlines() if record.exists() else []:
        kill = Kill(**json.loads(line))
        kills[kill.job].append(kill)

    def note(kill: Kill) -> None:
        kills[kill.job].append(kill)
        with open(record, 'a') as file:
            file.write(f'{json.dumps(asdict(kill))}\n')

    good = True
    for line in ('| command | kills | re-runs equal to the undisturbed run | left behind |', '| --- | --- | --- | --- |'):
        tell(line)
    with tempfile.TemporaryDirectory(prefix='mmvos-kills-') as name:
        root = Path(name)
        make_input(root / 'in')
        for job in JOBS:
            if job.name in names and len(kills[job.name]) < job.kills and time.monotonic() < deadline:
                wrong = _kills_of(job, root, kills[job.name], deadline, note, seed)
                if wrong:
                    good = False
                    tell(f'| {job.name} | {wrong} |  |  |')
            done = kills[job.name]
            left = sorted({file for kill in done for file in kill.left})
            tell(f'| {job.name} | {len(done)} of {job.kills} | {sum(k.equal for k in done)} | {", ".join(left) or "nothing"} |')
    every = [kill for done in kills.values() for kill in done]
    return good and all(kill.equal and not kill.left for kill in every), len(every)
