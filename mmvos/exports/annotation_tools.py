"""Masks for LabelMe and CVAT, exact to the pixel: both read the masks back as they were."""

import base64
import json
import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
from typing_extensions import override

from mmvos.structures import PathLike, atomic_path, object_ids_of
from mmvos.videos import write_image

from .base import Export, ExportInfo, export_format


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """First and last column and row of a mask: left, top, right, bottom (inclusive)."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


@export_format('labelme')
class LabelMeExport(Export):
    """``<frame>.json`` beside ``<frame>.jpg``: LabelMe (5.3 and later), shapes of the type ``mask``."""

    is_folder = True
    summary = 'LabelMe: a JSON file per frame, with the frame beside it'

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        height, width = label_map.shape
        shapes = []
        for object_id in object_ids_of(label_map):
            mask = label_map == object_id
            left, top, right, bottom = bounds(mask)
            crop = mask[top : bottom + 1, left : right + 1].astype(np.uint8) * 255
            png = cv2.imencode('.png', crop)[1].tobytes()
            shapes.append(
                dict(
                    label=self.info.name_of(object_id),
                    points=[[left, top], [right, bottom]],
                    group_id=object_id,
                    description='',
                    shape_type='mask',
                    flags={},
                    mask=base64.b64encode(png).decode(),
                )
            )
        content = dict(
            version='5.5.0',
            flags={},
            shapes=shapes,
            imagePath=f'{name}.jpg',
            imageData=None,
            imageHeight=height,
            imageWidth=width,
        )
        write_image(self.path / f'{name}.jpg', frame)
        with atomic_path(self.path / f'{name}.json') as temporary, open(temporary, 'w', encoding='utf-8') as file:
            json.dump(content, file)


@export_format('cvat')
class CVATExport(Export):
    """``CVAT for video 1.1``: a track of masks per object.

    Args:
        path (PathLike): the file.
        info (ExportInfo): what is known of the video.
    """

    suffix = '.xml'
    summary = 'CVAT for video 1.1 (xml)'

    def __init__(self, path: PathLike, info: ExportInfo) -> None:
        super().__init__(path, info)
        self._tracks: dict[int, list[ElementTree.Element]] = {}

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        present = object_ids_of(label_map)
        for object_id in present:
            mask = label_map == object_id
            left, top, right, bottom = bounds(mask)
            box = mask[top : bottom + 1, left : right + 1]
            self._add(object_id, index, box, left, top, outside=False)
        for object_id, shapes in self._tracks.items():
            if object_id not in present and shapes[-1].get('outside') == '0':
                self._add(object_id, index, np.ones((1, 1), bool), 0, 0, outside=True)  # hidden from here on

    def _add(self, object_id: int, index: int, box: np.ndarray, left: int, top: int, outside: bool) -> None:
        height, width = box.shape
        self._tracks.setdefault(object_id, []).append(
            ElementTree.Element(
                'mask',
                frame=str(index),
                keyframe='1',
                outside=str(int(outside)),
                occluded='0',
                rle=', '.join(map(str, runs(box))),
                left=str(left),
                top=str(top),
                width=str(width),
                height=str(height),
                z_order='0',
            )
        )

    def close(self) -> None:
        root = ElementTree.Element('annotations')
        ElementTree.SubElement(root, 'version').text = '1.1'
        task = ElementTree.SubElement(ElementTree.SubElement(root, 'meta'), 'task')
        ElementTree.SubElement(task, 'name').text = self.info.video_id
        ElementTree.SubElement(task, 'size').text = str(self.info.num_frames)
        size = ElementTree.SubElement(task, 'original_size')
        for tag, value in zip(('height', 'width'), self.info.size, strict=True):
            ElementTree.SubElement(size, tag).text = str(value)
        for object_id, shapes in sorted(self._tracks.items()):
            track = ElementTree.SubElement(root, 'track', id=str(object_id), label=self.info.name_of(object_id), source='mmvos')
            track.extend(shapes)
        ElementTree.indent(root)
        with atomic_path(self.path) as temporary:
            ElementTree.ElementTree(root).write(temporary, encoding='utf-8', xml_declaration=True)


def runs(mask: np.ndarray) -> list[int]:
    """Lengths of the runs of a mask row by row, beginning with the background's (CVAT's code)."""
    flat = np.concatenate([[False], mask.ravel(), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.concatenate([[0], changes, [mask.size] if not len(changes) or changes[-1] != mask.size else []])
    return np.diff(ends).astype(int).tolist()
