"""Single frames of a synthetic clip that show little: then the frames before are needed."""

from collections.abc import Sequence

import cv2
import numpy as np

#: what can happen to a frame
KINDS = ('blur', 'dark', 'covered')


def disturb(
    rng: np.random.Generator, frames: Sequence[np.ndarray], label_maps: Sequence[np.ndarray], rate: float
) -> tuple[list[np.ndarray], dict[int, str]]:
    """A clip some of whose frames are blurred, almost dark, or have their objects covered.

    Never the first frame, and never two in a row: every disturbed frame follows a clear one. The annotation of a disturbed
    frame stays that of the clear one, so that an object behind a cover is still asked for.

    Args:
        rng (np.random.Generator): source of every random number.
        frames (Sequence[np.ndarray]): BGR uint8 ``(H, W, 3)``.
        label_maps (Sequence[np.ndarray]): uint8 ``(H, W)``, 0: no object.
        rate (float): probability from 0 to 1 that a frame after a clear one is disturbed.

    Returns:
        The frames, and ``{index of a disturbed frame: its kind}``.
    """
    result, kinds = list(frames), dict[int, str]()
    for t in range(1, len(frames)):
        if t - 1 in kinds or rng.random() >= rate:
            continue
        kinds[t] = KINDS[int(rng.integers(len(KINDS)))]
        if kinds[t] == 'blur':
            result[t] = cv2.GaussianBlur(frames[t], (0, 0), rng.uniform(0.03, 0.06) * len(frames[t]))
        elif kinds[t] == 'dark':
            dark = frames[t] * rng.uniform(0.03, 0.1) + rng.normal(0, 2, frames[t].shape)
            result[t] = np.clip(dark, 0, 255).round().astype(np.uint8)
        else:
            result[t] = _cover(rng, frames[t], label_maps[t])
    return result, kinds


def _cover(rng: np.random.Generator, frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Every object behind a plain upright bar of the frame's height that hides 60 to 100 % of its box's width."""
    covered = frame.copy()
    for number in np.unique(labels[labels > 0]):
        x, _, width, _ = cv2.boundingRect((labels == number).astype(np.uint8))
        bar = max(round(rng.uniform(0.6, 1.0) * width), 1)
        left = x + int(rng.integers(width - bar + 1))
        covered[:, left : left + bar] = rng.integers(40, 216, 3)
    return covered
