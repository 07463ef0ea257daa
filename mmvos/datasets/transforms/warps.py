"""Maps that bend images, and curves that change their light: parts of transforms that make new views of an image."""

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from mmvos.structures import tight_box


def identity_map(shape: tuple[int, int]) -> np.ndarray:
    """Where each pixel (x, y) lies: float32 ``(H, W, 2)``."""
    return np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape[::-1])), axis=-1)


def affine_map(shape: tuple[int, int], matrix: np.ndarray) -> np.ndarray:
    """``(H, W, 2)``: where each new pixel (x, y) comes from under an affine map (2, 3)."""
    return (identity_map(shape) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def spline_displacement(mask: np.ndarray, amount: float, rng: np.random.Generator, points: int = 5) -> np.ndarray:
    """A thin-plate spline through a few shifted points of a mask's contour.

    The points are spread along the contour: points that nearly coincide but move apart would fold the object.

    Args:
        mask (np.ndarray): bool ``(H, W)``, not empty.
        amount (float): largest shift, as a share of the mask's box.
        rng (np.random.Generator): source of the shifts.
        points (int): number of control points.

    Returns:
        np.ndarray: displacement in pixels, float32 ``(H, W, 2)``; zero for a contour that is too short.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=len)[:, 0].astype(np.float64)
    if len(contour) < 2 * points:
        return np.zeros((*mask.shape, 2), np.float32)
    x1, y1, x2, y2 = tight_box(mask)
    share = (np.arange(points) + rng.uniform(-0.25, 0.25, points) + rng.uniform(0, points)) / points % 1
    control = contour[(share * len(contour)).astype(int)]
    shift = rng.uniform(-amount, amount, (points, 2)) * (x2 - x1, y2 - y1)
    # beyond the object the bend fades: anchors around its box stay where they are
    pad_x, pad_y = (x2 - x1), (y2 - y1)
    anchors = np.array([(x, y) for x in (x1 - pad_x, x2 + pad_x) for y in (y1 - pad_y, y2 + pad_y)], np.float64)
    spline = RBFInterpolator(
        np.vstack([control, anchors]), np.vstack([shift, np.zeros((4, 2))]), kernel='thin_plate_spline', smoothing=1e-3
    )
    step = 8
    height, width = mask.shape
    xs, ys = (np.linspace(0, side - 1, -(-side // step) + 1) for side in (width, height))
    coarse = spline(np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)).reshape(len(ys), len(xs), 2).astype(np.float32)
    to_coarse = identity_map(mask.shape) * np.array(
        [(len(xs) - 1) / max(width - 1, 1), (len(ys) - 1) / max(height - 1, 1)], np.float32
    )
    return cv2.remap(coarse, to_coarse, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def light_curve(rng: np.random.Generator) -> np.ndarray:
    """Look-up tables of saturation and value, uint8 ``(2, 256)``: c' = a c^p + b."""
    c = np.arange(256) / 255
    curves = [rng.uniform(0.97, 1.03) * c ** rng.uniform(0.8, 1.2) + rng.uniform(-0.05, 0.05) for _ in range(2)]
    return np.clip(np.rint(255 * np.stack(curves)), 0, 255).astype(np.uint8)


def relight(image: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """A BGR uint8 image ``(H, W, 3)`` with its saturation and value changed by a :func:`light_curve`."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 1], hsv[..., 2] = curves[0][hsv[..., 1]], curves[1][hsv[..., 2]]
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
