"""Drawing label maps over frames."""

from collections.abc import Mapping

import cv2
import numpy as np

from mmvos.structures import DAVIS_PALETTE, VOID, object_ids_of


def draw_label_map(
    frame: np.ndarray,
    label_map: np.ndarray,
    palette: np.ndarray | None = None,
    alpha: float = 0.5,
    contour: int = 1,
    names: Mapping[int, str] | None = None,
) -> np.ndarray:
    """A label map over its frame: objects tinted in their palette colour, with a bright, smooth outline.

    Args:
        frame (ndarray): BGR uint8 ``(H, W, 3)``; not changed.
        label_map (ndarray): uint8 ``(H, W)``.
        palette (ndarray | None): uint8 ``(256, 3)`` RGB; None: DAVIS's.
        alpha (float): weight of the colour inside an object.
        contour (int): width of the outline in pixels; 0: none.
        names (dict[int, str] | None): name of each object by its id, written beside it with the id; None: nothing is written.

    Returns:
        BGR uint8 ``(H, W, 3)``.
    """
    colours = (DAVIS_PALETTE if palette is None else palette)[:, ::-1]
    inside = (label_map != 0) & (label_map != VOID)
    drawn = frame.copy()
    if not inside.any():
        return drawn
    drawn[inside] = cv2.addWeighted(frame[inside], 1 - alpha, colours[label_map[inside]], alpha, 0)
    for object_id in object_ids_of(label_map) if contour or names is not None else ():
        mask = (label_map == object_id).astype(np.uint8)
        outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        bright = (255 - (255 - colours[object_id].astype(int)) // 3).tolist()
        if contour:
            cv2.drawContours(drawn, outlines, -1, bright, contour, cv2.LINE_AA)
        if names is not None:
            _write(drawn, f'{object_id} {names.get(object_id, "")}'.strip(), max(outlines, key=cv2.contourArea), bright)
    return drawn


def _write(picture: np.ndarray, text: str, outline: np.ndarray, colour: list[int]) -> None:
    """Text above an outline, dark around the letters so that it can be read on anything."""
    size = max(0.4, min(picture.shape[:2]) / 1000)
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    left, top, _, _ = cv2.boundingRect(outline)
    place = (min(left, max(picture.shape[1] - width, 0)), max(top - base, height + 1))
    for thickness, ink in ((3, [0, 0, 0]), (1, colour)):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, thickness, cv2.LINE_AA)
