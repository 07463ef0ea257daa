"""Which job is done when, by the workers of a pool."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mmvos.batch import Destination, Failed, Finished, Progress
from mmvos.batch.local_pool import LocalPool
from mmvos.structures import InputError

from .jobs import CANCELLED, DONE, ENDED, FAILED, RUNNING, WAITING, Job, JobFolder

logger = logging.getLogger('mmvos')
#: seconds that a worker's news may wait, and so that a free worker may wait for a job while another one works
_TICK = 0.1


class QueueFull(Exception):
    """As many jobs wait as may."""


class JobQueue:
    """Jobs in the order of arrival, each done once, on as many workers as the pool has.

    Whatever happens to a job is on the disk before anybody hears of it. The jobs of a server that died are taken over: those
    whose results are complete are done, those that were running begin again.

    Args:
        folder (JobFolder): where jobs and results lie.
        pool (LocalPool): the workers; closed with the queue.
        max_waiting (int): how many jobs may wait.
        retries (int): how often a job that failed is tried again.
        videos (Path | None): folder of the videos that jobs may name; left out of messages.
    """

    def __init__(
        self, folder: JobFolder, pool: LocalPool, max_waiting: int = 100, retries: int = 1, videos: Path | None = None
    ) -> None:
        self.folder, self.pool, self.max_waiting, self.retries, self.videos = folder, pool, max_waiting, retries, videos
        self.destination, self.closing = Destination(str(folder.results)), False
        self._jobs: dict[str, Job] = {}
        #: ids of the jobs that are to end
        self._unwanted: set[str] = set()
        self._arriving = 0
        self._changed = threading.Condition()
        self._take_over()
        self._thread = threading.Thread(target=self._work, name='queue', daemon=True)
        self._thread.start()

    def _take_over(self) -> None:
        self.destination.remove_parts()
        jobs = list(self.folder.load())
        done = self.destination.done(job.id for job in jobs)
        for job in jobs:
            self._jobs[job.id] = job
            if job.state not in ENDED:
                if job.id in done:
                    self._change(job, state=DONE, frames=job.total, finished=time.time())
                else:
                    self._change(job, state=WAITING, frames=0, tries=0)

    # What requests ask for

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue for a job that is being received.

        Raises:
            QueueFull: there is none.
        """
        with self._changed:
            if len(self._in(WAITING)) + self._arriving >= self.max_waiting:
                raise QueueFull(f'{self.max_waiting} jobs are waiting already; try again later.')
            self._arriving += 1
        try:
            yield
        finally:
            with self._changed:
                self._arriving -= 1

    def add(self, make: Callable[[int], Job]) -> Job:
        """Accept a job, which is on the disk when this returns.

        Args:
            make (Callable): makes the job of its number.
        """
        with self._changed:
            job = make(max((job.number for job in self._jobs.values()), default=0) + 1)
            self.folder.save(job, durable=True)
            self._jobs[job.id] = job
            self._changed.notify_all()
            return replace(job)

    def get(self, job_id: str) -> Job:
        """A copy of a job as it is now; FileNotFoundError for one that there is not."""
        with self._changed:
            return replace(self._known(job_id))

    def all(self) -> list[Job]:
        """Copies of all jobs, the newest first."""
        with self._changed:
            return [replace(job) for job in sorted(self._jobs.values(), key=lambda job: -job.number)]

    def position(self, job: Job) -> int:
        """How many jobs start before a waiting one."""
        with self._changed:
            return sum(other.number < job.number for other in self._in(WAITING))

    def cancel(self, job_id: str) -> Job:
        """End a job, whatever it is doing; the job when it has ended."""
        with self._changed:
            job = self._known(job_id)
            if job.state == WAITING:
                self._change(job, state=CANCELLED, finished=time.time())
            elif job.state == RUNNING:
                self._unwanted.add(job_id)
                self._changed.wait_for(lambda: job.state in ENDED or self.closing)
            return replace(job)

    def delete(self, job_id: str) -> None:
        """Cancel a job and remove all of it."""
        self.cancel(job_id)
        with self._changed:
            self.folder.remove(self._known(job_id))
            del self._jobs[job_id]

    def close(self) -> None:
        """End the workers; their unfinished jobs start again with the next server."""
        with self._changed:
            self.closing = True
            self._changed.notify_all()
        self._thread.join()
        self.pool.close()
        self.destination.remove_parts()

    def _known(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise FileNotFoundError(f'there is no job {job_id!r}; it may have been deleted.')
        return self._jobs[job_id]

    def _in(self, state: str) -> list[Job]:
        return [job for job in self._jobs.values() if job.state == state]

    def _change(self, job: Job, **values: object) -> None:
        """Change a job, here and on the disk. A full disk must not stop the others: the job would be done again, no more."""
        for name, value in values.items():
            setattr(job, name, value)
        try:
            self.folder.save(job)
        except OSError:
            logger.exception('job %s: its record cannot be written', job.id)

    # The thread that keeps the workers busy

    def _work(self) -> None:
        while not self.closing:
            try:
                self._step()
            except (InputError, RuntimeError, OSError) as error:  # no worker can be started
                self._give_up(error)

    def _step(self) -> None:
        with self._changed:
            self._cancel_unwanted()
            self._hand_out()
            if not self._in(RUNNING):
                self._changed.wait_for(lambda: self.closing or self._in(WAITING))
                return
        events = self.pool.events(timeout=_TICK)
        with self._changed:
            for event in events:
                self._take(event)
            self._changed.notify_all()

    def _cancel_unwanted(self) -> None:
        for job in [self._jobs[job_id] for job_id in self._unwanted]:
            if job.state not in ENDED:
                self.pool.cancel(self.folder.task(job))
                self._change(job, state=CANCELLED, finished=time.time())
        if self._unwanted:
            self.destination.remove_parts()  # of the workers that were ended
            self._unwanted.clear()
            self._changed.notify_all()

    def _hand_out(self) -> None:
        for job in sorted(self._in(WAITING), key=lambda job: job.number)[: self.pool.free]:
            self._change(job, state=RUNNING, started=time.time(), tries=job.tries + 1, frames=0)
            self.pool.give(self.folder.task(job))

    def _take(self, event: Progress | Finished | Failed) -> None:
        job = self._jobs[event.task.name]
        if isinstance(event, Progress):
            job.frames, job.total = event.done, event.total
        elif isinstance(event, Finished):
            self._change(job, state=DONE, finished=time.time(), frames=event.summary['frames'], total=event.summary['frames'])
        else:
            self.destination.remove_parts()  # of a worker that has died
            if event.details:
                logger.error('job %s\n%s', job.id, event.details)
            reason = self.folder.without_paths(job, event.reason, self.videos)
            again = job.tries <= self.retries
            self._change(job, state=WAITING if again else FAILED, reason=reason, finished=0.0 if again else time.time())

    def _give_up(self, error: Exception) -> None:
        """No worker can be started: the running jobs fail with the reason, and the next ones try again."""
        logger.error('%s', error)
        with self._changed:
            for job in self._in(RUNNING):
                self.pool.cancel(self.folder.task(job))
                reason = self.folder.without_paths(job, str(error).splitlines()[0], self.videos)
                self._change(job, state=FAILED, reason=reason, finished=time.time())
            self._changed.notify_all()
