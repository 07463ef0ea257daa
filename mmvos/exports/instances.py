"""Run-length codes in one JSON file: COCO and YouTube-VIS."""

import json

import numpy as np
from pycocotools import mask as rle
from typing_extensions import override

from mmvos.structures import PathLike, atomic_path, encode_mask, object_ids_of

from .base import Export, ExportInfo, export_format


class _Instances(Export):
    suffix = '.json'

    def _categories(self, ids: list[int]) -> list[dict]:
        """One category per name, in the order of the objects."""
        names = list(dict.fromkeys(self.info.name_of(i) for i in ids))
        return [dict(id=number, name=name) for number, name in enumerate(names, 1)]

    def _category_id(self, categories: list[dict], object_id: int) -> int:
        return next(c['id'] for c in categories if c['name'] == self.info.name_of(object_id))

    def _save(self, content: dict) -> None:
        with atomic_path(self.path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
            json.dump(content, file)


@export_format('youtube-vis')
class YouTubeVISExport(_Instances):
    """An annotation file of YouTube-VIS with one video: an annotation per object, a code (or null) per frame.

    Args:
        path (PathLike): the file.
        info (ExportInfo): what is known of the video.
    """

    summary = 'YouTube-VIS annotation file (json)'

    def __init__(self, path: PathLike, info: ExportInfo) -> None:
        super().__init__(path, info)
        self._files: list[str] = []
        self._codes: dict[int, dict[int, dict]] = {}

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        for object_id in object_ids_of(label_map):
            self._codes.setdefault(object_id, {})[len(self._files)] = encode_mask(label_map == object_id)
        self._files.append(f'{self.info.video_id}/{name}.jpg')

    def close(self) -> None:
        ids, length = sorted(self._codes), len(self._files)
        categories = self._categories(ids)
        height, width = self.info.size
        video = dict(id=1, name=self.info.video_id, width=width, height=height, length=length, file_names=self._files)
        annotations = []
        for number, object_id in enumerate(ids, 1):
            codes = [self._codes[object_id].get(i) for i in range(length)]
            annotations.append(
                dict(
                    id=number,
                    video_id=1,
                    category_id=self._category_id(categories, object_id),
                    object_id=object_id,
                    iscrowd=0,
                    segmentations=codes,
                    areas=[int(rle.area(code)) if code else None for code in codes],
                    bboxes=[rle.toBbox(code).tolist() if code else None for code in codes],
                )
            )
        self._save(dict(videos=[video], categories=categories, annotations=annotations))


@export_format('coco')
class COCOExport(_Instances):
    """An instance file of COCO: every frame is an image; ``track_id`` is the object's id.

    Args:
        path (PathLike): the file.
        info (ExportInfo): what is known of the video.
    """

    summary = 'COCO instances, a frame is an image (json)'

    def __init__(self, path: PathLike, info: ExportInfo) -> None:
        super().__init__(path, info)
        self._images: list[dict] = []
        self._found: list[tuple[int, int, dict]] = []

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        height, width = label_map.shape
        image_id = len(self._images) + 1
        self._images.append(
            dict(id=image_id, file_name=f'{self.info.video_id}/{name}.jpg', width=width, height=height, frame_id=index)
        )
        self._found += [(image_id, i, encode_mask(label_map == i)) for i in object_ids_of(label_map)]

    def close(self) -> None:
        categories = self._categories(sorted({object_id for _, object_id, _ in self._found}))
        annotations = [
            dict(
                id=number,
                image_id=image_id,
                category_id=self._category_id(categories, object_id),
                track_id=object_id,
                iscrowd=0,
                segmentation=code,
                area=int(rle.area(code)),
                bbox=rle.toBbox(code).tolist(),
            )
            for number, (image_id, object_id, code) in enumerate(self._found, 1)
        ]
        self._save(dict(images=self._images, categories=categories, annotations=annotations))
