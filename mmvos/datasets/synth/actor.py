"""One object of a synthetic clip: its picture, its motion, and how it lies in a frame."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from .geometry import apply, lattice, upsample
from .turn import Turn


@dataclass(frozen=True)
class Waves:
    """The non-rigid part of a motion: e_t(v) = sum of ``amplitude * sin(v . k + phase + rate t)`` over W waves."""

    amplitude: np.ndarray  # (W, 2)
    k: np.ndarray  # (W, 2)
    phase: np.ndarray  # (W,)
    rate: np.ndarray  # (W,)

    @classmethod
    def draw(cls, rng: np.random.Generator, size: float, amount: float, count: int = 3) -> 'Waves':
        """Slow random waves.

        Args:
            rng (np.random.Generator): source of all random numbers.
            size (float): longer side of what is bent, in pixels.
            amount (float): largest amplitude as a share of it.
            count (int): number W of waves.
        """
        amplitude = rng.uniform(-1, 1, (count, 2)) * rng.uniform(0, amount) * size / np.sqrt(count)
        angle, cycles = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.4, 1.1, count)
        k = np.stack([np.cos(angle), np.sin(angle)], -1) * (2 * np.pi * cycles / size)[:, None]
        phase, rate = rng.uniform(0, 2 * np.pi, count), rng.uniform(-0.6, 0.6, count)
        return cls(amplitude.astype(np.float32), k.astype(np.float32), phase, rate)

    def __call__(self, v: np.ndarray, t: float) -> np.ndarray:
        """Displacement ``(..., 2)`` at ``v`` ``(..., 2)``."""
        return np.sin(v @ self.k.T + (self.phase + self.rate * t)).astype(np.float32) @ self.amplitude

    def invert(self, u: np.ndarray, t: float) -> np.ndarray:
        """v with v + e_t(v) = u, by fixed-point iteration (the waves are a contraction)."""
        v = u
        for _ in range(6):
            v = u - self(v, t)
        return v


class Shadow(NamedTuple):
    """What an object throws on what lies behind it: ``darkness`` in [0, 1], ``offset`` ``(2,)`` in pixels."""

    darkness: float
    offset: np.ndarray


class Patch(NamedTuple):
    """An object as it lies in a frame.

    Attributes:
        x, y (int): top left corner in the frame.
        image (np.ndarray): uint8 ``(h, w, 4)``, BGR premultiplied by alpha.
        points (np.ndarray): lattice of positions in the frame, ``(rows, columns, 2)``.
        sources (np.ndarray): the coordinates of the cut-out that are seen there, ``(rows, columns, 2)``.
    """

    x: int
    y: int
    image: np.ndarray
    points: np.ndarray
    sources: np.ndarray

    @property
    def opaque(self) -> np.ndarray:
        """Pixels that the object owns in the label map, bool ``(h, w)``."""
        return self.image[..., 3] > 127

    def of(self, frame: np.ndarray) -> np.ndarray:
        """The part of a frame ``(H, W, ...)`` that lies below the patch, as a view."""
        return frame[self.y : self.y + self.image.shape[0], self.x : self.x + self.image.shape[1]]


@dataclass(frozen=True)
class Actor:
    """One object of a clip of T frames.

    Attributes:
        object_id (int): its value in the label maps.
        category, name (str): category and name of its cut-out.
        image (np.ndarray): uint8 ``(h, w, 4)``, BGR premultiplied by alpha.
        motion (np.ndarray): ``(T, 3, 3)``, centred coordinates of the cut-out -> frame.
        waves (Waves): the non-rigid part.
        gain (np.ndarray): ``(T, 3)``, brightness of the channels.
        late (bool): it enters after the first frame.
        shadows (tuple): none or one :class:`Shadow`.
        hard_edge (bool): pasted, not blended by its alpha.
        turn (Turn | None): how it turns about an upright axis, if it does.
    """

    object_id: int
    category: str
    name: str
    image: np.ndarray
    motion: np.ndarray
    waves: Waves
    gain: np.ndarray
    late: bool
    shadows: tuple[Shadow, ...]
    hard_edge: bool
    turn: Turn | None = None

    def patches(self, t: int, size: tuple[int, int]) -> list[Patch]:
        """The object in frame t of ``size`` ``(H, W)``: one patch, none if it is outside."""
        height, width = size
        h, w = self.image.shape[:2]
        reach = np.abs(self.waves.amplitude).sum(0)
        half = np.array([w, h]) / 2 + reach
        matrix = self.motion[t]
        corners = apply(matrix, np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half)
        x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, (width, height))
        if x1 - x0 < 1 or y1 - y0 < 1:
            return []
        points = lattice(x0, y0, x1, y1)
        v = apply(np.linalg.inv(matrix).astype(np.float32), points)
        sources = v + self.waves(v, t)
        middle = np.array([w / 2 - 0.5, h / 2 - 0.5], np.float32)
        dense = upsample(sources + middle, x1 - x0, y1 - y0)
        image = cv2.remap(self.image, dense, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        if self.turn is not None:
            image = self.turn.coloured(image, dense - middle, t)
        return [Patch(int(x0), int(y0), image, points, sources)]

    def velocity(self, t: int) -> np.ndarray:
        """Pixels that the centre moved since the frame before, ``(2,)``."""
        return (self.motion[t] - self.motion[max(t - 1, 0)])[:2, 2]

    def flow(self, patch: Patch, t: int) -> np.ndarray:
        """Backward flow of the patch's pixels, float32 ``(h, w, 2)``; t >= 1."""
        sources = patch.sources
        if self.turn is not None:
            sources = self.turn.before(sources, self.turn.angles[t] - self.turn.angles[t - 1])[0]
        v = self.waves.invert(sources, t - 1)
        moved = apply(self.motion[t - 1], v) - patch.points
        return upsample(moved.astype(np.float32), patch.image.shape[1], patch.image.shape[0])
