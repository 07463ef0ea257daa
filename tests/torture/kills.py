"""Commands that are killed at random moments: what a re-run makes is what an undisturbed run makes."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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
    """

    name: str
    command: Callable[[Path, Path], list[str]]
    again: tuple[str, ...]
    result: str
    kills: int
    processes: int = 1


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


def _segment(source: Path, out: Path) -> list[str]:
    prompt = ['--prompt', f'{source}/masks/a/00000.png']
    return ['demo/vos_demo.py', f'{source}/frames/a', *prompt, '--config', FLOW_MINI, '--out-dir', f'{out}/o']


JOBS = [
    Job('train', _train, ('--resume',), 'iter_8.pth', 5),
    Job('train, 2 processes', _train, ('--resume',), 'iter_8.pth', 3, processes=2),
    Job('test, submission', _test, ('--resume',), '*.zip', 6),
    Job('test without --resume', _test, (), 'm*/**/*', 4),
    Job('precompute_flow', _flow, (), 'f/**/*', 4),
    Job('masks_to_ytvis', _convert, (), 'a.json', 3),
    Job('make_synthvis', _synthvis, (), 's/**/*', 3),
    Job('segment, overlay', _segment, (), 'o/**/*.png', 5),
]


def _make_input(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for video in 'abc':
        (folder / 'frames' / video).mkdir(parents=True)
        for frame in range(24):
            cv2.imwrite(str(folder / f'frames/{video}/{frame:05d}.jpg'), rng.integers(0, 255, (240, 320, 3), dtype=np.uint8))
            label_map = np.zeros((240, 320), np.uint8)
            label_map[40:160, 50 + frame : 200 + frame] = 1
            write_label_map(folder / f'masks/{video}/{frame:05d}.png', label_map)


def _start(job: Job, arguments: list[str], log: Path) -> subprocess.Popen:
    command = [sys.executable]
    if job.processes > 1:
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        command += ['-m', 'torch.distributed.run', f'--nproc_per_node={job.processes}', f'--master_port={port}']
        arguments = [*arguments, '--launcher', 'pytorch']
    with open(log, 'a') as file:
        return subprocess.Popen(
            [*command, *arguments], cwd=ROOT, env=ENVIRONMENT, stdout=file, stderr=file, start_new_session=True
        )


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


def _leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob('*') if p.name.startswith('.') or 'partial' in p.name or p.name.endswith('.parts')]


def _kill(process: subprocess.Popen) -> None:
    """SIGKILL to the process and its children; all were started here, in a session of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def report(tell: Callable[[str], None], deadline: float, seed: int = 0) -> tuple[bool, int]:
    """Whether all re-runs were right, and how many kills there were.

    Args:
        tell (Callable): gets the lines of the report, each as soon as it is known.
        deadline (float): time (``time.monotonic``) after which no further kill is begun.
        seed (int): of the moments.
    """
    draw, bad, total = random.Random(seed), 0, 0
    for line in ('| command | kills | re-runs equal to the undisturbed run | left behind |', '| --- | --- | --- | --- |'):
        tell(line)
    with tempfile.TemporaryDirectory(prefix='mmvos-kills-') as name:
        root = Path(name)
        _make_input(root / 'in')
        for job in JOBS:
            if time.monotonic() > deadline:
                tell(f'| {job.name} | not reached |  |  |')
                continue
            log, straight = root / 'log.txt', root / 'straight'
            shutil.rmtree(straight, ignore_errors=True)
            straight.mkdir()
            begin = time.monotonic()
            code = _start(job, job.command(root / 'in', straight), log).wait()
            seconds, expected = time.monotonic() - begin, _digest(straight, job.result)
            if code or not expected:
                tell(f'| {job.name} | the undisturbed run ended with {code} |  |  |')
                tell(log.read_text()[-600:])
                bad += 1
                continue
            equal, kills, left = 0, 0, set[str]()
            for number in range(job.kills):
                if time.monotonic() > deadline:
                    break
                out = root / f'out{number}'
                out.mkdir()
                process = _start(job, job.command(root / 'in', out), log)
                time.sleep(seconds * draw.uniform(0.3, 0.98))
                _kill(process)
                kills += 1
                code = _start(job, [*job.command(root / 'in', out), *job.again], log).wait()
                equal += code == 0 and _digest(out, job.result) == expected
                left.update(_leftovers(out))
                shutil.rmtree(out)
            total, bad = total + kills, bad + kills - equal
            tell(f'| {job.name} | {kills} | {equal} | {", ".join(sorted(left)) or "nothing"} |')
    return bad == 0, total
