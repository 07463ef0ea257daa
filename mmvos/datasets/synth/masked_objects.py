"""Objects from photographs and their masks."""

import os.path as osp
from collections.abc import Mapping, Sequence

import numpy as np

from mmvos.registry import TASK_UTILS
from mmvos.structures import VOID, InputError, is_folder, read_label_map, tight_box
from mmvos.videos.layouts import read_list
from mmvos.videos.storage import stored

from ..saliency import images_with_masks
from .cutout import Cutout
from .folders import ImageCache, read_photograph, shrunk


@TASK_UTILS.register_module()
class MaskedObjects:
    """Objects cut out of photographs by their masks, such as those of MSRA10K, PASCAL VOC or a folder of one's own.

    A cut-out is drawn by its picture, then by its object. Cut edges are hard; the unknown pixels around an object (255)
    do not belong to it.

    Args:
        images (str): folder of photographs.
        masks (str): folder of masks with the same stems; may be the same folder (then the photographs are JPEG files).
        threshold (int | None): masks are grey pictures, and what is brighter is the one object; None: masks are label
            maps, value k = object k, 255 = unknown.
        sequences (str | None): a text file with the stems to use, one per line; None: all.
        min_pixels (int): smaller objects are not used.
        max_side (int): larger cut-outs are shrunk to this.
        cache_mb (int): decoded pictures are kept up to this size, per process.
        backend_args (dict | None): storage, as for :class:`~mmvos.datasets.BaseVOSDataset`.

    Raises:
        FileNotFoundError: no such folder.
        InputError: no photograph has a mask.
    """

    def __init__(
        self,
        images: str,
        masks: str,
        threshold: int | None = None,
        sequences: str | None = None,
        min_pixels: int = 400,
        max_side: int = 512,
        cache_mb: int = 96,
        backend_args: dict | None = None,
    ) -> None:
        images, masks = (stored(folder, backend_args) for folder in (images, masks))
        for folder in (images, masks):
            if not is_folder(folder):
                raise FileNotFoundError(f'{folder}: folder of photographs or masks not found.')
        self.pairs = images_with_masks(images, masks)
        if sequences is not None:
            chosen = set(read_list(sequences))
            self.pairs = [pair for pair in self.pairs if osp.splitext(osp.basename(pair[0]))[0] in chosen]
        if not self.pairs:
            raise InputError(f'{images}: no photograph that is asked for has a mask in {masks}.')
        self.threshold, self.min_pixels, self.max_side = threshold, min_pixels, max_side
        self.classes: Sequence[str] = ['object']
        self.numbers: Mapping[str, int] = {}
        self.cache = ImageCache(cache_mb << 20)

    def sample(self, rng: np.random.Generator) -> Cutout:
        """A random object.

        Args:
            rng (np.random.Generator): source of the choice.

        Raises:
            InputError: none of 100 random masks has an object that is large enough.
        """
        for _ in range(100):
            image, mask = self.pairs[rng.integers(len(self.pairs))]
            label_map = self.cache.get(mask, self._read_mask)
            sizes = np.bincount(label_map.ravel(), minlength=256)[:VOID]
            ids = [int(i) for i in np.flatnonzero(sizes >= self.min_pixels) if i]
            if ids:
                object_id = ids[rng.integers(len(ids))]
                return self._cut(image, mask, label_map == object_id, object_id)
        raise InputError(
            f'{osp.dirname(self.pairs[0][1])}: none of 100 random masks has an object of at least {self.min_pixels} pixels.'
        )

    def _read_mask(self, path: str) -> np.ndarray:
        if self.threshold is None:
            return read_label_map(path)
        return read_label_map(path, binary=True, threshold=self.threshold)

    def _cut(self, path: str, mask_path: str, mask: np.ndarray, object_id: int) -> Cutout:
        image = self.cache.get(path, read_photograph)
        if image.shape[:2] != mask.shape:
            raise InputError(
                f'{mask_path}: the mask is {mask.shape[1]}x{mask.shape[0]}, its photograph {path} is '
                f'{image.shape[1]}x{image.shape[0]} (width x height).'
            )
        x1, y1, x2, y2 = (int(v) for v in tight_box(mask))
        box = np.s_[y1:y2, x1:x2]
        alpha = mask[box].astype(np.uint8) * 255
        return Cutout(shrunk(np.dstack([image[box], alpha]), self.max_side), 'object', f'{mask_path}#{object_id}')
