"""Drawing label maps over frames, and writing the frames as a video."""

import os
from pathlib import Path

import cv2
import numpy as np

from mmvos.structures import DAVIS_PALETTE, VOID


def draw_label_map(
    frame: np.ndarray, label_map: np.ndarray, palette: np.ndarray | None = None, alpha: float = 0.5, contour: int = 1
) -> np.ndarray:
    """A label map over its frame: objects tinted in their palette colour, with a bright outline.

    Args:
        frame: BGR uint8 ``(H, W, 3)``; not changed.
        label_map: uint8 ``(H, W)``.
        palette: uint8 ``(256, 3)`` RGB (default: DAVIS).
        alpha: weight of the colour inside an object.
        contour: width of the outline in pixels (0: none).

    Returns:
        BGR uint8 ``(H, W, 3)``.
    """
    colours = (DAVIS_PALETTE if palette is None else palette)[:, ::-1]
    inside = (label_map != 0) & (label_map != VOID)
    drawn = frame.copy()
    if inside.any():
        tint = colours[label_map[inside]]
        drawn[inside] = cv2.addWeighted(frame[inside], 1 - alpha, tint, alpha, 0)
        if contour:
            grown = cv2.dilate(label_map, np.ones((2 * contour + 1,) * 2, np.uint8))
            shrunk = cv2.erode(label_map, np.ones((2 * contour + 1,) * 2, np.uint8))
            edge = inside & ((grown != label_map) | (shrunk != label_map))
            drawn[edge] = 255 - (255 - colours[label_map[edge]]) // 3
    return drawn


class VideoWriter:
    """Frames to a video file (mp4 by OpenCV) or an animated picture (gif / webp by Pillow); complete or not there at all.

    Args:
        path: the suffix tells the format.
        fps: frames per second.
        max_side: larger frames of an animated picture are reduced to this side (mp4: as they are).
    """

    def __init__(self, path: str | os.PathLike, fps: float = 25.0, max_side: int = 480) -> None:
        self.path, self.fps, self.max_side = Path(path), fps, max_side
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.temporary = self.path.with_name(f'.{self.path.stem}.partial{self.path.suffix}')
        self.animated = self.path.suffix.lower() in ('.gif', '.webp')
        self._writer, self._pictures, self._size = None, [], None

    def write(self, frame: np.ndarray) -> None:
        """Append a BGR uint8 ``(H, W, 3)`` frame."""
        if self.animated:
            self._pictures.append(self._picture(frame))
            return
        if self._writer is None:
            self._size: tuple[int, int] = frame.shape[1::-1]
            self._writer = cv2.VideoWriter(os.fspath(self.temporary), cv2.VideoWriter_fourcc(*'mp4v'), self.fps, self._size)
            if not self._writer.isOpened():
                raise OSError(f'{self.path}: OpenCV cannot write a video of this format here.')
        self._writer.write(frame)

    def _picture(self, frame: np.ndarray):
        from PIL import Image

        scale = min(1.0, self.max_side / max(frame.shape[:2]))
        if scale < 1:
            frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return Image.fromarray(frame[:, :, ::-1])

    def close(self) -> None:
        """Finish the file and give it its final name."""
        if self.animated and self._pictures:
            first, *rest = self._pictures
            first.save(self.temporary, save_all=True, append_images=rest, duration=round(1000 / self.fps), loop=0)
        elif self._writer is not None:
            self._writer.release()
        else:
            return
        os.replace(self.temporary, self.path)
        self._writer, self._pictures = None, []

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._writer is not None:
            self._writer.release()
        self._writer, self._pictures = None, []
        self.temporary.unlink(missing_ok=True)

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, error_type, *_) -> None:
        self.close() if error_type is None else self.discard()
