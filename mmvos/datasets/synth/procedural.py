"""Objects and backgrounds that need no files: textured shapes, cloudy or patterned pictures."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError

from .cutout import Cutout


def noise_texture(rng: np.random.Generator, height: int, width: int, detail: int = 5) -> np.ndarray:
    """Cloudy texture in a few random colours, BGR uint8 ``(height, width, 3)``; ``detail`` octaves of smooth noise."""
    field = np.zeros((height, width), np.float32)
    cells = 2
    for octave in range(detail):
        grid = rng.random((cells + 1, cells + 1), np.float32)
        smooth: np.ndarray = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        field += smooth / 1.6**octave
        cells *= 2
    field -= field.min()
    field *= 255 / max(float(field.max()), 1e-6)
    return _colour_table(rng)[field.astype(np.uint8)]


def _colour_table(rng: np.random.Generator, colours: int = 4) -> np.ndarray:
    """uint8 ``(256, 3)``: a smooth path through random colours."""
    stops = np.linspace(0, 255, colours)
    path = rng.integers(0, 256, (colours, 3))
    return np.stack([np.interp(np.arange(256), stops, path[:, c]) for c in range(3)], -1).astype(np.uint8)


def pattern_texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise crossed with stripes, checks or spots in two tones, BGR uint8 ``(height, width, 3)``."""
    texture = noise_texture(rng, height, width).astype(np.float32)
    kind = rng.integers(4)
    if kind:
        y, x = np.mgrid[:height, :width].astype(np.float32) / max(height, width)
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(4, 10) * 2 * np.pi
        u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        wave = np.sin(frequency * u)
        if kind == 2:
            wave *= np.sin(frequency * v)
        elif kind == 3:
            wave = np.minimum(wave, np.sin(frequency * v))
        texture += np.where(wave > 0, 1.0, -1.0)[..., None] * rng.uniform(-70, 70, 3)
    return np.clip(texture, 0, 255).astype(np.uint8)


def _radial(radius: Callable[[np.ndarray], np.ndarray], points: int = 180) -> np.ndarray:
    theta = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([np.cos(theta), np.sin(theta)], -1) * radius(theta)[:, None]


def _polygon(corners: int, phase: float = -np.pi / 2) -> np.ndarray:
    theta = phase + 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(theta), np.sin(theta)], -1)


def _star(rng: np.random.Generator) -> list:
    inner = rng.uniform(0.4, 0.55)
    theta = -np.pi / 2 + np.pi * np.arange(10) / 5
    return [np.stack([np.cos(theta), np.sin(theta)], -1) * np.where(np.arange(10) % 2, inner, 1)[:, None]]


def _cross(rng: np.random.Generator) -> list:
    a = rng.uniform(0.28, 0.4)
    return [
        np.array([[-a, -1], [a, -1], [a, -a], [1, -a], [1, a], [a, a], [a, 1], [-a, 1], [-a, a], [-1, a], [-1, -a], [-a, -a]])
    ]


def _crescent(_: np.random.Generator) -> list:
    theta = np.linspace(-0.75 * np.pi, 0.75 * np.pi, 60)
    outer = np.stack([np.cos(theta), np.sin(theta)], -1)
    inner = outer[::-1] * [0.75, 0.7] - [0.3, 0]
    return [np.concatenate([outer, inner])]


def _blob(rng: np.random.Generator) -> list:
    amplitude, phase = rng.uniform(0, 0.16, 4), rng.uniform(0, 2 * np.pi, 4)
    outline = _radial(
        lambda t: 1 + sum(a * np.sin((k + 2) * t + p) for k, (a, p) in enumerate(zip(amplitude, phase, strict=True)))
    )
    return [outline / np.abs(outline).max()]


#: shape classes of the procedural objects: rng -> outlines in [-1, 1]^2, the second one a hole
SHAPES = dict(
    ball=lambda rng: [_radial(np.ones_like) * [1, rng.uniform(0.75, 1)]],
    box=lambda rng: [_polygon(4, np.pi / 4) * [1, rng.uniform(0.5, 1)] * 1.4],
    triangle=lambda rng: [_polygon(3) * [1, rng.uniform(0.8, 1.1)]],
    star=_star,
    cross=_cross,
    crescent=_crescent,
    ring=lambda rng: [_radial(np.ones_like), _radial(np.ones_like) * rng.uniform(0.4, 0.6)],
    blob=_blob,
)


@TASK_UTILS.register_module()
class ProceduralObjects:
    """Textured shapes that a random generator draws; the category is the shape.

    Args:
        classes (Sequence[str] | None): names of shapes to draw (default: all).
        size (int): side of a cut-out in pixels.

    Raises:
        InputError: a shape that there is not.
    """

    def __init__(self, classes: Sequence[str] | None = None, size: int = 160) -> None:
        unknown = set(classes or ()) - set(SHAPES)
        if unknown:
            raise InputError(f'no procedural shape {sorted(unknown)[0]!r}; there are {", ".join(SHAPES)}.')
        self.classes: Sequence[str] = list(classes or SHAPES)
        self.size = size
        self.numbers: Mapping[str, int] = {}

    def sample(self, rng: np.random.Generator) -> Cutout:
        """A random object."""
        category = self.classes[int(rng.integers(len(self.classes)))]
        size = self.size
        alpha = np.zeros((size, size), np.uint8)
        outlines = SHAPES[category](rng)
        for outline, value in zip(outlines, (255, 0), strict=False):  # most shapes have no hole
            points = (outline * (0.48 * size) + 0.5 * size) * 16  # 4 fractional bits
            cv2.fillPoly(alpha, [np.rint(points).astype(np.int32)], value, cv2.LINE_AA, shift=4)
        return Cutout(np.dstack([pattern_texture(rng, size, size), alpha]), category, category)


@TASK_UTILS.register_module()
class ProceduralBackgrounds:
    """Cloudy or patterned textures."""

    def sample(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A random background: BGR uint8 ``(height, width, 3)``.

        Args:
            rng (np.random.Generator): source of the choice.
            height (int): height in pixels.
            width (int): width in pixels.
        """
        draw = noise_texture if rng.random() < 0.6 else pattern_texture
        return draw(rng, height, width)
