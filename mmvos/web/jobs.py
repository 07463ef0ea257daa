"""Work that takes long: it runs in a thread of its own, tells how far it is and can be stopped."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mmvos.structures import InputError


@dataclass
class Progress:
    """How far a job is.

    Args:
        kind (str): ``propagation`` or ``export``.
        total (int): steps of the whole job.
        done (int): steps that are done.
        state (str): ``running``, ``done``, ``stopped`` or ``failed``.
        message (str): why it failed.
        frame (int): the last frame that it made; -1: none yet.
        fps (float): frames per second.
        result (str): what it made: the name of the export.
    """

    kind: str
    total: int
    done: int = 0
    state: str = 'running'
    message: str = ''
    frame: int = -1
    fps: float = 0.0
    result: str = ''


class Job:
    """Steps that are taken one after the other in the background.

    Args:
        progress (Progress): where the job tells how far it is.
        steps (Callable): gives an iterator; each item is the index of a frame that is done.
    """

    def __init__(self, progress: Progress, steps: Callable[[], Iterator[int]]) -> None:
        self.progress, self._steps = progress, steps
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=progress.kind, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self.progress.state == 'running'

    def stop(self) -> None:
        """End the job after its current step, and wait for that."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begin, progress = time.perf_counter(), self.progress
        try:
            steps = self._steps()
            while not self._stop.is_set():
                index = next(steps, None)
                if index is None:
                    break
                progress.done, progress.frame = progress.done + 1, index
                progress.fps = progress.done / max(time.perf_counter() - begin, 1e-6)
            stopped = self._stop.is_set() and progress.done < progress.total
            steps.close()  # type: ignore[attr-defined]  # generators, all of them
            progress.state = 'stopped' if stopped else 'done'
        except Exception as error:  # the page tells it; the server lives on
            progress.message, progress.state = str(error) or type(error).__name__, 'failed'
            if not isinstance(error, (InputError, OSError)):
                raise


class Turns:
    """A lock that is given in the order in which it was asked for.

    A plain lock goes to whoever is fastest, which is a propagation that has just given it back: a click could wait forever.
    """

    def __init__(self) -> None:
        self._waiting: deque[threading.Event] = deque()
        self._guard = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until everybody who came before is done."""
        mine = threading.Event()
        with self._guard:
            self._waiting.append(mine)
            if len(self._waiting) == 1:
                mine.set()
        mine.wait()
        try:
            yield
        finally:
            with self._guard:
                self._waiting.popleft()
                if self._waiting:
                    self._waiting[0].set()

    @property
    def busy(self) -> bool:
        """Whether a job has the turn."""
        return bool(self._waiting)
