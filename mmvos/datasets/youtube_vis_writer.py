"""From label maps to the annotation file of YouTube-VIS."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pycocotools.mask as rle

from mmvos.structures import InputError, atomic_path, check_name, check_unique, folder_names, object_ids_of


class YouTubeVISWriter:
    """Collects annotated videos; masks are kept as run-length codes.

    Args:
        categories (Sequence[str]): names, in the order of their ids (from 1).
        description (str): goes into the file.
    """

    def __init__(self, categories: Sequence[str], description: str = '') -> None:
        check_unique(list(categories), 'categories', 'category')
        self.category_ids = {name: number for number, name in enumerate(categories, 1)}
        self.description = description
        self.videos: list[dict] = []
        self._names: set[str] = set()
        self.annotations: list[dict] = []

    def add_video(
        self,
        file_names: Sequence[str],
        size: tuple[int, int],
        label_maps: Iterable[np.ndarray | None],
        categories: Mapping[int, str],
        name: str | None = None,
    ) -> None:
        """Add one video.

        Args:
            name (str): name of the video.
            file_names (Sequence[str]): file names of the frames, relative to the folder of all frames.
            size (tuple[int, int]): ``(height, width)``.
            label_maps (Iterable[np.ndarray | None]): for every frame uint8 ``(H, W)``, or None (not annotated: no object).
            categories (Mapping[int, str]): ``{object id: category}``; every object of the label maps needs one.

        Raises:
            InputError: an object without a category, an unknown category, a label map of another size.
        """
        objects: dict[int, dict[int, dict]] = {}
        count = 0
        for frame, label_map in enumerate(label_maps):
            count += 1
            if label_map is None:
                continue
            if label_map.shape != tuple(size):
                raise InputError(
                    f'{file_names[frame]}: the label map is {label_map.shape[1]}x{label_map.shape[0]}, '
                    f'the video is {size[1]}x{size[0]} (width x height).'
                )
            for object_id in object_ids_of(label_map):
                code = rle.encode(np.asfortranarray(label_map == object_id))
                objects.setdefault(object_id, {})[frame] = code
        if count != len(file_names):
            raise InputError(f'{name or file_names[0]}: {count} label maps for {len(file_names)} frames.')
        self.add_tracks(file_names, size, [(categories.get(i), masks) for i, masks in sorted(objects.items())], name)

    def add_tracks(
        self,
        file_names: Sequence[str],
        size: tuple[int, int],
        tracks: Sequence[tuple[str | None, Mapping[int, Any]]],
        name: str | None = None,
    ) -> None:
        """Add a video whose masks are run-length codes, which may overlap.

        Args:
            file_names (Sequence[str]): paths of the frames, relative to the folder of images.
            size (tuple[int, int]): height and width in pixels.
            tracks (Sequence[tuple[str | None, Mapping[int, Any]]]): for each object its category and
                ``{frame index: compressed run-length code}``.
            name (str | None): name of the video; it must be new.

        Raises:
            InputError: a second video of that name, or a category that the data set does not have.
        """
        if name:
            check_name(name, 'annotation file')
            if name in self._names:
                raise InputError(f'{name}: a second video of this name; names must be unique.')
            self._names.add(name)
        video_id = len(self.videos) + 1
        video = dict(id=video_id, width=size[1], height=size[0], length=len(file_names), file_names=list(file_names))
        self.videos.append(dict(video, name=name) if name else video)
        for number, (category, masks) in enumerate(tracks, 1):
            if category not in self.category_ids:
                known = ', '.join(self.category_ids)
                raise InputError(
                    f'{name or file_names[0]}: object {number} has the category {category!r}; expected one of: {known}.'
                )
            segmentations: list[dict | None] = [None] * len(file_names)
            areas: list[int | None] = [None] * len(file_names)
            bboxes: list[list[float] | None] = [None] * len(file_names)
            for frame, code in masks.items():
                area = int(rle.area(code))
                if area:
                    counts = code['counts']
                    counts = counts.decode() if isinstance(counts, bytes) else counts
                    segmentations[frame] = dict(size=list(code['size']), counts=counts)
                    areas[frame], bboxes[frame] = area, rle.toBbox(code).tolist()
            if any(areas):
                self.annotations.append(
                    dict(
                        id=len(self.annotations) + 1,
                        video_id=video_id,
                        category_id=self.category_ids[category],
                        iscrowd=0,
                        segmentations=segmentations,
                        areas=areas,
                        bboxes=bboxes,
                        width=size[1],
                        height=size[0],
                    )
                )

    def save(self, path: str) -> None:
        """Write the file: complete, or not at all."""
        data = dict(
            info=dict(description=self.description),
            videos=self.videos,
            annotations=self.annotations,
            categories=[dict(id=number, name=name, supercategory='object') for name, number in self.category_ids.items()],
        )
        with atomic_path(path) as temporary, open(temporary, 'w') as file:
            json.dump(data, file)


def list_videos(folder: str) -> list[str]:
    """Names of the sub-folders of a folder, sorted; an error that names it if there are none."""
    names = folder_names(folder, 'folder of the videos')
    if not names:
        raise InputError(f'{folder}: no videos found. Expected a sub-folder of frames per video.')
    return names
