"""Motion over time, and maps between coarse lattices and pixels."""

import cv2
import numpy as np

LATTICE = 8  # pixels between lattice points


def fold(x: np.ndarray, limit: float) -> np.ndarray:
    """Triangle wave: x itself near 0, turned back at -limit and limit."""
    return np.abs((x + 3 * limit) % (4 * limit) - 2 * limit) - limit if limit > 0 else np.zeros_like(x)


def bounce(x: np.ndarray, length: float) -> np.ndarray:
    """Positions kept between 5 % and 95 % of a side: an object that gets there turns back.

    Args:
        x (np.ndarray): positions in pixels, of any shape.
        length (float): length of the side in pixels.
    """
    return fold(x - length / 2, 0.45 * length) + length / 2


def wobble(rng: np.random.Generator, num_frames: int, channels: int) -> np.ndarray:
    """Smooth noise float64 ``(T, channels)`` within [-1, 1]: three slow waves.

    Args:
        rng (np.random.Generator): source of the random rates and phases.
        num_frames (int): length T.
        channels (int): number of independent curves.
    """
    t = np.arange(num_frames)[:, None, None]
    rate, phase = rng.uniform(0.1, 0.8, (channels, 3)), rng.uniform(0, 2 * np.pi, (channels, 3))
    return np.sin(rate * t + phase).mean(-1)


def similarity(centre: np.ndarray, angle: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Rotation and scaling of centred coordinates, then a shift to ``centre``.

    Args:
        centre (np.ndarray): where the origin goes, ``(T, 2)``.
        angle (np.ndarray): radians, ``(T,)``.
        factor (np.ndarray): scale, ``(T,)``.

    Returns:
        np.ndarray: float32 matrices ``(T, 3, 3)``.
    """
    matrices = np.zeros((len(angle), 3, 3), np.float32)
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angle) * factor
    matrices[:, 1, 0] = np.sin(angle) * factor
    matrices[:, 0, 1] = -matrices[:, 1, 0]
    matrices[:, :2, 2] = centre
    matrices[:, 2, 2] = 1
    return matrices


def about(centre: np.ndarray, shift: np.ndarray, angle: np.ndarray, zoom: np.ndarray) -> np.ndarray:
    """Rotation and zoom about ``centre`` ``(2,)``, then a shift ``(T, 2)``: matrices ``(T, 3, 3)``."""
    matrices = similarity(np.zeros(2), angle, zoom)
    matrices[:, :2, 2] = centre + shift - matrices[:, :2, :2] @ centre
    return matrices


def translation(offset: np.ndarray) -> np.ndarray:
    """The matrix ``(3, 3)`` of a shift by ``offset`` ``(2,)``."""
    matrix = np.eye(3, dtype=np.float32)
    matrix[:2, 2] = offset
    return matrix


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points ``(..., 2)`` under an affine matrix ``(3, 3)``."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def lattice(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """Points (x, y) float32 ``(rows, columns, 2)`` every ``LATTICE`` pixels, one beyond the rectangle on every side.

    Args:
        x0, y0, x1, y1 (int): first and last column and row of the rectangle in pixels, the last ones excluded.
    """
    columns, rows = -(-(x1 - x0) // LATTICE) + 2, -(-(y1 - y0) // LATTICE) + 2
    x = (np.arange(columns, dtype=np.float32) - 0.5) * LATTICE + np.float32(x0 - 0.5)
    y = (np.arange(rows, dtype=np.float32) - 0.5) * LATTICE + np.float32(y0 - 0.5)
    return np.stack(np.broadcast_arrays(x[None], y[:, None]), -1)


def upsample(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Values at every pixel of a rectangle, bilinear from those of its :func:`lattice`.

    Args:
        values (np.ndarray): float32 ``(rows, columns, ...)``, one for each point of the lattice.
        width, height (int): size of the rectangle in pixels.
    """
    rows, columns = values.shape[:2]
    dense = cv2.resize(values, (columns * LATTICE, rows * LATTICE), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(dense[LATTICE : LATTICE + height, LATTICE : LATTICE + width])
