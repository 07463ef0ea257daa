"""Drawing label maps over frames, and writing the frames as a video."""

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
