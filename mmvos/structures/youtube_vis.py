"""Annotation files of video instance segmentation, and results in the layout that their servers take."""

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def load_youtube_vis(path: str | os.PathLike) -> dict[str, Any]:
    """Read an annotation file as YouTube-VIS lays it out.

    Two layouts are read: that of YouTube-VIS and OVIS (one annotation per instance and video, with lists over the
    frames) and COCO-video (one per instance and frame, as mmdet's converters write it).

    Returns:
        ``videos`` ``[dict(id, width, height, length, file_names, ...)]``, ``categories`` ``[dict(id, name)]`` and, if
        the file has any, ``annotations`` ``[dict(id, video_id, category_id, iscrowd, segmentations, areas, bboxes)]``.

    Raises:
        FileNotFoundError, ValueError: naming the file, and what it lacks.
    """
    path = os.fspath(path)
    try:
        with open(path) as file:
            data = json.load(file)
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: annotation file not found.') from None
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}: not a JSON file ({error}).') from None
    missing = [key for key in ('videos', 'categories') if not isinstance(data, dict) or key not in data]
    if missing:
        raise ValueError(f'{path}: no {" and no ".join(missing)}. Expected an annotation file of YouTube-VIS or COCO-video.')
    data = from_coco_video(data) if 'images' in data else dict(data)
    if data.get('annotations') is None:  # test splits have none, or null
        data.pop('annotations', None)
    for problem in _problems(data):
        raise ValueError(f'{path}: {problem}')
    return data


def _problems(data: Mapping[str, Any]):
    videos = {}
    for video in data['videos']:
        lacks = [key for key in ('id', 'width', 'height', 'file_names') if key not in video]
        if lacks:
            yield f'video {video.get("id")} has no {", ".join(lacks)}.'
        if video['id'] in videos:
            yield f'two videos have the id {video["id"]}.'
        video.setdefault('length', len(video['file_names']))
        if video['length'] != len(video['file_names']):
            yield f'video {video["id"]} has length {video["length"]} but {len(video["file_names"])} file names.'
        videos[video['id']] = video
    categories = {category['id'] for category in data['categories']}
    for annotation in data.get('annotations', ()):
        name = f'annotation {annotation.get("id")}'
        if annotation.get('video_id') not in videos:
            yield f'{name} is of video {annotation.get("video_id")}, which is not in the file.'
        if annotation.get('category_id') not in categories:
            yield f'{name} is of category {annotation.get("category_id")}, which is not in the file.'
        length = videos[annotation['video_id']]['length']
        if len(annotation['segmentations']) != length:
            yield f'{name} has {len(annotation["segmentations"])} segmentations, its video has {length} frames.'


def from_coco_video(data: Mapping[str, Any]) -> dict[str, Any]:
    """COCO-video (``images``, annotations per frame) to the layout of YouTube-VIS."""
    frames = defaultdict(list)
    for image in data['images']:
        frames[image['video_id']].append(image)
    place, videos = {}, []
    for video in data['videos']:
        images = sorted(frames[video['id']], key=lambda image: image['frame_id'])
        place.update({image['id']: position for position, image in enumerate(images)})
        size = {side: video.get(side, images[0][side] if images else 0) for side in ('width', 'height')}
        videos.append(dict(video, **size, length=len(images), file_names=[image['file_name'] for image in images]))
    lengths = {video['id']: video['length'] for video in videos}
    tracks: dict[tuple, dict] = {}
    for annotation in data.get('annotations') or ():
        key = annotation['video_id'], annotation['instance_id']
        if key not in tracks:
            empty = [None] * lengths[annotation['video_id']]
            tracks[key] = dict(
                id=len(tracks) + 1,
                video_id=key[0],
                category_id=annotation['category_id'],
                iscrowd=annotation.get('iscrowd', 0),
                segmentations=list(empty),
                areas=list(empty),
                bboxes=list(empty),
            )
        position = place[annotation['image_id']]
        tracks[key]['segmentations'][position] = annotation['segmentation']
        tracks[key]['areas'][position] = annotation['area']
        tracks[key]['bboxes'][position] = annotation['bbox']
    converted = {key: value for key, value in data.items() if key not in ('images', 'videos', 'annotations')}
    converted['videos'] = videos
    if data.get('annotations') is not None:
        converted['annotations'] = list(tracks.values())
    return converted


class InstanceTracks:
    """The instances of one video, collected frame by frame: run-length codes and a few sums, nothing else.

    Args:
        cat_ids: category id of each class label (default: label + 1).
    """

    def __init__(self, cat_ids: Sequence[int] | None = None) -> None:
        self.cat_ids = cat_ids
        self._masks: dict[int, dict[int, dict]] = defaultdict(dict)
        self._scores: dict[int, list[float]] = defaultdict(list)
        self._labels: dict[int, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._masks)

    def add(self, frame_index: int, instances: Mapping[str, Any]) -> None:
        """One frame: ``instances_id``, ``labels``, ``scores`` (n each) and ``masks`` (n run-length codes)."""
        rows = zip(
            np.asarray(instances['instances_id']).tolist(),
            np.asarray(instances['labels']).tolist(),
            np.asarray(instances['scores'], np.float64).tolist(),
            instances['masks'],
        )
        for track, label, score, mask in rows:
            self._masks[track][frame_index] = mask
            self._scores[track].append(score)
            self._labels[track].append(label)

    def results(self, video_id: int, num_frames: int) -> list[dict]:
        """``[dict(video_id, score, category_id, segmentations)]``, one entry per instance, in the order of their ids.

        The score is the mean over the frames in which the instance was found, the category the one that was found most
        often (the lowest label of equals).
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
