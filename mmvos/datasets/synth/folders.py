"""Objects and backgrounds from folders of pictures."""

import os
import os.path as osp
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch

import cv2
import numpy as np

from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError, folder_names, is_file, is_folder, join_path, read_lines
from mmvos.videos import list_images, read_image
from mmvos.videos.storage import stored

from .cutout import Cutout


class ImageCache:
    """The most recently used decoded images, per process.

    Args:
        limit (int): most bytes that are kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self.images: OrderedDict[str, np.ndarray] = OrderedDict()

    def get(self, path: str, read: Callable[[str], np.ndarray]) -> np.ndarray:
        """The image of a path, decoded by ``read`` where it is not kept."""
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
    if not is_folder(root):
        raise FileNotFoundError(
            f'{root}: folder not found. Make it with tools/dataset_converters/prepare_synthvos.py, '
            'or give a folder of your own pictures.'
        )
    if is_file(join_path(root, '.unfinished')):
        raise InputError(f'{root}: this folder was not finished; run tools/dataset_converters/prepare_synthvos.py again.')
    if split is None:
        paths = [p for folder in sorted(_folders_below(root)) for p in list_images(folder)]
    else:
        lines = read_lines(join_path(root, f'{split}.txt'), f'a split list: one picture per line, relative to {root}')
        paths = [join_path(root, line) for line in lines]
    if not paths:
        raise InputError(f'{root}: no pictures found.')
    return paths


def _folders_below(root: str) -> Iterator[str]:
    yield root
    for name in folder_names(root):
        yield from _folders_below(join_path(root, name))


def shrunk(image: np.ndarray, max_side: int) -> np.ndarray:
    """The image, uint8 ``(H, W, C)``, made smaller where its longer side has more than ``max_side`` pixels."""
    scale = max_side / max(image.shape[:2])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def read_cutout(path: str, max_side: int = 512) -> np.ndarray:
    """An RGBA picture as BGRA uint8 ``(h, w, 4)``, cropped to its visible part.

    Args:
        path (str): the file.
        max_side (int): a longer side is shrunk to so many pixels.

    Raises:
        InputError: it cannot be decoded, has no alpha channel, or is fully transparent; naming the file.
    """
    image = read_image(path, cv2.IMREAD_UNCHANGED, 'a cut-out')
    if image.dtype == np.uint16:
        image = np.right_shift(image, 8).astype(np.uint8)
    if image.ndim != 3 or image.shape[2] != 4:
        raise InputError(f'{path}: no alpha channel. Expected an RGBA cut-out of an object.')
    rows, columns = np.flatnonzero(image[..., 3].max(1) > 127), np.flatnonzero(image[..., 3].max(0) > 127)
    if not len(rows):
        raise InputError(f'{path}: fully transparent. Expected an RGBA cut-out of an object.')
    image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return shrunk(np.ascontiguousarray(image), max_side)


@TASK_UTILS.register_module()
class FolderObjects:
    """RGBA cut-outs of a folder; the category is the first folder below the root (``''`` has the name ``object``).

    Args:
        root (str): the folder.
        split (str | None): name of a list ``<root>/<split>.txt``; None: every picture below the root.
        classes (Sequence[str] | None): use only these categories.
        cache_mb (int): decoded pictures are kept up to this size, per process.
        backend_args (dict | None): storage, as for :class:`~mmvos.datasets.BaseVOSDataset`.

    Raises:
        InputError: no picture of these categories.
    """

    def __init__(
        self,
        root: str,
        split: str | None = None,
        classes: Sequence[str] | None = None,
        cache_mb: int = 96,
        backend_args: dict | None = None,
    ) -> None:
        self.root = root = stored(root, backend_args)
        items = [(p, self._category(p)) for p in _listed_images(root, split)]
        self.items = [(p, c) for p, c in items if classes is None or c in classes]
        if not self.items:
            raise InputError(f'{root}: no pictures of the categories {list(classes or ())}.')
        self.classes = sorted({c for _, c in self.items}) if classes is None else list(classes)
        #: ``{name of a cut-out: its number}``
        self.numbers = {path: number for number, (path, _) in enumerate(self.items)}
        self.cache = ImageCache(cache_mb << 20)

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
        root (str): the folder.
        split (str | None): name of a list ``<root>/<split>.txt``; None: every picture below the root.
        groups (dict[str, Sequence[str]] | None): ``{category: patterns}``; a pattern (as in :mod:`fnmatch`) is matched with the
            path below the root. The first category that matches takes the picture; pictures that no category takes are not
            used.
        others (Sequence[str]): patterns of pictures that are drawn without belonging to a category (``'other'``, which is not
            among ``classes``): things that the objects are to be distinguished from.
        other_prob (float): share of the draws that go to ``others``.
        cache_mb (int): decoded pictures are kept up to this size, per process.
        backend_args (dict | None): storage, as for :class:`~mmvos.datasets.BaseVOSDataset`.

    Raises:
        InputError: a category without a picture.
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
        backend_args: dict | None = None,
    ) -> None:
        self.groups = dict(groups or {}, **{self.OTHER: others})
        self.other_prob = other_prob
        super().__init__(root, split, list(self.groups), cache_mb, backend_args)
        self.classes = list(groups or {})
        self.members = {name: [path for path, category in self.items if category == name] for name in self.groups}
        empty = [name for name, paths in self.members.items() if not paths and (name != self.OTHER or other_prob)]
        if empty:
            raise InputError(
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
        root (str): the folder.
        split (str | None): name of a list ``<root>/<split>.txt``; None: every picture below the root.
        min_crop (float): the smallest part that is taken, as a share of the largest that fits.
        cache_mb (int): decoded pictures are kept up to this size, per process.
        backend_args (dict | None): storage, as for :class:`~mmvos.datasets.BaseVOSDataset`.
        leave_out (Sequence[str]): patterns of file names that are not used.

    Raises:
        InputError: no picture is left.
    """

    def __init__(
        self,
        root: str,
        split: str | None = None,
        min_crop: float = 0.4,
        cache_mb: int = 96,
        leave_out: Sequence[str] = (),
        backend_args: dict | None = None,
    ) -> None:
        self.paths = [
            path
            for path in _listed_images(stored(root, backend_args), split)
            if not any(fnmatch(osp.basename(path), pattern) for pattern in leave_out)
        ]
        if not self.paths:
            raise InputError(f'{root}: every picture is left out ({", ".join(leave_out)}).')
        self.min_crop = min_crop
        self.cache = ImageCache(cache_mb << 20)

    @staticmethod
    def _read(path: str) -> np.ndarray:
        return shrunk(read_photograph(path), 1280)

    def sample(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A random background: BGR uint8 ``(height, width, 3)``.

        Args:
            rng (np.random.Generator): source of the choice.
            height (int): height in pixels.
            width (int): width in pixels.
        """
        image = self.cache.get(self.paths[rng.integers(len(self.paths))], self._read)
        return random_crop(rng, image, (height, width), self.min_crop)


def read_photograph(path: str) -> np.ndarray:
    """A picture as BGR uint8 ``(H, W, 3)``.

    Raises:
        InputError: it cannot be decoded.
    """
    return read_image(path, expected='a photograph')


def random_crop(rng: np.random.Generator, image: np.ndarray, size: tuple[int, int], min_crop: float) -> np.ndarray:
    """A random part of an image, resized, mirrored half of the time: BGR uint8 ``(h, w, 3)``.

    Args:
        rng (np.random.Generator): source of the choice.
        image (np.ndarray): BGR uint8 ``(H, W, 3)``.
        size (tuple[int, int]): ``(h, w)`` of the result; the part has its aspect ratio.
        min_crop (float): smallest part, as a share of the largest that fits, in (0, 1].
    """
    height, width = size
    share = rng.uniform(min_crop, 1) * min(image.shape[0] / height, image.shape[1] / width)
    h, w = max(2, round(height * share)), max(2, round(width * share))
    y, x = rng.integers(image.shape[0] - h + 1), rng.integers(image.shape[1] - w + 1)
    part = image[y : y + h, x : x + w]
    part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if share > 1 else cv2.INTER_LINEAR)
    return part[:, ::-1] if rng.random() < 0.5 else part
