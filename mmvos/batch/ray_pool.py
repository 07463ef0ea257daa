"""Workers on the machines of a Ray cluster (``pip install mmvos[ray]``)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmvos.structures import InputError

from .events import Event, Failed, Finished, Pool
from .local_pool import described
from .tasks import Task


@dataclass
class _Actor:
    handle: Any
    task: Task
    call: Any


class RayPool(Pool):
    """Actors, each with a model, that Ray places where there is room. A node that dies costs the videos that it had in hand.

    Args:
        make_worker (Callable): ``make_worker(device, threads)``; it is pickled.
        workers (int): how many actors; those for which the cluster has no room wait until it grows.
        address (str): of the cluster, as of ``ray.init``; empty: a Ray of this machine alone, which ends with the pool.
        threads (int): processors of each actor.
        gpus (float): graphics cards of each actor, also parts of one; 0: the processor.

    Raises:
        InputError: Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(
        self, make_worker: Callable[[str, int], Any], workers: int, address: str = '', threads: int = 1, gpus: float = 0
    ) -> None:
        try:
            import ray
        except ImportError as error:
            raise InputError('--ray: Ray is not installed; pip install mmvos[ray].') from error
        try:
            options = dict(address=address) if address else dict(include_dashboard=False)
            ray.init(ignore_reinit_error=True, log_to_driver=False, **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f'--ray {address}: the cluster cannot be reached ({error}).') from error
        self._ray, self._workers = ray, workers
        self._make = ray.remote(_RayWorker).options(
            num_cpus=threads, num_gpus=gpus, runtime_env=dict(env_vars=dict(OMP_NUM_THREADS=str(threads)))
        )
        self._arguments = make_worker, 'cuda' if gpus else 'cpu', threads
        self._idle: list[Any] = []
        self._busy: list[_Actor] = []

    @property
    def free(self) -> int:
        return self._workers - len(self._busy)

    def give(self, task: Task) -> None:
        handle: Any = self._idle.pop() if self._idle else self._make.remote(*self._arguments)
        self._busy.append(_Actor(handle, task, handle.run.remote(task)))

    def events(self, timeout: float) -> list[Event]:
        ready, _ = self._ray.wait([actor.call for actor in self._busy], num_returns=1, timeout=timeout)
        done = [actor for actor in self._busy if actor.call in ready]
        self._busy = [actor for actor in self._busy if actor.call not in ready]
        return [self._event(actor) for actor in done]

    def _event(self, actor: _Actor) -> Event:
        try:
            kind, *content = self._ray.get(actor.call)
        except (
            self._ray.exceptions.RayActorError
        ) as error:  # its process or its node is gone; a new one is started for the next task
            return Failed(actor.task, f'the worker was lost ({" ".join(str(error).split())[:200]}).')
        if kind == 'unusable':
            raise InputError(content[0])
        if kind == 'broken':
            raise RuntimeError(f'a worker could not be started:\n{content[0]}')
        self._idle.append(actor.handle)
        return Finished(actor.task, *content) if kind == 'finished' else Failed(actor.task, *content)

    def processes(self) -> list[int]:
        """Numbers of the processes of idle actors, on their machines."""
        return self._ray.get([handle.process.remote() for handle in self._idle])

    def close(self) -> None:
        for handle in (*self._idle, *(actor.handle for actor in self._busy)):
            self._ray.kill(handle)
        self._idle, self._busy = [], []
        self._ray.shutdown()


class _RayWorker:
    """The body of an actor. What goes wrong is returned, not raised: Ray would wrap it."""

    def __init__(self, make_worker: Callable[[str, int], Any], device: str, threads: int) -> None:
        self.broken: tuple[str, ...] = ()
        try:
            self.worker = make_worker(device, threads)
        except Exception as error:
            reason, details = described(error)
            self.broken = ('broken', details) if details else ('unusable', reason)

    def run(self, task: Task) -> tuple[Any, ...]:
        if self.broken:
            return self.broken
        try:
            return ('finished', self.worker.run(task))
        except Exception as error:
            return ('failed', *described(error))

    def process(self) -> int:
        import os

        return os.getpid()
