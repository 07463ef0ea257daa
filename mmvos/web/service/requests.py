"""What is sent to make a job: a video with its prompts, as a form with files or as JSON that names a video of the server."""

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from mmvos.batch.tasks import by_frame
from mmvos.interaction import PROMPT_SCHEMA, prompt_from_json
from mmvos.structures import InputError, object_ids_of, read_label_map
from mmvos.structures.files import decode_json
from mmvos.videos import Video, open_video

from ..guard import MAX_BODY

#: label maps that one form may bring
_MAX_MASKS = 256
_MASK = re.compile(r'mask(?:_(\d{1,9}))?', re.ASCII)
_EXPECTED = 'a form with the fields video, prompts, mask, mask_<frame> and name, or JSON with video, prompts and name'
_PROMPTS = dict(
    type='object',
    description='prompts by frame, from "0"',
    patternProperties={'^[0-9]+$': dict(type='array', items=PROMPT_SCHEMA)},
    additionalProperties=False,
)
_NAME = dict(type='string', description="what the job is called (default: the video's name)")
#: what a request may hold, for the description of the interface (OpenAPI)
JOB_SCHEMA: dict[str, Any] = {
    'application/json': dict(
        schema=dict(
            type='object',
            required=['video'],
            additionalProperties=False,
            properties=dict(
                video=dict(type='string', description='path of a video below the folder --videos of the server'),
                prompts=_PROMPTS,
                name=_NAME,
            ),
        )
    ),
    'multipart/form-data': dict(
        schema=dict(
            type='object',
            required=['video'],
            properties=dict(
                video=dict(type='string', format='binary'),
                prompts=_PROMPTS,
                mask=dict(type='string', format='binary', description='label map of frame 0 (PNG); mask_<frame>: of another'),
                name=_NAME,
            ),
        )
    ),
}


async def receive(request: Request, folder: Path, videos: Path | None) -> dict[str, Any]:
    """What a request holds, checked; files are in the job's folder when this returns.

    Args:
        request (Request): the request.
        folder (Path): folder of the job.
        videos (Path | None): folder of the videos that may be named; None: none may.

    Returns:
        Arguments of :class:`~.jobs.Job`.

    Raises:
        InputError: anything that is not a job: a video that cannot be read, a prompt that does not fit it.
    """
    kind = request.headers.get('content-type', '').partition(';')[0].strip().lower()
    if kind == 'application/json':
        body = await request.body()
        return await run_in_threadpool(_job_of_named_video, body, folder, videos)
    if kind != 'multipart/form-data':
        raise InputError(f'the content type is {kind!r}; expected {_EXPECTED}.')
    async with request.form(max_files=_MAX_MASKS + 2, max_fields=2 + _MAX_MASKS, max_part_size=MAX_BODY) as form:
        return await run_in_threadpool(_job_of_uploaded_video, form, folder)


def _job_of_named_video(body: bytes, folder: Path, videos: Path | None) -> dict[str, Any]:
    content = decode_json(body, 'the request', _EXPECTED)
    if not isinstance(content, dict) or not isinstance(content.get('video'), str):
        raise InputError(f'the request names no video; expected {_EXPECTED}.')
    unknown = set(content) - {'video', 'prompts', 'name'}
    if unknown:
        raise InputError(f'the request has {sorted(unknown)}; expected {_EXPECTED}.')
    path = _inside(videos, content['video'])
    name = content.get('name') or path.stem
    if not isinstance(name, str):
        raise InputError(f'the name of the job is {name!r}; expected a text.')
    video = _open(path, content['video'])
    fields = dict(id=folder.name, name=name[:200], video=str(path), total=len(video))
    return dict(fields, masks={}, prompts=_checked(content.get('prompts') or {}, {}, folder, video))


def _job_of_uploaded_video(form: FormData, folder: Path) -> dict[str, Any]:
    masks: dict[str, str] = {}
    texts: dict[str, str] = {}
    upload: UploadFile | None = None
    for key, value in form.multi_items():
        match = _MASK.fullmatch(key)
        if isinstance(value, UploadFile) and key == 'video' and upload is None:
            upload = value
        elif isinstance(value, UploadFile) and match:
            frame = str(int(match[1] or 0))
            masks[frame] = f'mask_{frame}.png'
            _store(value, folder / masks[frame])
        elif key in ('prompts', 'name') and key not in texts:
            data = value.file.read(MAX_BODY) if isinstance(value, UploadFile) else value.encode()
            texts[key] = data.decode(errors='replace')
        else:
            raise InputError(f'the form has the field {key!r}; expected {_EXPECTED}, each once.')
    if upload is None:
        raise InputError(f'the form brings no video; expected {_EXPECTED}.')
    sent_as = PurePosixPath((upload.filename or 'video').replace('\\', '/'))
    stored = f'video{re.sub("[^.a-zA-Z0-9]", "", sent_as.suffix)[:8]}'
    _store(upload, folder / stored)
    video = _open(folder / stored, sent_as.name)
    prompts = decode_json((texts.get('prompts') or '{}').encode(), 'prompts', 'prompts by frame')
    fields = dict(id=folder.name, name=(texts.get('name') or sent_as.stem)[:200] or 'video', video=stored, total=len(video))
    return dict(fields, masks=masks, prompts=_checked(prompts, masks, folder, video))


def _store(upload: UploadFile, path: Path) -> None:
    with open(path, 'wb') as file:
        shutil.copyfileobj(upload.file, file, 1 << 20)


def _inside(videos: Path | None, name: str) -> Path:
    """The path of a video that a request names, links followed; what lies outside is as if it were not there."""
    if videos is None:
        raise InputError('this server takes uploads only (mmvos serve --videos DIR offers a folder).')
    root = videos.resolve()
    path = (root / name.replace('\0', '/')).resolve()
    if path == root or not path.is_relative_to(root) or not path.exists():
        raise InputError(f'the video {name!r} is not in the folder of this server.')
    return path


def _open(path: Path, name: str) -> Video:
    try:
        video = open_video(str(path))
        video.read(0)
    except InputError as error:  # it names a path of the server
        raise InputError(str(error).replace(str(path), name)) from error
    return video


def _checked(content: Any, masks: dict[str, str], folder: Path, video: Video) -> dict[str, list[dict[str, Any]]]:
    """The prompts of a request, those of label maps too, against the frames of its video."""
    prompts = by_frame(content, 'prompts')
    both = sorted({*prompts} & {int(frame) for frame in masks})
    if both:
        raise InputError(f'frame {both[0]} has a mask and prompts; expected one of the two (a prompt may hold a mask, too).')
    for frame in (*prompts, *map(int, masks)):
        if frame >= len(video):
            raise InputError(f'a prompt is at frame {frame}, but there are {len(video)} frames, counted from 0.')
    for position, name in masks.items():
        try:
            label_map = read_label_map(folder / name)
        except InputError as error:
            raise InputError(str(error).replace(str(folder / name), name)) from error
        _check_size(label_map.shape, video.read(int(position)).shape[:2], f'the mask of frame {position}')
        if not object_ids_of(label_map):
            raise InputError(f'the mask of frame {position} shows no object.')
    for frame, found in prompts.items():
        _check_frame(found, video.read(frame).shape[:2], frame)
    return {str(frame): found for frame, found in sorted(prompts.items())}


def _check_frame(found: Any, shape: tuple[int, ...], frame: int) -> None:
    """Raise InputError for prompts of one frame that are none, or that do not fit it."""
    if not isinstance(found, list) or not found:
        raise InputError(f'frame {frame}: found {found!r}; expected a list of prompts.')
    ids = []
    for one in found:
        code = one.get('mask') if isinstance(one, dict) else None
        if isinstance(code, dict) and isinstance(
            code.get('size'), list
        ):  # before it is decoded: a short code can be a vast mask
            _check_size(tuple(code['size']), shape, f'frame {frame}: a mask')
        prompt = prompt_from_json(one)
        if prompt.is_empty:
            raise InputError(f'frame {frame}: the prompt of object {prompt.object_id} points at nothing.')
        prompt.check_inside((shape[0], shape[1]))
        ids.append(prompt.object_id)
    if len(set(ids)) < len(ids):
        raise InputError(f'frame {frame}: prompts of the objects {ids}; expected one per object.')


def _check_size(found: tuple[Any, ...], expected: tuple[int, ...], what: str) -> None:
    if tuple(found) != tuple(expected):
        size = 'x'.join(map(str, reversed(found)))
        raise InputError(f'{what} is {size}, the frame is {expected[1]}x{expected[0]} (width x height).')
