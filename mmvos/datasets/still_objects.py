"""Objects in photographs and video frames, one at a time: what an interactive segmenter is trained on."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from mmvos.registry import DATASETS
from mmvos.structures import (
    InputError,
    VOSDataSample,
    folder_names,
    is_file,
    is_folder,
    join_path,
    object_ids_of,
    read_label_map,
    settings_from,
)
from mmvos.videos import list_frames, read_frame
from mmvos.videos.storage import stored


@DATASETS.register_module()
class StillObjectsDataset(Dataset):
    """Square views of photographs, each with the mask of one object in it.

    A view is zoomed, cropped around a random object, mirrored and changed in its colours; a close-up shows one object with a
    margin, as :class:`~mmvos.interaction.InteractiveSegmenter` does. A view depends on its number and the seed alone, so that
    every process and every run sees the same.

    Args:
        data_root (str): root folder.
        folders (list[str]): sub-folders, each with ``images/<name>`` and ``masks/<name>.png`` (0 background, k object k).
        videos (dict | None): a :class:`VideoFrames`, frames of videos that count as further pictures for training.
        closeups (float): share of the views that are close-ups.
        size (int): side of a view in pixels.
        zoom (tuple[float, float]): range of the factor on the scale at which the shorter side fills the view.
        min_pixels (int): smaller objects of a view are not asked for.
        split (str): ``'train'`` or ``'val'``, separated by the names of the pictures; views for validation are not changed.
        val_share (float): share of the pictures that is kept for validation.
        repeats (int): views of each picture that count as one epoch.
        seed (int): another seed gives other views.
        backend_args (dict | None): storage of the pictures, as for :class:`~mmvos.datasets.BaseVOSDataset`.

    Raises:
        InputError: no picture with a mask.
    """

    def __init__(
        self,
        data_root: str,
        folders: Sequence[str],
        videos: dict | None = None,
        closeups: float = 0.0,
        size: int = 320,
        zoom: tuple[float, float] = (0.8, 2.0),
        min_pixels: int = 200,
        split: str = 'train',
        val_share: float = 0.1,
        repeats: int = 1,
        seed: int = 0,
        backend_args: dict | None = None,
    ) -> None:
        if split not in ('train', 'val'):
            raise InputError(f'StillObjectsDataset: split {split!r}; expected train or val.')
        self.size, self.zoom, self.min_pixels, self.repeats, self.seed = size, zoom, min_pixels, repeats, seed
        self.plain, self.closeups = split == 'val', closeups
        self.pairs: list[tuple[str, str, bool]] = []
        for folder in folders:
            place = join_path(stored(data_root, backend_args), folder)
            if not is_folder(join_path(place, 'images')):
                raise InputError(f'{place}: expected the folders images and masks in it.')
            for image in list_frames(join_path(place, 'images')):
                mask = join_path(place, 'masks', f'{Path(image).stem}.png')
                held_out = zlib.crc32(Path(image).name.encode()) % 1000 < 1000 * val_share
                if is_file(mask) and held_out == self.plain:
                    self.pairs.append((image, mask, False))
        if videos is not None and not self.plain:
            self.pairs += settings_from(VideoFrames, videos, 'StillObjectsDataset.videos').pairs(backend_args)
        if not self.pairs:
            raise InputError(f'{data_root}: no picture with a mask in {list(folders)} (images/<name>, masks/<name>.png).')

    def __len__(self) -> int:
        return len(self.pairs) * self.repeats

    def __getitem__(self, index: int) -> dict[str, Any]:
        """``inputs``: uint8 ``(3, S, S)`` BGR; ``data_samples`` with ``gt_mask``: bool ``(S, S)``, and ``object_id``."""
        for attempt in range(20):  # an object may be too small in a view: another view, then another picture
            rng = np.random.default_rng((self.seed, index, attempt))
            number = index % len(self.pairs) if attempt < 5 else int(rng.integers(len(self.pairs)))
            view = self._view(*self.pairs[number], rng)
            if view is not None:
                break
        else:
            raise InputError(f'{self.pairs[index % len(self.pairs)][1]}: no object of {self.min_pixels} pixels in 20 views.')
        image, mask, object_id = view
        sample = VOSDataSample(metainfo=dict(object_id=object_id))
        sample.gt_mask = torch.from_numpy(mask)
        return dict(inputs=torch.from_numpy(image).permute(2, 0, 1).contiguous(), data_samples=sample)

    def _view(
        self, image_path: str, mask_path: str, binary: bool, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, int] | None:
        image = read_frame(image_path)
        label_map = read_label_map(mask_path, shape=image.shape[:2], size_mismatch='resize', binary=binary)
        if self.closeups and not self.plain and rng.random() < self.closeups:
            return self._closeup(image, label_map, rng)
        scale = self.size / min(label_map.shape)
        if not self.plain:
            scale *= float(np.exp(rng.uniform(*np.log(self.zoom))))
        height, width = (max(round(side * scale), 8) for side in label_map.shape)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        label_map = cv2.resize(label_map, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        below, right = max(self.size - height, 0), max(self.size - width, 0)
        if below or right:
            image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
            label_map = cv2.copyMakeBorder(label_map, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
        ids = object_ids_of(label_map)
        if not ids:
            return None
        rows, columns = np.nonzero(label_map == ids[int(rng.integers(len(ids)))])
        point = int(rng.integers(len(rows)))
        top = int(np.clip(rows[point] - rng.integers(self.size), 0, label_map.shape[0] - self.size))
        left = int(np.clip(columns[point] - rng.integers(self.size), 0, label_map.shape[1] - self.size))
        image = image[top : top + self.size, left : left + self.size]
        label_map = label_map[top : top + self.size, left : left + self.size]
        counts = np.bincount(label_map.ravel(), minlength=256)
        large = [i for i in object_ids_of(label_map) if counts[i] >= self.min_pixels]
        if not large:
            return None
        chosen = large[int(rng.integers(len(large)))]
        if not self.plain:
            image, label_map = _changed(image, label_map, rng)
        return np.ascontiguousarray(image), label_map == chosen, chosen

    def _closeup(
        self, image: np.ndarray, label_map: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, int] | None:
        """A square around one object, 1.2 to 2.5 times as long as its longer side."""
        counts = np.bincount(label_map.ravel(), minlength=256)
        large = [i for i in object_ids_of(label_map) if counts[i] >= self.min_pixels]
        if not large:
            return None
        chosen = large[int(rng.integers(len(large)))]
        ys, xs = (np.flatnonzero((label_map == chosen).any(axis)) for axis in (1, 0))
        side = max(np.ptp(xs) + 1, np.ptp(ys) + 1) * float(np.exp(rng.uniform(np.log(1.2), np.log(2.5))))
        middle = np.array([xs[0] + xs[-1], ys[0] + ys[-1]]) / 2 + rng.uniform(-0.08, 0.08, 2) * side
        reach = np.minimum(side, label_map.shape[::-1]) / 2  # within the picture, where it fits
        middle = np.clip(middle, reach, np.array(label_map.shape[::-1]) - reach)
        scale = self.size / side
        matrix = np.array([[scale, 0, self.size / 2 - scale * middle[0]], [0, scale, self.size / 2 - scale * middle[1]]])
        if scale < 0.5:
            image = cv2.GaussianBlur(image, (0, 0), 0.35 / scale)
        square = self.size, self.size
        image = cv2.warpAffine(image, matrix, square, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        label_map = cv2.warpAffine(label_map, matrix, square, flags=cv2.INTER_NEAREST)
        if np.count_nonzero(label_map == chosen) < self.min_pixels:
            return None
        image, label_map = _changed(image, label_map, rng)
        return np.ascontiguousarray(image), label_map == chosen, chosen


@dataclass(frozen=True)
class VideoFrames:
    """Frames of videos with one object each, in the layout of DAVIS 2016.

    Args:
        root (str): folder with ``JPEGImages/[480p/]<sequence>/`` and ``Annotations/[480p/]<sequence>/``, black and white.
        exclude (sequence[str]): sequences that are left out.
        step (int): every ``step``-th frame is taken.
    """

    root: str
    exclude: Sequence[str] = ()
    step: int = 5

    def pairs(self, backend_args: dict | None = None) -> list[tuple[str, str, bool]]:
        """Paths of the frames and masks that are there, marked as black and white."""
        root = stored(self.root, backend_args)
        images, masks = join_path(root, 'JPEGImages'), join_path(root, 'Annotations')
        if is_folder(join_path(images, '480p')):
            images, masks = join_path(images, '480p'), join_path(masks, '480p')
        if not is_folder(images):
            raise InputError(f'{images}: no such folder; expected the frames of DAVIS 2016, a folder for each sequence.')
        found = []
        for name in sorted(set(folder_names(images)) - set(self.exclude)):
            frames = list_frames(join_path(images, name))[:: self.step]
            found += [(frame, join_path(masks, name, f'{Path(frame).stem}.png'), True) for frame in frames]
        return [pair for pair in found if is_file(pair[1])]


def _changed(image: np.ndarray, label_map: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mirrored or not, with other brightness, contrast, colour balance, and now and then blurred."""
    if rng.random() < 0.5:
        image, label_map = image[:, ::-1], label_map[:, ::-1]
    changed: np.ndarray = (image * rng.uniform(0.7, 1.3) + rng.uniform(-20, 20)) * (1 + rng.uniform(-0.1, 0.1, 3))
    if rng.random() < 0.2:
        changed = cv2.GaussianBlur(changed, (0, 0), rng.uniform(0.5, 1.5))
    return changed.clip(0, 255).astype(np.uint8), np.ascontiguousarray(label_map)
