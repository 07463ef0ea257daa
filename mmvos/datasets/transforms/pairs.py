"""Pairs of frames from anywhere in a video, and transforms that take every frame by itself."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmvos.registry import TRANSFORMS
from mmvos.structures import InputError


@TRANSFORMS.register_module()
class SamplePair(BaseTransform):
    """A target frame and N reference frames of the same video, however far apart (COSNet, CVPR 2019, section 3.4).

    Adds ``frame_ids``: the target first, then the references. The target is ``target_frame`` if the item names one
    (``FrameDataset``), else a random labelled frame. The references are distinct labelled frames other than the target;
    a video with fewer gives None, so that another video is taken, or repeats frames where ``allow_repeat``.

    Args:
        num_references (int): N.
        allow_repeat (bool): whether references may repeat in a video with fewer labelled frames.

    Raises:
        InputError: ``num_references`` below 1.
    """

    def __init__(self, num_references: int = 1, allow_repeat: bool = False) -> None:
        if num_references < 1:
            raise InputError(f'SamplePair: num_references is {num_references}; expected at least 1.')
        self.num_references, self.allow_repeat = num_references, allow_repeat

    @cache_randomness
    def _choose(self, labelled: list[int], target: int | None) -> list[int] | None:
        if target is None:
            target = labelled[np.random.randint(len(labelled))]
        others = [frame for frame in labelled if frame != target]
        if len(others) >= self.num_references:
            chosen = np.random.choice(others, self.num_references, replace=False)
        elif self.allow_repeat:
            chosen = np.random.choice(others or [target], self.num_references)
        else:
            return None
        return [int(target), *(int(frame) for frame in chosen)]

    def transform(self, results: dict) -> dict | None:
        labelled = list(results['labelled'])
        frame_ids = self._choose(labelled, results.get('target_frame')) if labelled else None
        if frame_ids is None:
            return None
        results['frame_ids'] = frame_ids
        return results


@TRANSFORMS.register_module()
class CropFlipResize(BaseTransform):
    """Every frame of a clip by itself: a random crop of a fixed share of it, a random flip, a resize to one size.

    For clips whose frames need not be aligned; optical flow does not survive it.

    Args:
        size (tuple[int, int]): ``(h, w)`` of the result; the aspect ratio is not kept.
        crop (float): share of height and of width that is kept (COSNet: 0.9); 1: no crop.
        flip_prob (float): probability of a horizontal flip.

    Raises:
        InputError: ``crop`` outside (0, 1].
    """

    def __init__(self, size: tuple[int, int], crop: float = 1.0, flip_prob: float = 0.0) -> None:
        if not 0 < crop <= 1:
            raise InputError(f'CropFlipResize: crop is {crop}; expected a share in (0, 1].')
        self.size, self.crop, self.flip_prob = tuple(size), crop, flip_prob

    @cache_randomness
    def _draw(self) -> tuple[float, float, bool]:
        top, left, flip = np.random.random(3)
        return top, left, flip < self.flip_prob

    def transform(self, results: dict) -> dict:
        images, label_maps = [], []
        for t, image in enumerate(results['img']):
            window = self._window(image.shape[:2], *self._draw())
            image = image[window]
            shrinks = self.size[0] < image.shape[0] and self.size[1] < image.shape[1]
            interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            images.append(cv2.resize(image, self.size[::-1], interpolation=interpolation))
            if 'gt_seg_map' in results:
                label_map = np.ascontiguousarray(results['gt_seg_map'][t][window])
                label_maps.append(cv2.resize(label_map, self.size[::-1], interpolation=cv2.INTER_NEAREST_EXACT))
        results.update(img=images, img_shape=self.size)
        if label_maps:
            results['gt_seg_map'] = label_maps
        return results

    def _window(self, shape: tuple[int, int], top: float, left: float, flip: bool) -> tuple:
        height, width = (max(1, round(side * self.crop)) for side in shape)
        y, x = int(top * (shape[0] - height + 1)), int(left * (shape[1] - width + 1))
        columns = slice(x, x + width)
        if flip:
            columns = slice(x + width - 1, x - 1 if x else None, -1)
        return slice(y, y + height), columns
