"""What is reported of a sequence of per-frame values (Perazzi et al., CVPR 2016, section 5.1)."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mmvos.structures import InputError


class Statistics(NamedTuple):
    """``mean``; ``recall``: share of frames above 0.5; ``decay``: mean of the first minus mean of the last quarter."""

    mean: float
    recall: float
    decay: float


def nan_mean(values: ArrayLike) -> float:
    """Mean of the values that are not NaN (NaN where there is none)."""
    values = np.asarray(values, np.float64)
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if counted.size else float('nan')


def statistics(values: ArrayLike) -> Statistics:
    """Mean, recall and decay of the per-frame values of one object.

    NaN is left out of mean and decay, and counts as not recalled. The quarters are rounded half up and share their end
    frames, as in the official evaluators; unlike there, their limits do not wrap beyond 255 frames.

    Args:
        values (ArrayLike): ``(frames,)``.

    Raises:
        InputError: no values, or an array of another shape.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise InputError(f'expected the values of at least one frame, got an array of shape {values.shape}.')
    limits = np.floor(np.linspace(1, len(values), 5) + 0.5 + 1e-10).astype(np.int64) - 1
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # a quarter of NaN only
        mean = float(np.nanmean(values))
        first, last = (float(np.nanmean(values[limits[i] : limits[i + 1] + 1])) for i in (0, 3))
        recall = float(np.mean(values > 0.5))
    return Statistics(mean, recall, first - last)
