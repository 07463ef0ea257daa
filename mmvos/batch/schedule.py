"""Who does what, what is tried again, and how far it is."""

import logging
import os
import sys
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from mmvos.structures import InputError

from .events import Failed, Finished, Pool, Progress
from .tasks import Task

logger = logging.getLogger('mmvos')


@dataclass(frozen=True)
class Share:
    """Which part of the videos this process does: every ``count``-th one, from number ``index``.

    Args:
        index (int): 0 to ``count`` - 1.
        count (int): how many processes share the videos, each by a command of its own.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise InputError(f'share {self.index} of {self.count}; expected a number from 0 to {self.count - 1}.')

    def of(self, tasks: Sequence[Task]) -> list[Task]:
        """The videos of this share."""
        return list(tasks[self.index :: self.count])

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> 'Share':
        """What torchrun, srun and slurm's arrays say; a step of several tasks in an array counts in both."""
        index, count = 0, 1
        if 'RANK' in environment and 'WORLD_SIZE' in environment:
            index, count = int(environment['RANK']), int(environment['WORLD_SIZE'])
        elif 'SLURM_STEP_NUM_TASKS' in environment:  # only inside of srun, unlike SLURM_NTASKS
            index, count = int(environment['SLURM_PROCID']), int(environment['SLURM_STEP_NUM_TASKS'])
        if 'SLURM_ARRAY_TASK_ID' in environment:
            first, size = int(environment['SLURM_ARRAY_TASK_MIN']), int(environment['SLURM_ARRAY_TASK_COUNT'])
            step = int(environment.get('SLURM_ARRAY_TASK_STEP', 1))
            position = (int(environment['SLURM_ARRAY_TASK_ID']) - first) // step
            index, count = position * count + index, size * count
        return cls(index, count)

    def __str__(self) -> str:
        return f'{self.index + 1}-of-{self.count}'


@dataclass
class BatchResult:
    """What became of the videos: summaries of those that were done, by name, and the last failure of the others."""

    finished: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)

    def failures(self) -> list[dict[str, Any]]:
        """The failures for a JSON file, sorted by name."""
        return [
            dict(name=name, video=f.task.video, tries=self.tries[name], reason=f.reason, traceback=f.details)
            for name, f in sorted(self.failed.items())
        ]


def run_batch(tasks: Sequence[Task], pool: Pool, retries: int = 1, already: int = 0, progress: bool = True) -> BatchResult:
    """Do the videos; a video that fails is tried again after the others, and its failure does not stop them.

    Args:
        tasks (Sequence[Task]): the videos.
        pool (Pool): workers; closed at the end.
        retries (int): how often a failed video is tried again.
        already (int): videos that were done before, for the progress.
        progress (bool): draw a progress bar with the time that is left.

    Raises:
        InputError: no worker can be started.
    """
    waiting, running, result = deque(tasks), 0, BatchResult()
    frames: dict[str, int] = {}
    # a file gets a line every half minute, a terminal one that changes
    interval = 0.5 if sys.stderr.isatty() else 30
    bar = tqdm(total=already + len(tasks), initial=already, unit='video', disable=not progress, mininterval=interval)
    try:
        while waiting or running:
            while waiting and pool.free:
                task = waiting.popleft()
                result.tries[task.name] += 1
                pool.give(task)
                running += 1
            for event in pool.events(timeout=10):
                name = event.task.name
                if isinstance(event, Progress):
                    frames[name] = event.done
                    continue
                running -= 1
                if isinstance(event, Finished):
                    result.finished[name] = event.summary
                    frames[name] = event.summary.get('frames', 0)
                    bar.set_postfix_str(f'{sum(frames.values()) / max(bar.format_dict["elapsed"], 1e-3):.1f} frames/s', False)
                    bar.update()
                elif result.tries[name] <= retries:
                    tqdm.write(f'{name}: {event.reason} It is tried again.', file=sys.stderr)
                    waiting.append(event.task)
                else:
                    tqdm.write(f'{name}: {event.reason}', file=sys.stderr)
                    result.failed[name] = event
                    bar.update()
    finally:
        bar.close()
        pool.close()
    return result
