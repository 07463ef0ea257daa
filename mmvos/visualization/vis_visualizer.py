"""Drawing the instances of a frame: mask, outline, class, id and score."""

import colorsys
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pycocotools.mask as rle

_GOLDEN_RATIO = (5**0.5 - 1) / 2


def instance_colour(instance_id: int) -> tuple[int, int, int]:
    """The BGR colour of an instance: the same in every frame, run and video; neighbouring ids differ strongly."""
    shade = 0.95 - 0.25 * (instance_id // 8 % 3 == 1)
    tone = 0.85 - 0.3 * (instance_id // 8 % 3 == 2)
    red, green, blue = colorsys.hsv_to_rgb(instance_id * _GOLDEN_RATIO % 1, tone, shade)
    return int(255 * blue), int(255 * green), int(255 * red)


def draw_instances(
    frame: np.ndarray,
    instances: Mapping[str, Any],
    classes: Sequence[str] | None = None,
    score_thr: float = 0.3,
    alpha: float = 0.45,
    contour: int = 2,
    boxes: bool = False,
    labels: bool = True,
) -> np.ndarray:
    """Instances over their frame.

    Args:
        frame (np.ndarray): BGR uint8 ``(H, W, 3)``; not changed.
        instances (Mapping[str, Any]): ``masks`` (run-length codes or boolean ``(n, H, W)``), ``bboxes``, ``labels``,
            ``scores``, ``instances_id``.
        classes (Sequence[str] | None): names of the classes (default: their numbers).
        score_thr (float): instances with a lower score are left out.
        alpha (float): weight of the colour inside an instance.
        contour (int): width of the outline in pixels (0: none).
        boxes (bool): draw the boxes too.
        labels (bool): write ``<class> <id> <score>`` at each instance.

    Returns:
        BGR uint8 ``(H, W, 3)``.
    """
    drawn = frame.copy()
    scores = np.asarray(instances['scores'])
    ids, bboxes = np.asarray(instances['instances_id']), np.asarray(instances['bboxes'])
    order = [i for i in np.argsort(scores, kind='stable') if scores[i] >= score_thr]  # the surest on top
    for i in order:
        colour, mask = instance_colour(int(ids[i])), _bitmap(instances['masks'][i], frame.shape[:2])
        inside = mask.astype(bool)
        drawn[inside] = ((1 - alpha) * drawn[inside] + alpha * np.array(colour)).astype(np.uint8)
        if contour:
            outline, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(drawn, outline, -1, colour, contour, cv2.LINE_AA)
        if boxes:
            x1, y1, x2, y2 = (int(round(float(v))) for v in bboxes[i])
            cv2.rectangle(drawn, (x1, y1), (x2, y2), colour, 1)
    for i in order if labels else ():
        label = int(instances['labels'][i])
        name = classes[label] if classes is not None and label < len(classes) else f'class {label}'
        _write(drawn, f'{name} {int(ids[i])} {scores[i]:.2f}', bboxes[i][:2], instance_colour(int(ids[i])))
    return drawn


def _bitmap(mask: Any, shape: tuple[int, int]) -> np.ndarray:
    bitmap = rle.decode(mask) if isinstance(mask, dict) else np.asarray(mask).astype(np.uint8)
    if bitmap.shape != shape:
        raise ValueError(
            f'a mask of {bitmap.shape[1]}x{bitmap.shape[0]} for a frame of {shape[1]}x{shape[0]} (width x height).'
        )
    return np.ascontiguousarray(bitmap)


def _write(image: np.ndarray, text: str, corner: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Text on a plate of the colour, above the corner where there is room, inside the image in any case."""
    height, width = image.shape[:2]
    scale = float(np.clip(min(height, width) / 800, 0.3, 1.2))
    (w, h), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    x = int(np.clip(corner[0], 0, max(width - w - 2, 0)))
    y = int(np.clip(corner[1], h + base + 2, height - 1))
    cv2.rectangle(image, (x, y - h - base - 2), (x + w + 2, y), colour, -1)
    bright = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2] > 140
    cv2.putText(
        image, text, (x + 1, y - base), cv2.FONT_HERSHEY_SIMPLEX, scale, (0,) * 3 if bright else (255,) * 3, 1, cv2.LINE_AA
    )
