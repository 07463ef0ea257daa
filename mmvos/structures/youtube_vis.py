"""Annotation files of video instance segmentation, and results in the layout that their servers take."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from pycocotools import mask as coco

from .errors import InputError
from .files import PathLike, frame_order, read_json
from .run_length import are_sound, as_code, mask_problem

Record = dict[str, Any]

#: longest side of a video, in pixels
LARGEST_SIDE = 1 << 15
_EXPECTED = 'an annotation file of YouTube-VIS or COCO-video: {"videos": [...], "categories": [...], "annotations": [...]}'


def load_youtube_vis(path: PathLike) -> Record:
    """Read an annotation file as YouTube-VIS lays it out.

    Two layouts are read: that of YouTube-VIS and OVIS (one annotation per instance and video, with lists over the
    frames) and COCO-video (one per instance and frame, as mmdet's converters write it). What a file leaves out is filled in
    where it follows from the rest: ``iscrowd`` 0, areas and boxes of the masks, the order of frames by their names.

    Returns:
        ``videos`` ``[dict(id, width, height, length, file_names, ...)]``, ``categories`` ``[dict(id, name)]`` and, if
        the file has any, ``annotations`` ``[dict(id, video_id, category_id, iscrowd, segmentations, areas, bboxes)]``.

    Raises:
        MissingFileError: no such file.
        InputError: naming the file, the record and what is wrong with it; masks are checked, so that pycocotools, which crashes
            or never returns on a bad one, can be given them.
    """
    place = os.fspath(path)
    data = read_json(path, _EXPECTED)
    if not isinstance(data, dict):
        raise InputError(f'{place}: found {_short(data)}. Expected {_EXPECTED}.')
    missing = [key for key in ('videos', 'categories') if key not in data]
    if missing:
        raise InputError(f'{place}: no {" and no ".join(missing)}. Expected {_EXPECTED}.')
    data = _from_coco_video(data, place) if 'images' in data else dict(data)
    if data.get('annotations') is None:  # test splits have none, or null
        data.pop('annotations', None)
    sizes = _check_videos(_records(data, 'videos', place), place)
    categories = _by_id(_records(data, 'categories', place), place, 'categories')
    for number, category in categories.items():
        if not isinstance(category.get('name'), str):
            raise InputError(f'{place}: category {number} has the name {_short(category.get("name"))}; expected text.')
    annotations = _records(data, 'annotations', place) if 'annotations' in data else []
    if not any('id' in annotation for annotation in annotations):
        for number, annotation in enumerate(annotations, 1):
            annotation['id'] = number
    sound = _all_sound(annotations, sizes)
    for number, annotation in _by_id(annotations, place, 'annotations').items():
        where = f'{place}: annotation {number}'
        for key, known in (('category_id', categories), ('video_id', sizes)):
            if key not in annotation:
                raise InputError(f'{where} has no {key}.')
            if not _is_id(annotation[key], known):
                what = key.removesuffix('_id')
                raise InputError(f'{where} is of {what} {_short(annotation[key])}, which is not in the file.')
        _complete(annotation, sizes[annotation['video_id']], where, sound)
    return data


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f'{text[:37]}...'


def _is_id(value: Any, known: Mapping[int, Any]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in known


def _records(data: Mapping[str, Any], key: str, place: str) -> list[Record]:
    records = data.get(key)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f'{place}: {key} is no list of JSON objects. Expected {_EXPECTED}.')
    return records


def _by_id(records: Sequence[Record], place: str, what: str) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for record in records:
        if 'id' not in record:
            raise InputError(f'{place}: one of its {what} has no id.')
        number = record['id']
        if not isinstance(number, int) or isinstance(number, bool):
            raise InputError(f'{place}: one of its {what} has the id {_short(number)}; expected a whole number.')
        if number in found:
            raise InputError(f'{place}: two {what} have the id {number}; ids must be unique.')
        found[number] = record
    return found


def _check_videos(videos: Sequence[Record], place: str) -> dict[int, tuple[int, int, int]]:
    """``{video: (frames, height, width)}``."""
    sizes = {}
    for number, video in _by_id(videos, place, 'videos').items():
        where = f'{place}: video {number}'
        lacks = [key for key in ('width', 'height', 'file_names') if key not in video]
        if lacks:
            raise InputError(f'{where} has no {", ".join(lacks)}.')
        for side in ('height', 'width'):
            if type(video[side]) is not int or not 0 < video[side] <= LARGEST_SIDE:
                raise InputError(f'{where} has the {side} {_short(video[side])}; expected 1..{LARGEST_SIDE}.')
        names = video['file_names']
        if not isinstance(names, list) or not all(isinstance(name, str) and name and '\0' not in name for name in names):
            raise InputError(f'{where}: file_names is no list of file names.')
        if video.setdefault('length', len(names)) != len(names):
            raise InputError(f'{where} has length {_short(video["length"])} but {len(names)} file names.')
        sizes[number] = (len(names), video['height'], video['width'])
    return sizes


#: masks that are checked at once
_CHUNK = 4096


def _all_sound(annotations: Sequence[Record], sizes: Mapping[int, tuple[int, int, int]]) -> bool:
    """Whether all masks are compressed codes of the sizes of their videos, and none is damaged; else each is looked at."""
    counts: list[str] = []
    pixels: list[int] = []
    for annotation in annotations:
        masks, video = annotation.get('segmentations'), annotation.get('video_id')
        if not isinstance(masks, list) or type(video) is not int or video not in sizes:
            return False
        _, height, width = sizes[video]
        for mask in masks:
            if mask:
                if type(mask) is not dict or type(mask.get('counts')) is not str or mask.get('size') != [height, width]:
                    return False
                counts.append(mask['counts'])
                pixels.append(height * width)
        if len(counts) >= _CHUNK:
            if not are_sound(counts, pixels):
                return False
            counts, pixels = [], []
    return are_sound(counts, pixels)


def _complete(annotation: Record, video: tuple[int, int, int], where: str, sound: bool) -> None:
    """Check an annotation of a video ``(frames, height, width)`` and fill in what follows from its masks.

    ``sound``: its masks have been checked.
    """
    length, *size = video
    masks = annotation.setdefault('segmentations', annotation.pop('segmentation', None))
    if not isinstance(masks, list):
        raise InputError(f'{where}: segmentations is {_short(masks)}; expected a list with a mask or null per frame.')
    if len(masks) != length:
        raise InputError(f'{where} has {len(masks)} segmentations, its video has {length} frames.')
    for frame, mask in enumerate(() if sound else masks):
        problem = mask_problem(mask, size) if mask else None
        if problem:
            raise InputError(f'{where}, frame {frame}: {problem}')
    if annotation.setdefault('iscrowd', 0) not in (0, 1):
        raise InputError(f'{where}: iscrowd is {_short(annotation["iscrowd"])}; expected 0 or 1.')
    for key, numbers, measured in (('areas', 1, coco.area), ('bboxes', 4, coco.toBbox)):
        values = annotation.get(key)
        if values is None:
            values = [measured(as_code(mask, size)).tolist() if mask else None for mask in masks]
            annotation[key] = values
        if not isinstance(values, list) or len(values) != length:
            raise InputError(f'{where}: {key} is no list of {length} entries, one per frame.')
        for frame, value in enumerate(() if _all_numbers(values, numbers) else values):
            if value is not None and not _are_numbers(value if numbers > 1 else [value], numbers):
                raise InputError(f'{where}, frame {frame}: {key} holds {_short(value)}; expected {numbers} number(s) or null.')


def _all_numbers(values: Sequence[Any], count: int) -> bool:
    """Whether every value that is there is plainly what :func:`_are_numbers` asks for."""
    found = [value for value in values if value is not None]
    if count > 1:
        if not all(type(value) is list and len(value) == count for value in found):
            return False
        found = list(chain.from_iterable(found))
    return set(map(type, found)) <= {int, float} and max(map(abs, found), default=0) < 1e12


def _are_numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e12 for v in values)
    )


def _from_coco_video(data: Mapping[str, Any], place: str) -> Record:
    """COCO-video (``images``, annotations per frame) to the layout of YouTube-VIS."""
    videos = _by_id(_records(data, 'videos', place), place, 'videos')
    images = _by_id(_records(data, 'images', place), place, 'images')
    frames: dict[int, list[Record]] = {number: [] for number in videos}
    for number, image in images.items():
        if not isinstance(image.get('file_name'), str):
            raise InputError(f'{place}: image {number} has no file_name.')
        if _key(image, 'video_id', f'{place}: image {number}') not in frames:
            raise InputError(f'{place}: image {number} is of video {_short(image["video_id"])}, which is not in the file.')
        frames[image['video_id']].append(image)
    position: dict[int, tuple[int, int]] = {}  # of an image: its video, and its frame in it
    converted = {key: value for key, value in data.items() if key not in ('images', 'videos', 'annotations')}
    converted['videos'] = []
    for number, video in videos.items():
        ordered = _in_order(frames[number], place)
        position.update({image['id']: (number, frame) for frame, image in enumerate(ordered)})
        sizes = {side: video.get(side, ordered[0].get(side) if ordered else None) for side in ('width', 'height')}
        names = [image['file_name'] for image in ordered]
        converted['videos'].append(dict(video, **sizes, length=len(names), file_names=names))
    if data.get('annotations') is not None:
        converted['annotations'] = _tracks(_records(data, 'annotations', place), position, frames, place)
    return converted


def _in_order(images: list[Record], place: str) -> list[Record]:
    """Frames of a video by ``frame_id``, or by their names where not all have one."""
    if all('frame_id' in image for image in images):
        for image in images:
            if type(image['frame_id']) is not int:
                where = f'{place}: image {image["id"]}'
                raise InputError(f'{where} has the frame_id {_short(image["frame_id"])}; expected a number.')
        return sorted(images, key=lambda image: image['frame_id'])
    return sorted(images, key=lambda image: frame_order(os.path.splitext(image['file_name'])[0]))


def _tracks(
    annotations: Sequence[Record], position: Mapping[int, tuple[int, int]], frames: Mapping[int, list[Record]], place: str
) -> list[Record]:
    """One annotation per instance from one per instance and frame."""
    tracks: dict[tuple[int, int], Record] = {}
    for number, annotation in enumerate(annotations, 1):
        where = f'{place}: annotation {annotation.get("id", number)}'
        image = _key(annotation, 'image_id', where)
        if image not in position:
            raise InputError(f'{where} is of image {_short(image)}, which is not in the file.')
        video, frame = position[image]
        if annotation.get('video_id', video) != video:
            raise InputError(f'{where} is of video {_short(annotation["video_id"])}, but its image is of video {video}.')
        name = 'instance_id' if 'instance_id' in annotation or 'track_id' not in annotation else 'track_id'
        instance = _key(annotation, name, where)
        if 'segmentation' not in annotation:
            raise InputError(f'{where} has no segmentation.')
        track = tracks.setdefault((video, instance), _empty_track(video, annotation, len(tracks) + 1, len(frames[video])))
        if track['segmentations'][frame] is not None:
            raise InputError(f'{where}: a second mask of instance {instance} in one frame (image {image}).')
        track['segmentations'][frame] = annotation['segmentation']
        for key, source in (('areas', 'area'), ('bboxes', 'bbox')):
            if source not in annotation:
                track[key] = None  # all of them follow from the masks
            elif track[key] is not None:
                track[key][frame] = annotation[source]
    return list(tracks.values())


def _empty_track(video: int, annotation: Record, number: int, length: int) -> Record:
    lists = {key: [None] * length for key in ('segmentations', 'areas', 'bboxes')}
    kept = dict(category_id=annotation.get('category_id'), iscrowd=annotation.get('iscrowd', 0))
    return dict(id=number, video_id=video, **kept, **lists)


def _key(record: Record, key: str, where: str) -> int:
    """A whole number that a record must have."""
    if key not in record:
        raise InputError(f'{where} has no {key}.')
    value = record[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f'{where} has the {key} {_short(value)}; expected a whole number.')
    return value


class InstanceTracks:
    """The instances of one video, collected frame by frame: run-length codes and a few sums, nothing else.

    Args:
        cat_ids (Sequence[int] | None): category id of each class label (default: label + 1).
    """

    def __init__(self, cat_ids: Sequence[int] | None = None) -> None:
        self.cat_ids = cat_ids
        self._masks: dict[int, dict[int, dict]] = defaultdict(dict)
        self._scores: dict[int, list[float]] = defaultdict(list)
        self._labels: dict[int, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._masks)

    def add(self, frame_index: int, instances: Mapping[str, Any]) -> None:
        """Add the instances of one frame.

        Args:
            frame_index (int): position in the video.
            instances (Mapping): ``instances_id``, ``labels``, ``scores`` (n each) and ``masks`` (n run-length codes).
        """
        rows = zip(
            np.asarray(instances['instances_id']).tolist(),
            np.asarray(instances['labels']).tolist(),
            np.asarray(instances['scores'], np.float64).tolist(),
            instances['masks'],
            strict=True,
        )
        for track, label, score, mask in rows:
            self._masks[track][frame_index] = mask
            self._scores[track].append(score)
            self._labels[track].append(label)

    def results(self, video_id: int, num_frames: int) -> list[dict]:
        """``[dict(video_id, score, category_id, segmentations)]``, one entry per instance, in the order of their ids.

        The score is the mean over the frames in which the instance was found, the category the one that was found most
        often (the lowest label of equals).

        Args:
            video_id (int): id that the entries name.
            num_frames (int): length of the video, which is that of each entry's ``segmentations``.
        """
        results = []
        for track in sorted(self._masks):
            label = int(np.bincount(self._labels[track]).argmax())
            results.append(
                dict(
                    video_id=video_id,
                    score=float(np.mean(self._scores[track])),
                    category_id=self.cat_ids[label] if self.cat_ids is not None else label + 1,
                    segmentations=[self._masks[track].get(frame) for frame in range(num_frames)],
                )
            )
        return results
