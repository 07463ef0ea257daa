"""Which program a file or folder of annotations comes from."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmvos.structures import InputError, MissingFileError, PathLike, object_ids_of, read_label_map
from mmvos.videos import Video, list_images

from .annotations import Annotations, Mark
from .cvat import read_cvat
from .labelme import labelme_files, read_labelme


def annotation_kind(path: PathLike) -> str:
    """``'cvat'`` for an XML file, ``'labelme'`` for a JSON file or a folder of them, ``'masks'`` for all else."""
    suffix = Path(path).suffix.lower()
    if suffix == '.xml':
        return 'cvat'
    return 'labelme' if suffix == '.json' or (os.path.isdir(path) and labelme_files(path)) else 'masks'


def open_annotations(path: PathLike, video: Video, index: int = 0) -> Annotations:
    """Marks of a video's frames.

    Args:
        path (PathLike): an XML file of CVAT; a JSON file of LabelMe, or a folder of them, named as the frames; or a folder of
            label maps, named as the frames.
        video (Video): the video.
        index (int): the frame of a single JSON file.

    Raises:
        MissingFileError: there is no such file or folder.
        InputError: naming the file, what was found and what was expected.
    """
    if not os.path.exists(path):
        raise MissingFileError(f'{path}: not found. Expected masks: a file of CVAT or LabelMe, or a folder.')
    kind = annotation_kind(path)
    if kind == 'cvat':
        return read_cvat(path, video.frame_names)
    if kind == 'labelme':
        files = _by_frame(labelme_files(path), video, path) if os.path.isdir(path) else {index: Path(path)}
        return read_labelme(files, os.fspath(path))
    if not os.path.isdir(path):
        raise InputError(f'{path}: expected an XML file of CVAT, a JSON file of LabelMe, or a folder of masks.')
    return _read_masks(_by_frame({Path(file).stem: Path(file) for file in list_images(path)}, video, path), os.fspath(path))


def _by_frame(files: dict[str, Path], video: Video, folder: PathLike) -> dict[int, Path]:
    """Files by the frames that they are named after."""
    places = {name: index for index, name in enumerate(video.frame_names)}
    strangers = sorted(files.keys() - places.keys())
    if strangers:
        raise InputError(
            f'{folder}: {files[strangers[0]].name} is named as no frame of {video.video_id}; expected names such as '
            f'{video.frame_names[0]}{files[strangers[0]].suffix}.'
        )
    if not files:
        raise InputError(f'{folder}: no masks found; expected PNG files, or JSON files of LabelMe, named as the frames.')
    return {places[name]: file for name, file in files.items()}


def _read_masks(files: dict[int, Path], name: str) -> Annotations:
    marks: dict[int, list[Mark]] = {}
    for index, file in files.items():
        ids = object_ids_of(read_label_map(file))
        if ids:
            marks[index] = [Mark(object_id, mask=_object_in(file, object_id)) for object_id in ids]
    present = sorted({mark.object_id for rows in marks.values() for mark in rows})
    if not present:
        raise InputError(f'{name}: all masks are empty; expected at least one object (pixel value 1..254).')
    return Annotations(name, marks, {object_id: f'object {object_id}' for object_id in present})


def _object_in(file: Path, object_id: int) -> Callable[[tuple[int, int]], np.ndarray]:
    return lambda size: read_label_map(file, size) == object_id
