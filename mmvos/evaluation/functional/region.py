"""Region similarity J (Perazzi et al., CVPR 2016, section 4: the Jaccard index of two masks)."""

import numpy as np

from mmvos.structures import InputError


def jaccard(gt: np.ndarray, pred: np.ndarray, void: np.ndarray | None = None) -> float:
    """Intersection over union of two masks; 1 where both are empty.

    Args:
        gt (np.ndarray): bool or integer ``(H, W)``, non-zero inside the object.
        pred (np.ndarray): ``(H, W)``, likewise.
        void (np.ndarray | None): ``(H, W)``, non-zero where pixels do not count.

    Returns:
        float: in [0, 1].
    """
    gt, pred = counted_pixels(gt, pred, void)
    union = np.count_nonzero(gt | pred)
    return np.count_nonzero(gt & pred) / union if union else 1.0


def counted_pixels(gt: np.ndarray, pred: np.ndarray, void: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Two masks as bool ``(H, W)``, without the pixels that do not count.

    Args:
        gt, pred (np.ndarray): ``(H, W)``; what is not 0 is foreground.
        void (np.ndarray | None): ``(H, W)``; what is not 0 does not count.

    Raises:
        InputError: masks of two sizes.
    """
    gt, pred = np.asarray(gt, bool), np.asarray(pred, bool)
    if gt.shape != pred.shape:
        raise InputError(f'the annotation is {gt.shape}, the prediction {pred.shape}; expected masks of one size.')
    if void is not None:
        counted = ~np.asarray(void, bool)
        gt, pred = gt & counted, pred & counted
    return gt, pred
