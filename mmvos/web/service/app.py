"""The HTTP interface of the queue."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from mmvos.structures import InputError
from mmvos.version import __version__

from ..errors import add_errors, answer
from ..guard import Guard
from .jobs import DONE, ENDED, WAITING, Job
from .queue import JobQueue, QueueFull
from .requests import JOB_SCHEMA, receive
from .results import pack, result_names

#: seconds between two looks at a job whose events a client follows, and between two signs of life
_LOOK, _ALIVE = 0.2, 15.0
_JOBS = '/api/jobs'


@dataclass(frozen=True)
class ServiceSettings:
    """What a server is to do.

    Args:
        model (str): what it says about its model.
        prompted (bool): its model needs prompts.
        max_upload (int): largest upload, in bytes.
        hosts (Collection[str]): names that it may be called by; empty: any.
        token (str): what requests must bring; empty: nothing.
    """

    model: str
    prompted: bool = True
    max_upload: int = 2 << 30
    hosts: Collection[str] = ()
    token: str = ''


def create_app(queue: JobQueue, settings: ServiceSettings) -> FastAPI:
    """The application of a queue; it closes the queue at its end.

    Args:
        queue (JobQueue): the jobs.
        settings (ServiceSettings): what the server is to do.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(queue.close)

    app = FastAPI(title='MMVOS serve', version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(
        *(Guard, settings.max_upload, settings.hosts), uploads=(_JOBS,), command='mmvos serve', token=settings.token
    )
    add_errors(app)

    @app.exception_handler(QueueFull)
    def _queue_full(_: Request, error: QueueFull) -> JSONResponse:
        return answer(429, str(error), **{'Retry-After': '10'})

    @app.get('/api')
    def about() -> dict[str, Any]:
        """The server: its version and model, and how many jobs are in which state."""
        jobs = queue.all()
        states = {state: sum(job.state == state for job in jobs) for state in (WAITING, 'running', *ENDED)}
        about = dict(version=__version__, model=settings.model, prompted=settings.prompted, max_waiting=queue.max_waiting)
        return dict(about, jobs=states)

    _add_jobs(app, queue, settings.prompted)
    _add_results(app, queue)
    return app


def describe(queue: JobQueue, job: Job) -> dict[str, Any]:
    """What a client is shown of a job."""
    times = {name: _time(getattr(job, name)) for name in ('created', 'started', 'finished')}
    waiting = dict(position=queue.position(job)) if job.state == WAITING else {}
    results = result_names(queue.folder.results / job.id) if job.state == DONE else []
    shown = {name: getattr(job, name) for name in ('id', 'name', 'state', 'frames', 'total', 'tries', 'reason')}
    return dict(shown, **waiting, **times, results=results)


def _time(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec='milliseconds') if seconds else None


def _add_jobs(app: FastAPI, queue: JobQueue, prompted: bool) -> None:
    @app.post(_JOBS, status_code=202, openapi_extra=dict(requestBody=dict(required=True, content=JOB_SCHEMA)))
    async def post(request: Request, response: Response) -> dict[str, Any]:
        """Send a video and its prompts; the job is on the server's disk when the answer comes."""
        with queue.place():
            folder = await run_in_threadpool(queue.folder.new)
            try:
                fields = await receive(request, folder, queue.videos)
                if prompted and not fields['masks'] and not fields['prompts']:
                    raise InputError('the model of this server needs a prompt: a mask, or prompts (clicks, boxes, ...).')
                job = await run_in_threadpool(queue.add, lambda number: Job(number=number, **fields))
            except BaseException:
                await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
                raise
        response.headers['Location'] = f'{_JOBS}/{job.id}'
        return describe(queue, job)

    @app.get(_JOBS)
    def jobs() -> list[dict[str, Any]]:
        """All jobs, the newest first."""
        return [describe(queue, job) for job in queue.all()]

    @app.get(_JOBS + '/{job_id}')
    def job(job_id: str) -> dict[str, Any]:
        """How far a job is."""
        return describe(queue, queue.get(job_id))

    @app.get(_JOBS + '/{job_id}/events')
    def events(job_id: str) -> StreamingResponse:
        """Server-sent events: the job at each change, until it has ended."""
        queue.get(job_id)
        return StreamingResponse(_follow(queue, job_id), media_type='text/event-stream', headers={'Cache-Control': 'no-store'})

    @app.post(_JOBS + '/{job_id}/cancel')
    def cancel(job_id: str) -> dict[str, Any]:
        """End a job that waits or runs."""
        return describe(queue, queue.cancel(job_id))

    @app.delete(_JOBS + '/{job_id}', status_code=204)
    def delete(job_id: str) -> None:
        """End a job and remove its video and its results."""
        queue.delete(job_id)


async def _follow(queue: JobQueue, job_id: str) -> AsyncIterator[str]:
    """Events of a job; they end with it, or with the server."""
    before, sent = None, time.monotonic()
    while not queue.closing:
        try:
            job = await run_in_threadpool(queue.get, job_id)
        except FileNotFoundError:  # deleted meanwhile
            return
        now = await run_in_threadpool(describe, queue, job)
        if now != before:
            yield f'data: {json.dumps(now)}\n\n'
            before, sent = now, time.monotonic()
        elif time.monotonic() - sent > _ALIVE:
            yield ': still here\n\n'
            sent = time.monotonic()
        if job.state in ENDED:
            return
        await asyncio.sleep(_LOOK)


def _add_results(app: FastAPI, queue: JobQueue) -> None:
    @app.get(_JOBS + '/{job_id}/results/{name}')
    def result(job_id: str, name: str) -> FileResponse:
        """One of the results that a job lists."""
        job = queue.get(job_id)
        folder = queue.folder.results / job.id
        known = result_names(folder) if job.state == DONE else []
        if name not in known:
            raise FileNotFoundError(f'the job {job.name!r} is {job.state}; its results: {", ".join(known) or "none yet"}.')
        title = f'{job.name}-{name}'
        if not name.endswith('.zip') or (folder / name).is_file():
            return FileResponse(folder / name, filename=title)
        packed = Path(tempfile.mkdtemp(prefix='mmvos-'))
        try:
            pack(folder, name, packed / name)
        except BaseException:
            shutil.rmtree(packed, ignore_errors=True)
            raise
        clear = BackgroundTask(shutil.rmtree, packed, ignore_errors=True)
        return FileResponse(packed / name, filename=title, background=clear)
