"""One picture per frame."""

import cv2
import numpy as np
from typing_extensions import override

from mmvos.structures import VOID, object_ids_of, write_label_map
from mmvos.videos import write_image

from .base import Export, export_format


@export_format('masks')
class MaskExport(Export):
    """``<frame>.png``: palette PNG, pixel values are object ids (DAVIS, YouTube-VOS)."""

    is_folder = True
    summary = 'palette PNG of each frame, pixel value = object id'

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        write_label_map(self.path / f'{name}.png', label_map)


def with_alpha(frame: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """BGRA ``(H, W, 4)``: the frame where ``inside``, with an edge that is soft by one pixel, transparent elsewhere."""
    soft = cv2.GaussianBlur(inside.astype(np.uint8) * 255, (3, 3), 0)
    return np.dstack([frame, soft])


@export_format('cutouts')
class CutoutExport(Export):
    """``<object>/<frame>.png``: each object on its own, with transparency around it."""

    is_folder = True
    summary = 'PNG with transparency of each object and frame'

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        for object_id in object_ids_of(label_map):
            picture = with_alpha(frame, label_map == object_id)
            write_image(self.path / f'{object_id:03d}' / f'{name}.png', picture)


@export_format('training')
class TrainingExport(Export):
    """``JPEGImages/480p/<video>/<frame>.jpg`` and ``Annotations/480p/<video>/<frame>.png`` of the frames with an object:
    DAVIS's folders, which ``FolderDataset`` and the config for fine-tuning read."""

    is_folder = True
    summary = 'frames and masks in the folders that training reads'

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        if object_ids_of(label_map):
            write_image(self.path / 'JPEGImages' / '480p' / self.info.file_stem / f'{name}.jpg', frame)
            write_label_map(self.path / 'Annotations' / '480p' / self.info.file_stem / f'{name}.png', label_map)


def foreground(label_map: np.ndarray) -> np.ndarray:
    """Bool ``(H, W)``: any object."""
    return (label_map != 0) & (label_map != VOID)
