"""Symmetric best Dice and difference in count: how leaf segmentation (CVPPP) scores an image."""

from collections.abc import Sequence

import numpy as np

from mmvos.structures import InputError


def best_dice(masks: np.ndarray, others: np.ndarray) -> float:
    """Mean over ``masks`` of the largest Dice with one of ``others``.

    Args:
        masks (np.ndarray): bool ``(N, H, W)``.
        others (np.ndarray): bool ``(M, H, W)``.

    Returns:
        0..1; 0 if ``others`` is empty and ``masks`` is not, 1 if both are.
    """
    if not len(masks) or not len(others):
        return float(len(masks) == len(others))
    a = masks.reshape(len(masks), -1).astype(np.float64)
    b = others.reshape(len(others), -1).astype(np.float64)
    total = a.sum(1)[:, None] + b.sum(1)[None]
    dice = np.divide(2 * (a @ b.T), total, out=np.ones_like(total), where=total > 0)
    return float(dice.max(1).mean())


def symmetric_best_dice(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The smaller one of the best Dice in both directions (Scharr et al., 2014), in [0, 1].

    Args:
        predicted (np.ndarray): bool ``(N, H, W)``.
        truth (np.ndarray): bool ``(M, H, W)``.
    """
    return min(best_dice(predicted, truth), best_dice(truth, predicted))


def instance_sequence_summary(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means over images of ``SBD``, ``DiC`` (predicted minus true number) and its magnitude ``|DiC|``.

    Also ``SBD@n`` for images with n objects.

    Args:
        rows (Sequence[dict]): ``sbd``, ``predicted`` (number) and ``objects`` (number) of each image.

    Raises:
        InputError: no rows.
    """
    if not rows:
        raise InputError('no images to score.')
    difference = np.array([row['predicted'] - row['objects'] for row in rows], float)
    metrics = {
        'SBD': float(np.mean([row['sbd'] for row in rows])),
        'DiC': float(difference.mean()),
        '|DiC|': float(np.abs(difference).mean()),
    }
    for count in sorted({row['objects'] for row in rows}):
        metrics[f'SBD@{count}'] = float(np.mean([row['sbd'] for row in rows if row['objects'] == count]))
    return metrics
