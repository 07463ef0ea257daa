"""Commands that are stopped by Ctrl-C or SIGTERM: one line, the exit code of the signal, and nothing half done left behind."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mmvos.structures.atomic import is_alive

from .kills import JOBS, Job, descendants, finish, leftovers, make_input, start

#: seconds in which a stopped command has to end
PATIENCE = 60
#: what a stopped test keeps for --resume, and a stopped pack for the next call
KEPT = ('.parts', '.json')


def report(tell: Callable[[str], None], seed: int, names: list[str]) -> tuple[bool, int]:
    """Whether all commands stopped in order, and how many stops there were.

    Args:
        tell (Callable): gets the lines of the report, each as soon as it is known.
        seed (int): of the moments.
        names (list): which jobs of :data:`torture.kills.JOBS`; those of one process are stopped.
    """
    good, count = True, 0
    for line in ('| command | signal | when | ended | left behind |', '| --- | --- | --- | --- | --- |'):
        tell(line)
    with tempfile.TemporaryDirectory(prefix='mmvos-stops-') as name:
        root = Path(name)
        make_input(root / 'in')
        for job in JOBS:
            if job.name not in names or job.processes > 1:
                continue
            for number in (signal.SIGINT, signal.SIGTERM):
                row, well = _stop(job, root, number, random.Random(f'{seed} {job.name} {number}'))
                tell(row)
                good, count = good and well, count + 1
    return good, count


def _stop(job: Job, root: Path, number: signal.Signals, draw: random.Random) -> tuple[str, bool]:
    """A row of the report, and whether it is right."""
    out, log = root / 'out', root / 'log.txt'
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    log.unlink(missing_ok=True)
    process, files = start(job, job.command(root / 'in', out), log), draw.randint(1, 4)
    while process.poll() is None and sum(len(found) for _, _, found in os.walk(out)) < files:
        time.sleep(0.01)
    started = descendants(process.pid)
    process.send_signal(number)
    begin = time.monotonic()
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        code = None
    seconds, children = time.monotonic() - begin, _alive(started)
    finish(process)
    text = log.read_text()
    lines = [line for line in text.splitlines() if 'error: ' in line]
    left = [found for found in leftovers(out) if not found.endswith(KEPT)]
    over = code == 0  # it was done before the signal came
    well = over or (code == 128 + number and len(lines) == 1 and 'Traceback' not in text and not left and not children)
    ended = f'exit code {code} after {seconds:.1f} s' + (f', {children} processes go on' if children else '')
    if not well:
        ended += f': {text[-300:]!r}'
    return f'| {job.name} | {number.name} | at file {files} | {ended} | {", ".join(left) or "nothing"} |', well


def _alive(processes: list[int]) -> int:
    """How many of the processes outlive their command by a second."""
    for _ in range(20):
        found = [pid for pid in processes if is_alive(pid)]
        if not found:
            return 0
        time.sleep(0.05)
    return len(found)
