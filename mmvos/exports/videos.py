"""One video per video."""

from abc import abstractmethod

import numpy as np
from typing_extensions import override

from mmvos.structures import PathLike
from mmvos.visualization import VideoWriter, draw_label_map

from .base import Export, ExportInfo, export_format
from .pictures import foreground, with_alpha


class _VideoExport(Export):
    suffix = '.mp4'

    def __init__(self, path: PathLike, info: ExportInfo) -> None:
        super().__init__(path, info)
        self._writer = VideoWriter(self.path, info.fps)

    @override
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        self._writer.write(self.picture(frame, label_map))

    @abstractmethod
    def picture(self, frame: np.ndarray, label_map: np.ndarray) -> np.ndarray:
        """The frame of the exported video: BGR or BGRA uint8."""

    def close(self) -> None:
        self._writer.close()

    def discard(self) -> None:
        self._writer.discard()


@export_format('overlay')
class OverlayExport(_VideoExport):
    """The video with its objects in colour, their outlines and names."""

    summary = 'video with the objects in colour (mp4)'

    def picture(self, frame: np.ndarray, label_map: np.ndarray) -> np.ndarray:
        return draw_label_map(frame, label_map, self.info.palette, names=self.info.names)


@export_format('side-by-side')
class SideBySideExport(_VideoExport):
    """The video beside its overlay."""

    summary = 'video beside its overlay (mp4)'

    def picture(self, frame: np.ndarray, label_map: np.ndarray) -> np.ndarray:
        return np.concatenate([frame, draw_label_map(frame, label_map, self.info.palette, names=self.info.names)], 1)


@export_format('green-screen')
class GreenScreenExport(_VideoExport):
    """The objects before pure green, for video editors that key a colour."""

    summary = 'video of the objects before green (mp4)'

    def picture(self, frame: np.ndarray, label_map: np.ndarray) -> np.ndarray:
        shown = np.full_like(frame, (0, 255, 0))
        inside = foreground(label_map)
        shown[inside] = frame[inside]
        return shown


@export_format('cutout-video')
class CutoutVideoExport(_VideoExport):
    """The objects with transparency around them (VP9 with alpha)."""

    suffix = '.webm'
    summary = 'video of the objects with transparency (webm)'

    def picture(self, frame: np.ndarray, label_map: np.ndarray) -> np.ndarray:
        return with_alpha(frame, foreground(label_map))
