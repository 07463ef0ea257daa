"""The page's HTTP interface."""

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI, File, HTTPException, Request, Response, UploadFile
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from mmvos.exports import EXPORTS, make_export
from mmvos.exports.base import ExportInfo
from mmvos.interaction import prompt_from_json, prompt_to_json
from mmvos.structures import InputError

from .workspace import Workspace

PAGE = Path(__file__).parent / 'page'
_CHUNK = 1 << 20


def create_app(workspace: Workspace) -> FastAPI:
    """The application of a workspace: the page at ``/``, its interface under ``/api``."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(workspace.close)

    app = FastAPI(title='MMVOS annotate', docs_url=None, redoc_url=None, lifespan=lifespan)

    @app.exception_handler(InputError)
    def _input_error(_: Request, error: InputError) -> JSONResponse:
        return JSONResponse(dict(detail=str(error)), 422)

    @app.exception_handler(FileNotFoundError)
    def _not_found(_: Request, error: FileNotFoundError) -> JSONResponse:
        return JSONResponse(dict(detail=str(error)), 404)

    _add_projects(app, workspace)
    _add_frames(app, workspace)
    _add_propagation(app, workspace)
    _add_exports(app, workspace)
    app.mount('/', StaticFiles(directory=PAGE, html=True), name='page')
    return app


def describe(workspace: Workspace, key: str) -> dict[str, Any]:
    """All that the page knows of a project, but its pictures."""
    project = workspace.project(key)
    height, width = project.video.read(0).shape[:2]
    return dict(
        key=key,
        name=project.name,
        frames=len(project.video),
        fps=float(getattr(project.video, 'fps', 25.0)),
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
    async def upload(file: UploadFile = File()) -> dict:  # noqa: B008 (FastAPI's way)
        def write(path: Path) -> None:
            size = 0
            with open(path, 'wb') as target:
                while chunk := file.file.read(_CHUNK):
                    size += len(chunk)
                    if size > workspace.max_upload:
                        raise HTTPException(413, f'the video is larger than {workspace.max_upload >> 20} MiB.')
                    target.write(chunk)

        key = await run_in_threadpool(workspace.create_from_upload, file.filename or 'video', write)
        return await run_in_threadpool(describe, workspace, key)

    @app.get('/api/projects/{key}')
    def project(key: str) -> dict:
        return describe(workspace, key)

    @app.delete('/api/projects/{key}')
    def delete(key: str) -> None:
        workspace.delete(key)

    @app.post('/api/projects/{key}/objects')
    def add_object(key: str) -> dict:
        with workspace.lock(key):
            workspace.project(key).add_object()
        return describe(workspace, key)

    @app.patch('/api/projects/{key}/objects/{object_id}')
    def rename_object(key: str, object_id: int, body: dict[str, Any]) -> dict:
        with workspace.lock(key):
            workspace.project(key).rename_object(object_id, str(body.get('name', ''))[:80])
        return describe(workspace, key)

    @app.delete('/api/projects/{key}/objects/{object_id}')
    def remove_object(key: str, object_id: int) -> dict:
        with workspace.lock(key):
            workspace.project(key).remove_object(object_id)
        return describe(workspace, key)


def _add_frames(app: FastAPI, workspace: Workspace) -> None:
    @app.get('/api/projects/{key}/frames/{index}.jpg')
    def frame(key: str, index: int) -> Response:
        project = workspace.project(key)
        project.mask_path(index)  # refuses a frame that is not there
        picture = cv2.imencode('.jpg', project.video.read(index), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
        return Response(picture.tobytes(), media_type='image/jpeg', headers={'Cache-Control': 'max-age=3600'})

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
    @app.get('/api/exports')
    def formats() -> list[dict]:
        return [dict(name=name, summary=cls.summary) for name, cls in EXPORTS.items()]

    @app.get('/api/projects/{key}/exports/{name}.zip')
    def export(key: str, name: str) -> FileResponse:
        project = workspace.project(key)
        if name not in EXPORTS:
            raise HTTPException(404, f'export format {name!r} is not known.')
        folder = tempfile.TemporaryDirectory(prefix='mmvos-')
        try:
            archive = write_export(workspace, key, name, Path(folder.name))
        except BaseException:
            folder.cleanup()
            raise
        return FileResponse(
            archive,
            media_type='application/zip',
            filename=f'{project.name}-{name}.zip',
            background=BackgroundTask(folder.cleanup),
        )


def write_export(workspace: Workspace, key: str, name: str, folder: Path) -> Path:
    """A project in one of the export formats, as a zip file in ``folder``."""
    project, cls = workspace.project(key), EXPORTS[name]
    files = folder / 'files'
    target = files / name if cls.is_folder else files / f'{project.name}{cls.suffix}'
    info = ExportInfo(
        project.name,
        project.video.read(0).shape[:2],
        len(project.video),
        float(getattr(project.video, 'fps', 25.0)),
        {o.id: o.name for o in project.objects.values()},
    )
    files.mkdir()
    with make_export(name, target, info) as export:
        for one in project.results():
            export.write(*one)
    archive = folder / 'export.zip'
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_STORED) as out:
        for path in sorted(p for p in files.rglob('*') if p.is_file()):
            out.write(path, path.relative_to(files))
    return archive


def _png(label_map: np.ndarray) -> bytes:
    """A grey PNG whose values are object ids; the page colours it."""
    return cv2.imencode('.png', label_map, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
