"""Worker processes of this machine."""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from mmvos.structures import InputError
from mmvos.utils.cores import available_cores

from .events import Event, Failed, Finished, Pool, Progress
from .tasks import Task

#: variables that numerical libraries read when they are imported
_THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')
_STOPS = (signal.SIGINT, signal.SIGTERM)
#: a worker that ends this often before it is ready is not started again
MAX_STARTS = 3
#: seconds between two reports of a worker on the frames that it has done
BETWEEN_REPORTS = 0.2


def local_devices(device: str | None, workers: int, threads: int, most: int | None = None) -> tuple[list[str], int]:
    """The device of each worker of this machine, and the threads of each.

    Args:
        device (str | None): device of all; None: the GPUs in turn if there are some, else the CPU. A process that torchrun
            started has one GPU.
        workers (int): how many; 0: one per GPU, on a CPU one per core.
        threads (int): threads of each; 0: the cores divided by the workers.
        most (int | None): how many there may be.
    """
    import torch

    local_rank, local_world = int(os.environ.get('LOCAL_RANK', 0)), int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    if device:
        devices = [device]
    elif torch.cuda.is_available():
        devices = [f'cuda:{i}' for i in range(torch.cuda.device_count())]
        devices = [devices[local_rank % len(devices)]] if local_world > 1 else devices
    else:
        devices = ['cpu']
    cores = local_cores()
    workers = workers or (cores if devices == ['cpu'] else len(devices))
    workers = max(1, workers if most is None else min(workers, most))
    return [devices[i % len(devices)] for i in range(workers)], threads or max(1, cores // workers)


def local_cores() -> int:
    """Cores for this process; those of the machine are divided among the processes that torchrun started."""
    return max(1, available_cores() // int(os.environ.get('LOCAL_WORLD_SIZE', 1)))


class LocalPool(Pool):
    """Processes with a model each; one that dies is replaced, and the video that it had in hand is reported as failed.

    A worker ends by itself when the process that started it is gone.

    Args:
        make_worker (Callable): ``make_worker(device, threads)`` makes a :class:`~mmvos.batch.Worker` in the new process; it
            can be pickled.
        devices (Sequence[str]): device of each worker.
        threads (int): threads of each worker.
    """

    def __init__(self, make_worker: Callable[[str, int], Any], devices: Sequence[str], threads: int) -> None:
        self._slots = [_Slot(make_worker, device, threads) for device in devices]

    @property
    def free(self) -> int:
        return sum(slot.task is None for slot in self._slots)

    def give(self, task: Task) -> None:
        next(slot for slot in self._slots if slot.task is None).give(task)

    def cancel(self, task: Task) -> bool:
        """Give up a video that is in hand; whether it was."""
        for slot in self._slots:
            if slot.task == task:
                slot.stop()
                return True
        return False

    def events(self, timeout: float) -> list[Event]:
        busy = {slot.connection: slot for slot in self._slots if slot.task is not None}
        ready = wait(list(busy), timeout)
        return [event for connection in ready for event in busy[connection].receive()]

    def processes(self) -> list[int]:
        """Numbers of the processes that run."""
        return [slot.process.pid for slot in self._slots if slot.process is not None]

    def close(self) -> None:
        for slot in self._slots:
            slot.leave()
        for slot in self._slots:
            slot.stop()


class _Slot:
    """A place for one process after the other."""

    def __init__(self, make_worker: Callable[[str, int], Any], device: str, threads: int) -> None:
        self.arguments = make_worker, device, threads
        self.process: Any = None
        self.connection: Any = None
        self.task: Task | None = None
        self.failed_starts = 0

    def give(self, task: Task) -> None:
        if self.process is None:
            self._start()
        self.task = task
        with suppress(BrokenPipeError, ConnectionResetError):  # it has died meanwhile, which `receive` sees
            self.connection.send(task)

    def receive(self) -> Iterator[Event]:
        """The next event; none if the worker has said that it is ready."""
        assert self.task is not None
        task = self.task
        try:
            kind, *content = self.connection.recv()
        except (EOFError, ConnectionResetError):
            yield Failed(task, self._end())
            return
        if kind == 'ready':
            self.failed_starts = 0
        elif kind == 'unusable':
            self.stop()
            raise InputError(content[0])
        elif kind == 'broken':
            self.stop()
            raise RuntimeError(f'a worker could not be started:\n{content[0]}')
        elif kind == 'frame':
            yield Progress(task, *content)
        else:
            self.task = None
            yield Finished(task, *content) if kind == 'finished' else Failed(task, *content)

    def _start(self) -> None:
        context = multiprocessing.get_context('spawn')
        self.connection, theirs = context.Pipe()
        resource_tracker.ensure_running()  # else it is started below, and lets the signals through again
        with _environment(self.arguments[2]), _stops_held():
            self.process = context.Process(target=_work, args=(theirs, *self.arguments), daemon=True)
            self.process.start()
        theirs.close()
        self.failed_starts += 1

    def _end(self) -> str:
        """Clear away a process that has died; the reason."""
        self.process.join(10)
        code = self.process.exitcode
        self.stop()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = ', often for want of memory: try fewer workers' if -code == signal.SIGKILL else ''
            reason = f'the worker process was killed by {name}{hint}.'
        else:
            reason = f'the worker process ended with exit code {code}.'
        if self.failed_starts >= MAX_STARTS:
            raise InputError(f'no worker can be started: {reason}')
        return reason

    def leave(self) -> None:
        """Let a process without a task end by itself, which clears away what it holds."""
        if self.process is not None and self.task is None:
            with suppress(BrokenPipeError, ConnectionResetError):
                self.connection.send(None)
            self.process.join(5)

    def stop(self) -> None:
        """End the process at once."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.connection.close()
        self.process = self.connection = self.task = None


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """The variables of :data:`_THREADS` for a process that is started inside."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _stops_held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait while a process is started, which would end half started, with a traceback of its own.

    The new process inherits that they are blocked, so that a Ctrl-C, which reaches all processes, does not meet it before
    :func:`_work` does.
    """
    if not hasattr(signal, 'pthread_sigmask'):  # Windows
        yield
        return
    came: list[int] = []
    handlers = {}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    if threading.current_thread() is threading.main_thread():  # a signal that another thread takes is handled in this one
        handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _STOPS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for stop in came:
            signal.raise_signal(stop)


class _FrameReports:
    """Tells how many frames are done, no more often than every :data:`BETWEEN_REPORTS` seconds: each report wakes a process.

    Args:
        connection (Connection): to the process that started this one.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection, self._last = connection, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= BETWEEN_REPORTS:
            self._last = now
            self._connection.send(('frame', done, total))


def _work(connection: Connection, make_worker: Callable[[str, int], Any], device: str, threads: int) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process ends the others
    if hasattr(signal, 'pthread_sigmask'):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    try:
        worker = make_worker(device, threads)
    except Exception as error:
        reason, details = described(error)
        connection.send(('broken', details) if details else ('unusable', reason))
        return
    connection.send(('ready',))
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the process that started this one is gone
        while True:
            task = connection.recv()
            if task is None:
                return
            try:
                answer: tuple[Any, ...] = ('finished', worker.run(task, _FrameReports(connection)))
            except (BrokenPipeError, ConnectionResetError):
                return
            except Exception as error:
                answer = ('failed', *described(error))
            connection.send(answer)


def described(error: Exception) -> tuple[str, str]:
    """``(reason, details)`` of an error: one line, and the traceback if it is a fault of the program."""
    from mmvos.utils.command_line import line_of, one_line

    line = line_of(error)
    if line is not None:
        return line, ''
    return one_line(f'{type(error).__name__}: {error}'), ''.join(traceback.format_exception(error))
