"""Where synthetic clips get their objects and backgrounds: folders of pictures, or nothing but a random generator."""

import os
import os.path as osp
from collections import OrderedDict
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from typing import NamedTuple

import cv2
import numpy as np

from mmvos.registry import TASK_UTILS
from mmvos.videos.video import list_frames


class Cutout(NamedTuple):
    """An object: BGRA uint8 ``(h, w, 4)`` (alpha not premultiplied), its category, and where it came from."""

    image: np.ndarray
    category: str
    name: str


def noise_texture(rng: np.random.Generator, height: int, width: int, detail: int = 5) -> np.ndarray:
    """Cloudy texture in a few random colours, BGR uint8 ``(height, width, 3)``; ``detail`` octaves of smooth noise."""
    field = np.zeros((height, width), np.float32)
    cells = 2
    for octave in range(detail):
        grid = rng.random((cells + 1, cells + 1), np.float32)
        field += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 1.6**octave
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


def _star(rng) -> list:
    inner = rng.uniform(0.4, 0.55)
    theta = -np.pi / 2 + np.pi * np.arange(10) / 5
    return [np.stack([np.cos(theta), np.sin(theta)], -1) * np.where(np.arange(10) % 2, inner, 1)[:, None]]


def _cross(rng) -> list:
    a = rng.uniform(0.28, 0.4)
    return [
        np.array([[-a, -1], [a, -1], [a, -a], [1, -a], [1, a], [a, a], [a, 1], [-a, 1], [-a, a], [-1, a], [-1, -a], [-a, -a]])
    ]


def _crescent(rng) -> list:
    theta = np.linspace(-0.75 * np.pi, 0.75 * np.pi, 60)
    outer = np.stack([np.cos(theta), np.sin(theta)], -1)
    inner = outer[::-1] * [0.75, 0.7] - [0.3, 0]
    return [np.concatenate([outer, inner])]


def _blob(rng) -> list:
    amplitude, phase = rng.uniform(0, 0.16, 4), rng.uniform(0, 2 * np.pi, 4)
    outline = _radial(lambda t: 1 + sum(a * np.sin((k + 2) * t + p) for k, (a, p) in enumerate(zip(amplitude, phase))))
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
        classes: names of shapes to draw (default: all).
        size: side of a cut-out in pixels.
    """

    def __init__(self, classes: Sequence[str] | None = None, size: int = 160) -> None:
        unknown = set(classes or ()) - set(SHAPES)
        if unknown:
            raise ValueError(f'no procedural shape {sorted(unknown)[0]!r}; there are {", ".join(SHAPES)}.')
        self.classes, self.size = list(classes or SHAPES), size

    def sample(self, rng: np.random.Generator) -> Cutout:
        """A random object."""
        category = self.classes[rng.integers(len(self.classes))]
        size = self.size
        alpha = np.zeros((size, size), np.uint8)
        outlines = SHAPES[category](rng)
        for outline, value in zip(outlines, (255, 0)):
            points = (outline * (0.48 * size) + 0.5 * size) * 16  # 4 fractional bits
            cv2.fillPoly(alpha, [np.rint(points).astype(np.int32)], value, cv2.LINE_AA, shift=4)
        return Cutout(np.dstack([pattern_texture(rng, size, size), alpha]), category, category)


@TASK_UTILS.register_module()
class ProceduralBackgrounds:
    """Cloudy or patterned textures."""

    def sample(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A background BGR uint8 ``(height, width, 3)``."""
        draw = noise_texture if rng.random() < 0.6 else pattern_texture
        return draw(rng, height, width)


class _ImageCache:
    """The most recently used decoded images, up to a number of bytes (per process)."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size, self.images = limit, 0, OrderedDict()

    def get(self, path: str, read: Callable[[str], np.ndarray]) -> np.ndarray:
        if path in self.images:
            self.images.move_to_end(path)
            return self.images[path]
        image = read(path)
        self.images[path] = image
        self.size += image.nbytes
        while self.size > self.limit and len(self.images) > 1:
            self.size -= self.images.popitem(last=False)[1].nbytes
        return image


def _listed_images(root: str, split: str | None) -> list[str]:
    """Pictures under a folder, sorted; or those that ``<root>/<split>.txt`` lists."""
    if not osp.isdir(root):
        raise FileNotFoundError(
            f'{root}: folder not found. Make it with tools/dataset_converters/prepare_synthvos.py, '
            'or give a folder of your own pictures.'
        )
    if split is None:
        paths = [p for folder, _, _ in sorted(os.walk(root)) for p in list_frames(folder)]
    else:
        list_file = osp.join(root, f'{split}.txt')
        if not osp.isfile(list_file):
            raise FileNotFoundError(f'{list_file}: split list not found. Expected one picture per line, relative to {root}.')
        with open(list_file) as file:
            paths = [osp.join(root, line.strip()) for line in file if line.strip()]
    if not paths:
        raise ValueError(f'{root}: no pictures found.')
    return paths


def _shrink(image: np.ndarray, max_side: int) -> np.ndarray:
    scale = max_side / max(image.shape[:2])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def read_cutout(path: str, max_side: int = 512) -> np.ndarray:
    """An RGBA picture as BGRA uint8, cropped to its visible part.

    Raises:
        ValueError: it cannot be decoded, has no alpha channel, or is fully transparent; naming the file.
    """
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if image is None:
        if not osp.isfile(path):
            raise FileNotFoundError(f'{path}: picture not found.')
        raise ValueError(f'{path}: cannot be decoded as an image.')
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim != 3 or image.shape[2] != 4:
        raise ValueError(f'{path}: no alpha channel. Expected an RGBA cut-out of an object.')
    rows, columns = np.flatnonzero(image[..., 3].max(1) > 127), np.flatnonzero(image[..., 3].max(0) > 127)
    if not len(rows):
        raise ValueError(f'{path}: fully transparent. Expected an RGBA cut-out of an object.')
    image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _shrink(np.ascontiguousarray(image), max_side)


@TASK_UTILS.register_module()
class FolderObjects:
    """RGBA cut-outs of a folder; the category is the first folder below the root (``''`` has the name ``object``).

    Args:
        root: the folder.
        split: name of a list ``<root>/<split>.txt``; None: every picture below the root.
        classes: use only these categories.
        cache_mb: decoded pictures are kept up to this size, per process.
    """

    def __init__(self, root: str, split: str | None = None, classes: Sequence[str] | None = None, cache_mb: int = 96) -> None:
        self.root = root
        items = [(p, self._category(p)) for p in _listed_images(root, split)]
        self.items = [(p, c) for p, c in items if classes is None or c in classes]
        if not self.items:
            raise ValueError(f'{root}: no pictures of the categories {list(classes)}.')
        self.classes = sorted({c for _, c in self.items}) if classes is None else list(classes)
        #: ``{name of a cut-out: its number}``
        self.numbers = {path: number for number, (path, _) in enumerate(self.items)}
        self.cache = _ImageCache(cache_mb << 20)

    def _category(self, path: str) -> str:
        parts = osp.relpath(path, self.root).split(os.sep)
        return parts[0] if len(parts) > 1 else 'object'

    def sample(self, rng: np.random.Generator) -> Cutout:
        """A random object."""
        path, category = self.items[rng.integers(len(self.items))]
        return Cutout(self.cache.get(path, read_cutout), category, path)


@TASK_UTILS.register_module()
class GroupedObjects(FolderObjects):
    """RGBA cut-outs of a folder in categories of one's own choice. Every category is drawn equally often, however many
    pictures it has.

    Args:
        root: the folder.
        split: name of a list ``<root>/<split>.txt``; None: every picture below the root.
        groups: ``{category: patterns}``; a pattern (as of :mod:`fnmatch`) is matched with the path below the root. The
            first category that matches takes the picture; pictures that no category takes are not used.
        others: patterns of pictures that are drawn without belonging to a category (``'other'``, which is not among
            ``classes``): things that are to be told apart from the objects.
        other_prob: share of the draws that go to ``others``.
        cache_mb: decoded pictures are kept up to this size, per process.
    """

    OTHER = 'other'

    def __init__(
        self,
        root: str,
        split: str | None = None,
        groups: dict[str, Sequence[str]] | None = None,
        others: Sequence[str] = (),
        other_prob: float = 0.0,
        cache_mb: int = 96,
    ) -> None:
        self.groups = dict(groups or {}, **{self.OTHER: others})
        self.other_prob = other_prob
        super().__init__(root, split, list(self.groups), cache_mb)
        self.classes = list(groups or {})
        self.members = {name: [path for path, category in self.items if category == name] for name in self.groups}
        empty = [name for name, paths in self.members.items() if not paths and (name != self.OTHER or other_prob)]
        if empty:
            raise ValueError(
                f'{root}: no pictures of the category {empty[0]!r} ({", ".join(self.groups[empty[0]])}) '
                f'in {split or "the folder"}.'
            )

    def _category(self, path: str) -> str:
        name = osp.relpath(path, self.root).replace(os.sep, '/')
        taken = [group for group, patterns in self.groups.items() if any(fnmatch(name, p) for p in patterns)]
        return taken[0] if taken else ''

    def sample(self, rng: np.random.Generator) -> Cutout:
        """A random object."""
        other = rng.random() < self.other_prob
        category = self.OTHER if other else self.classes[rng.integers(len(self.classes))]
        paths = self.members[category]
        path = paths[rng.integers(len(paths))]
        return Cutout(self.cache.get(path, read_cutout), category, path)


@TASK_UTILS.register_module()
class FolderBackgrounds:
    """Random parts of the photographs of a folder.

    Args:
        root: the folder.
        split: name of a list ``<root>/<split>.txt``; None: every picture below the root.
        min_crop: the smallest part that is taken, as a share of the largest that fits.
        cache_mb: decoded pictures are kept up to this size, per process.
        leave_out: patterns of file names that are not used.
    """

    def __init__(
        self, root: str, split: str | None = None, min_crop: float = 0.4, cache_mb: int = 96, leave_out: Sequence[str] = ()
    ) -> None:
        self.paths = [
            path
            for path in _listed_images(root, split)
            if not any(fnmatch(osp.basename(path), pattern) for pattern in leave_out)
        ]
        if not self.paths:
            raise ValueError(f'{root}: every picture is left out ({", ".join(leave_out)}).')
        self.min_crop = min_crop
        self.cache = _ImageCache(cache_mb << 20)

    @staticmethod
    def _read(path: str) -> np.ndarray:
        image = cv2.imread(path, cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f'{path}: cannot be decoded as an image.')
        return _shrink(image, 1280)

    def sample(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A background BGR uint8 ``(height, width, 3)``."""
        image = self.cache.get(self.paths[rng.integers(len(self.paths))], self._read)
        return random_crop(rng, image, (height, width), self.min_crop)


def random_crop(rng: np.random.Generator, image: np.ndarray, size: tuple[int, int], min_crop: float) -> np.ndarray:
    """A random part of an image, of the aspect ratio of ``size`` ``(h, w)``, resized to it, mirrored half of the
    time."""
    height, width = size
    share = rng.uniform(min_crop, 1) * min(image.shape[0] / height, image.shape[1] / width)
    h, w = max(2, round(height * share)), max(2, round(width * share))
    y, x = rng.integers(image.shape[0] - h + 1), rng.integers(image.shape[1] - w + 1)
    part = image[y : y + h, x : x + w]
    part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if share > 1 else cv2.INTER_LINEAR)
    return part[:, ::-1] if rng.random() < 0.5 else part
