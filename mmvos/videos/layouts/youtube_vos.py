"""YouTube-VOS: a ``meta.json`` per split names videos, objects, and the annotated frames that show each object."""

import os
from collections.abc import Mapping
from typing import Any

from mmvos.structures import MAX_OBJECT_ID, InputError, MissingFileError, PathLike, check_name, is_file, join_path, read_json

from ..label_source import LabelSource
from .base import AnnotatedVideo, Layout, ListedObject, VideoEntry, as_categories, in_order

META = 'the meta.json of YouTube-VOS: {"videos": {id: {"objects": {id: {"category", "frames": [names]}}}}}'


def read_meta(path: PathLike) -> dict[str, dict[int, ListedObject]]:
    """Objects of every video of a ``meta.json``, by video and object id.

    Raises:
        MissingFileError: no such file.
        InputError: not of this layout, a video twice, an id outside 1..254, an object without frames.
    """
    place = os.fspath(path)
    return {
        video: {object_id: _listed(content, f'{place}: video {video!r}, object {object_id}') for object_id, content in objects}
        for video, objects in meta_objects(place, META)
    }


def meta_objects(path: str, expected: str) -> list[tuple[str, list[tuple[int, Mapping[str, Any]]]]]:
    """What a meta file says of every object, unchecked: ``[(video, [(object id, content)])]``, sorted by video.

    Raises:
        MissingFileError: no such file.
        InputError: not of the form ``{"videos": {id: {"objects": {id: {...}}}}}``, a name twice, or an id outside 1..254.
    """
    videos = _mapping(_mapping(read_json(path, expected, unique_keys=True), path, expected).get('videos'), path, expected)
    if not videos:
        raise InputError(f'{path}: lists no video. Expected {expected}.')
    found = []
    for video in sorted(videos):
        check_name(video, path)
        place = f'{path}: video {video!r}'
        objects = _mapping(_mapping(videos[video], place, expected).get('objects'), place, expected)
        found.append((video, [(_object_id(key, place), _mapping(objects[key], place, expected)) for key in objects]))
    return found


def _mapping(value: Any, place: str, expected: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f'{place}: found {_short(value)} where a JSON object belongs. Expected {expected}.')
    return value


def _short(value: Any) -> str:
    text = 'nothing' if value is None else repr(value)
    return text if len(text) <= 40 else f'{text[:37]}...'


def _object_id(key: str, place: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) <= 9 and 1 <= int(key) <= MAX_OBJECT_ID):
        raise InputError(f'{place}: object id {_short(key)}; expected a number 1..{MAX_OBJECT_ID}, which a label map can hold.')
    return int(key)


def _listed(content: Mapping[str, Any], place: str) -> ListedObject:
    category, frames = content.get('category'), content.get('frames')
    if category is not None and not isinstance(category, str):
        raise InputError(f'{place}: category {_short(category)}; expected text.')
    if not isinstance(frames, list) or not frames:
        raise InputError(f'{place}: frames {_short(frames)}; expected a list of at least one name.')
    return ListedObject(category, in_order(check_name(name, place, 'frame') for name in frames))


def read_youtube_vos(meta: PathLike, frames_dir: PathLike, masks_dir: PathLike) -> list[VideoEntry]:
    """Videos of a ``meta.json``, sorted by name.

    Args:
        meta (PathLike): the file.
        frames_dir (PathLike): folder that holds a folder of frames per video.
        masks_dir (PathLike): folder that holds a folder of masks per video.

    Raises:
        MissingFileError: no such file.
        InputError: see :func:`read_meta`.
    """
    return [
        VideoEntry(video, join_path(frames_dir, video), join_path(masks_dir, video), objects)
        for video, objects in read_meta(meta).items()
    ]


def youtube_vos(root: PathLike, split: str = 'valid') -> list[VideoEntry]:
    """Videos of ``root/split``, or of ``root`` itself where the split's ``meta.json`` lies there."""
    folder = join_path(root, split)
    if not is_file(join_path(folder, 'meta.json')) and is_file(join_path(root, 'meta.json')):
        folder = os.fspath(root)
    paths = (join_path(folder, name) for name in ('meta.json', 'JPEGImages', 'Annotations'))
    return read_youtube_vos(*paths)


def annotated_youtube_vos(entry: VideoEntry) -> AnnotatedVideo:
    """The annotated frames of a video: those that list at least one object, which are those of a submission.

    Raises:
        MissingFileError: a listed frame has no mask.
    """
    names, masks = entry.listed_frames(), entry.masks()
    missing = [name for name in names if name not in masks]
    if missing:
        raise MissingFileError(
            f'{join_path(entry.masks_dir, missing[0])}.png: not found, but meta.json lists this frame. Scoring needs '
            'every annotation; those of the official valid and test sets are on the server only.'
        )
    position = {name: i for i, name in enumerate(names)}
    return AnnotatedVideo(
        entry.video_id,
        names,
        [LabelSource(masks[name]) for name in names],
        as_categories(entry.objects),
        {object_id: [position[name] for name in listed.frames] for object_id, listed in entry.objects.items()},
        entry.group,
    )


YOUTUBE_VOS = Layout(youtube_vos, 'valid', annotated_youtube_vos)
