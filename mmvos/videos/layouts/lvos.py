"""LVOS (Hong et al., ICCV 2023; v2: arXiv 2404.19326): ``<split>/{JPEGImages,Annotations}/<video>/`` and a meta file that gives
every object a range of frames. Frames are numbered; every fifth is there."""

import os
from collections.abc import Mapping
from typing import Any

from mmvos.structures import InputError, PathLike, is_file, is_folder, join_path, read_lines

from ..images import stem_of
from .base import Layout, ListedObject, VideoEntry
from .youtube_vos import annotated_youtube_vos, meta_objects

META = 'the meta file of LVOS: {"videos": {id: {"objects": {id: {"frame_range": {"start", "end"}}}}}}'


def read_lvos(meta: PathLike, frames_dir: PathLike, masks_dir: PathLike, unseen: PathLike = '') -> list[VideoEntry]:
    """Videos of a meta file, sorted by name.

    Args:
        meta (PathLike): the file.
        frames_dir (PathLike): folder that holds a folder of frames per video.
        masks_dir (PathLike): folder that holds a folder of masks per video.
        unseen (PathLike): list of the videos whose categories are not in the training set, as the official evaluator has it; if
            there is no such file, videos have no group.

    Raises:
        MissingFileError: no such file, or no frames of a video.
        InputError: not of this layout, an id outside 1..254, or a range without frames.
    """
    place, entries = os.fspath(meta), []
    unseen_videos = set(read_lines(unseen)) if is_file(unseen) else None
    for video, objects in meta_objects(place, META):
        group = None if unseen_videos is None else 'unseen' if video in unseen_videos else 'seen'
        entry = VideoEntry(video, join_path(frames_dir, video), join_path(masks_dir, video), {}, (), group)
        names = [stem_of(path) for path in entry.frames()]
        listed = {
            object_id: _in_range(content.get('frame_range'), names, f'{place}: video {video!r}, object {object_id}')
            for object_id, content in objects
        }
        entries.append(VideoEntry(video, entry.frames_dir, entry.masks_dir, listed, (), group))
    return entries


def _in_range(frame_range: Any, names: list[str], place: str) -> ListedObject:
    if not isinstance(frame_range, Mapping):
        raise InputError(f'{place}: no frame_range. Expected {META}.')
    start, end = (_number(frame_range.get(key), f'{place}: {key} of frame_range') for key in ('start', 'end'))
    frames = tuple(name for name in names if start <= _number(name, f'{place}: name of a frame') <= end)
    if not frames:
        raise InputError(f'{place}: no frame from {start} to {end}; the video has {names[0]} to {names[-1]}.')
    return ListedObject(None, frames)


def _number(value: Any, place: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise InputError(f'{place} is {value!r}; expected a number.')
    return int(text)


def lvos(root: PathLike, split: str = 'valid') -> list[VideoEntry]:
    """Videos of ``root/split``, or of ``root`` itself where the split's meta file lies there."""
    folder = join_path(root, split)
    if not is_folder(folder) and is_file(join_path(root, f'{split}_meta.json')):
        folder = os.fspath(root)
    paths = (join_path(folder, name) for name in (f'{split}_meta.json', 'JPEGImages', 'Annotations', 'unseen_videos.txt'))
    return read_lvos(*paths)


LVOS = Layout(lvos, 'valid', annotated_youtube_vos)
