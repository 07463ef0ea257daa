"""The page's HTTP interface."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from mmvos.exports import EXPORTS
from mmvos.interaction import Project, prompt_from_json, prompt_to_json
from mmvos.structures import InputError

from .errors import add_errors
from .guard import Guard
from .workspace import Workspace

PAGE = Path(__file__).parent / 'page'
#: the exports that most people want come first
_FIRST = ('masks', 'overlay', 'coco', 'youtube-vis')


def create_app(workspace: Workspace, hosts: Collection[str] = ()) -> FastAPI:
    """The application of a workspace: the page at ``/``, its interface under ``/api``.

    Args:
        workspace (Workspace): the projects and models.
        hosts (Collection[str]): names that the server may be called by; empty: any.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(workspace.close)

    app = FastAPI(title='MMVOS annotate', docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Guard, max_upload=workspace.max_upload, hosts=hosts)

    add_errors(app)

    @app.get('/api/settings')
    def settings() -> dict:
        """What the page knows before a project is open."""
        names = [*_FIRST, *(name for name in EXPORTS if name not in _FIRST)]
        return dict(max_upload=workspace.max_upload, exports=[dict(name=n, summary=EXPORTS[n].summary) for n in names])

    _add_projects(app, workspace)
    _add_objects(app, workspace)
    _add_frames(app, workspace)
    _add_propagation(app, workspace)
    _add_exports(app, workspace)
    app.mount('/', StaticFiles(directory=PAGE, html=True), name='page')
    return app


def describe(workspace: Workspace, key: str) -> dict[str, Any]:
    """All that the page knows of a project, but its pictures."""
    project = workspace.project(key)
    height, width = project.size
    return dict(
        key=key,
        name=project.name,
        frames=len(project.video),
        fps=project.video.fps,
        width=width,
        height=height,
        objects=[asdict(o) for o in project.objects.values()],
        trusted=project.trusted,
        annotated=project.annotated(),
        can_undo=project.can_undo,
        can_redo=project.can_redo,
    )


def _add_projects(app: FastAPI, workspace: Workspace) -> None:
    @app.get('/api/projects')
    def projects() -> list[dict]:
        return workspace.list()

    @app.post('/api/projects')
    async def upload(request: Request, name: str = 'video') -> dict:
        """The body is the video file, and goes to the disk as it arrives."""
        folder = await run_in_threadpool(workspace.new_folder)
        try:
            suffix = ''.join(c for c in Path(name).suffix if c.isalnum() or c == '.')[:8]
            path = folder / f'video{suffix}'
            with open(path, 'wb') as file:
                async for chunk in request.stream():
                    await run_in_threadpool(file.write, chunk)
            await run_in_threadpool(_begin, folder, path, Path(name).stem[:80] or 'video')
        except BaseException:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
            raise
        return await run_in_threadpool(describe, workspace, folder.name)

    @app.get('/api/projects/{key}')
    def project(key: str) -> dict:
        return describe(workspace, key)

    @app.delete('/api/projects/{key}')
    def delete(key: str) -> None:
        workspace.delete(key)

    @app.get('/api/projects/{key}/thumbnail.jpg')
    def thumbnail(key: str) -> FileResponse:
        return FileResponse(workspace.thumbnail(key), media_type='image/jpeg')


def _begin(folder: Path, video: Path, name: str) -> None:
    """A project of a video that was uploaded."""
    try:
        Project.create(folder, video, name).add_object()
    except InputError as error:  # it names a path on the server, which tells the person at the page nothing
        raise InputError(str(error).replace(str(video), f'{name}{video.suffix}')) from error


def _add_objects(app: FastAPI, workspace: Workspace) -> None:
    @app.post('/api/projects/{key}/objects')
    def add_object(key: str) -> dict:
        with workspace.lock(key):
            workspace.project(key).add_object()
        return describe(workspace, key)

    @app.patch('/api/projects/{key}/objects/{object_id}')
    def change_object(key: str, object_id: int, body: dict[str, Any]) -> dict:
        name, colour = body.get('name'), body.get('colour')
        if not isinstance(name, str | None) or not isinstance(colour, list | None):
            raise InputError(f'object {object_id}: name {name!r}, colour {colour!r}; expected a text and three numbers.')
        with workspace.lock(key):
            workspace.project(key).change_object(object_id, name and name[:80], colour)
        return describe(workspace, key)

    @app.delete('/api/projects/{key}/objects/{object_id}')
    def remove_object(key: str, object_id: int) -> dict:
        workspace.remove_object(key, object_id)
        return describe(workspace, key)


def _add_frames(app: FastAPI, workspace: Workspace) -> None:
    @app.get('/api/projects/{key}/frames/{index}.jpg')
    def frame(key: str, index: int) -> Response:
        picture = cv2.imencode('.jpg', workspace.frame(key, index), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
        return Response(picture.tobytes(), media_type='image/jpeg', headers={'Cache-Control': 'max-age=3600'})

    @app.post('/api/projects/{key}/frames/{index}/ready')
    def ready(key: str, index: int) -> bool:
        """The page shows this frame: a click may come."""
        return workspace.prepare(key, index)

    @app.get('/api/projects/{key}/masks/{index}.png')
    def mask(key: str, index: int) -> Response:
        label_map = workspace.label_map(key, index)
        return Response(_png(label_map), media_type='image/png', headers={'Cache-Control': 'no-store'})

    @app.get('/api/projects/{key}/frames/{index}/prompts')
    def prompts(key: str, index: int) -> list[dict]:
        return [prompt_to_json(p) for p in workspace.project(key).prompts_at(index)]

    @app.put('/api/projects/{key}/frames/{index}/prompts')
    def set_prompt(key: str, index: int, body: dict[str, Any]) -> dict:
        workspace.set_prompt(key, index, prompt_from_json(body))
        return describe(workspace, key)

    @app.post('/api/projects/{key}/undo')
    def undo(key: str) -> dict:
        return dict(frame=workspace.step_history(key, forward=False), project=describe(workspace, key))

    @app.post('/api/projects/{key}/redo')
    def redo(key: str) -> dict:
        return dict(frame=workspace.step_history(key, forward=True), project=describe(workspace, key))


def _add_propagation(app: FastAPI, workspace: Workspace) -> None:
    @app.post('/api/projects/{key}/propagation')
    def start(key: str, body: dict[str, Any]) -> dict:
        first, last = body.get('first'), body.get('last')
        for value in (first, last):
            if value is not None and not isinstance(value, int):
                raise InputError(f'frame {value!r}: expected a number.')
        return asdict(workspace.start(key, first, last))

    @app.get('/api/projects/{key}/propagation')
    def progress(key: str) -> dict | None:
        workspace.project(key)
        found = workspace.progress(key)
        return None if found is None else asdict(found)

    @app.delete('/api/projects/{key}/propagation')
    async def stop(key: str) -> dict | None:
        await asyncio.to_thread(workspace.stop, key)
        return progress(key)


def _add_exports(app: FastAPI, workspace: Workspace) -> None:
    @app.post('/api/projects/{key}/export')
    def start(key: str, body: dict[str, Any]) -> dict:
        return asdict(workspace.export(key, str(body.get('format', ''))))

    @app.get('/api/projects/{key}/export')
    def progress(key: str) -> dict | None:
        workspace.project(key)
        found = workspace.export_progress(key)
        return None if found is None else asdict(found)

    @app.delete('/api/projects/{key}/export')
    async def stop(key: str) -> dict | None:
        await asyncio.to_thread(workspace.stop_export, key)
        return progress(key)

    @app.get('/api/projects/{key}/exports/{name}.zip')
    def archive(key: str, name: str) -> FileResponse:
        path = workspace.exported(key, name)
        return FileResponse(path, media_type='application/zip', filename=f'{workspace.project(key).name}-{name}.zip')


def _png(label_map: np.ndarray) -> bytes:
    """A grey PNG whose values are object ids; the page colours it."""
    return cv2.imencode('.png', label_map, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
