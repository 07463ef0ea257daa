"""Drawing label maps over frames."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from mmvos.structures import DAVIS_PALETTE, object_ids_of

#: bits of fractions of pixels in what OpenCV draws
_SHIFT = 4
#: outlines of fewer points stay as they are
_TINY = 12


def draw_label_map(
    frame: np.ndarray,
    label_map: np.ndarray,
    palette: np.ndarray | None = None,
    alpha: float = 0.5,
    contour: int = 1,
    names: Mapping[int, str] | None = None,
) -> np.ndarray:
    """A label map over its frame: objects tinted in their palette colour, with smooth edges and a bright outline.

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
    drawn = frame.copy()
    for object_id in object_ids_of(label_map):
        mask = (label_map == object_id).astype(np.uint8)
        outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        smooth = [_smoothed(outline) for outline in outlines]
        inside = np.zeros_like(mask)
        cv2.fillPoly(inside, smooth, 255, cv2.LINE_AA, _SHIFT)
        # outlines run through the object's own pixels; anti-aliasing nearly loses the few of a tiny part
        cv2.drawContours(inside, [outline for outline in outlines if len(outline) < _TINY], -1, 255, 1)
        _tint(drawn, inside, cv2.boundingRect(mask), colours[object_id], alpha)
        bright = (255 - (255 - colours[object_id].astype(int)) // 3).tolist()
        if contour:
            cv2.polylines(drawn, smooth, True, bright, contour, cv2.LINE_AA, _SHIFT)
        if names is not None:
            _write(drawn, f'{object_id} {names.get(object_id, "")}'.strip(), max(outlines, key=cv2.contourArea), bright)
    return drawn


def _smoothed(outline: np.ndarray) -> np.ndarray:
    """A closed outline int32 ``(N, 1, 2)`` without the steps of its pixels, in fractions of ``2 ** -_SHIFT`` pixels."""
    points = outline.astype(np.float32)
    if len(points) >= _TINY:  # a smaller one would shrink to nothing
        around = [np.roll(points, step, 0) for step in (-2, -1, 0, 1, 2)]
        points = np.tensordot(np.array([1, 4, 6, 4, 1], np.float32) / 16, np.stack(around), 1)
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def _tint(drawn: np.ndarray, inside: np.ndarray, box: Sequence[int], colour: np.ndarray, alpha: float) -> None:
    """Mix a colour into ``drawn`` where ``inside`` uint8 ``(H, W)`` is not 0, fully at 255; ``box``: x, y, width, height."""
    left, top, width, height = box
    room = slice(max(top - 1, 0), top + height + 1), slice(max(left - 1, 0), left + width + 1)
    share = inside[room][..., None].astype(np.float32) * (alpha / 255)
    drawn[room] = np.round(drawn[room] * (1 - share) + colour.astype(np.float32) * share)


def _write(picture: np.ndarray, text: str, outline: np.ndarray, colour: list[int]) -> None:
    """Text above an outline, dark around the letters so that it can be read on anything."""
    size = max(0.4, min(picture.shape[:2]) / 1000)
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    left, top, _, _ = cv2.boundingRect(outline)
    place = (min(left, max(picture.shape[1] - width, 0)), max(top - base, height + 1))
    for thickness, ink in ((3, [0, 0, 0]), (1, colour)):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, thickness, cv2.LINE_AA)
