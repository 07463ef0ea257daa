"""Geometric transforms of whole clips: frames, label maps and optical flow change together.

Every transform makes one random draw per clip. Per-frame lists: ``img`` (BGR uint8 ``(H, W, 3)``), ``gt_seg_map``
(uint8 ``(H, W)``), ``flow_bwd`` (float32 ``(H, W, 2)``, (dx, dy) in pixels). Cut-out areas are filled with the border's
pixels and labelled as they were.
"""

from collections.abc import Sequence

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmvos.registry import TRANSFORMS
from mmvos.structures import VOID, InputError


def resize_clip(results: dict, size: tuple[int, int], backend: str = 'cv2', interpolation: str = 'bilinear') -> dict:
    """Resize every frame, label map and flow field of a clip, in place; vectors of flow are scaled.

    Args:
        results (dict): clip with lists ``img``, ``gt_seg_map`` and ``flow_bwd`` of arrays ``(H, W, ...)``.
        size (tuple[int, int]): new height and width.
        backend (str): mmcv's way of resizing frames, ``'cv2'`` or ``'pillow'`` (antialiased).
        interpolation (str): of frames; label maps are resized by nearest neighbour, flow bilinearly.
    """
    height, width = results['img'][0].shape[:2]
    if (height, width) == tuple(size):
        return results
    scale = size[1], size[0]
    results['img'] = [mmcv.imresize(f, scale, interpolation=interpolation, backend=backend) for f in results['img']]
    if 'gt_seg_map' in results:
        results['gt_seg_map'] = [
            mmcv.imresize(m, scale, interpolation='nearest', backend='pillow') for m in results['gt_seg_map']
        ]
    if 'flow_bwd' in results:
        factor = np.array([size[1] / width, size[0] / height], np.float32)
        results['flow_bwd'] = [cv2.resize(f, scale, interpolation=cv2.INTER_LINEAR) * factor for f in results['flow_bwd']]
    results['img_shape'] = tuple(size)
    return results


def crop_clip(results: dict, top: int, left: int, height: int, width: int) -> dict:
    """Cut the same rectangle out of every frame, label map and flow field of a clip, in place.

    Args:
        results (dict): clip with lists ``img``, ``gt_seg_map`` and ``flow_bwd`` of arrays ``(H, W, ...)``.
        top, left (int): first row and column, from 0.
        height, width (int): size of the rectangle in pixels.
    """
    for key in ('img', 'gt_seg_map', 'flow_bwd'):
        if key in results:
            results[key] = [np.ascontiguousarray(x[top : top + height, left : left + width]) for x in results[key]]
    results['img_shape'] = results['img'][0].shape[:2]
    return results


@TRANSFORMS.register_module()
class ResizeClip(BaseTransform):
    """Resize all frames of a clip to one size.

    Args:
        size (tuple[int, int] | None): ``(h, w)``.
        keep_ratio (bool): fit into ``size`` with the aspect ratio kept.
        short_side (int | None): instead of ``size``: length of the shorter side.
        backend (str): ``'pillow'`` averages when it reduces (antialiased, as A-GAME's PIL resize); ``'cv2'`` does not.
        interpolation (str): interpolation of the frames.

    Raises:
        InputError: both or neither of ``size`` and ``short_side``.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        keep_ratio: bool = False,
        short_side: int | None = None,
        backend: str = 'pillow',
        interpolation: str = 'bilinear',
    ) -> None:
        if (size is None) == (short_side is None):
            raise InputError('give either size or short_side.')
        self.size, self.keep_ratio, self.short_side = size, keep_ratio, short_side
        self.backend, self.interpolation = backend, interpolation

    def transform(self, results: dict) -> dict:
        height, width = results['img'][0].shape[:2]
        return resize_clip(results, self._size(height, width), self.backend, self.interpolation)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        if self.size is None:
            assert self.short_side is not None  # the constructor takes one of the two
            scale = self.short_side / min(height, width)
        elif self.keep_ratio:
            scale = min(self.size[0] / height, self.size[1] / width)
        else:
            return self.size
        return max(1, round(height * scale)), max(1, round(width * scale))


@TRANSFORMS.register_module()
class RandomResizeClip(BaseTransform):
    """Resize a clip by a random factor.

    Args:
        scales (Sequence[float]): factors to draw from, or with ``continuous`` the range ``(smallest, largest)``.
        continuous (bool): whether ``scales`` is a range.
        divisor (int): the new sides are multiples of it.
        backend (str): library that resizes, see :class:`ResizeClip`.
    """

    def __init__(
        self, scales: Sequence[float] = (0.8, 1.0, 1.2), continuous: bool = False, divisor: int = 1, backend: str = 'pillow'
    ) -> None:
        self.scales, self.continuous, self.divisor, self.backend = tuple(scales), continuous, divisor, backend

    @cache_randomness
    def _scale(self) -> float:
        if self.continuous:
            low, high = self.scales
            return float(np.random.uniform(low, high))
        return float(np.random.choice(self.scales))

    def transform(self, results: dict) -> dict:
        scale = self._scale()
        size = [max(1, round(side * scale / self.divisor)) * self.divisor for side in results['img'][0].shape[:2]]
        return resize_clip(results, tuple(size), self.backend)


@TRANSFORMS.register_module()
class FlipClip(BaseTransform):
    """Mirror the whole clip left-right. The x component of flow changes its sign.

    Args:
        prob (float): probability.
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = prob

    @cache_randomness
    def _draw(self) -> bool:
        return bool(np.random.rand() < self.prob)

    def transform(self, results: dict) -> dict:
        results['flip'] = self._draw()
        if results['flip']:
            for key in ('img', 'gt_seg_map'):
                if key in results:
                    results[key] = [np.ascontiguousarray(x[:, ::-1]) for x in results[key]]
            if 'flow_bwd' in results:
                results['flow_bwd'] = [f[:, ::-1] * np.array([-1, 1], np.float32) for f in results['flow_bwd']]
        return results


@TRANSFORMS.register_module()
class RandomCropClip(BaseTransform):
    """Cut a random rectangle of one size out of the clip; a smaller frame is enlarged first, with its ratio kept.

    Args:
        size (tuple[int, int]): ``(h, w)``.
        max_tries (int): places that are tried to find one with an object in the first frame.
    """

    def __init__(self, size: tuple[int, int], max_tries: int = 5) -> None:
        self.size, self.max_tries = tuple(size), max_tries

    def transform(self, results: dict) -> dict:
        height, width = results['img'][0].shape[:2]
        scale = max(self.size[0] / height, self.size[1] / width)
        if scale > 1:
            results = resize_clip(results, (max(self.size[0], round(height * scale)), max(self.size[1], round(width * scale))))
            height, width = results['img'][0].shape[:2]
        for _ in range(max(1, self.max_tries)):
            top = np.random.randint(height - self.size[0] + 1)
            left = np.random.randint(width - self.size[1] + 1)
            if 'gt_seg_map' not in results:
                break
            part = results['gt_seg_map'][0][top : top + self.size[0], left : left + self.size[1]]
            if ((part != 0) & (part != VOID)).any():
                break
        return crop_clip(results, top, left, *self.size)


@TRANSFORMS.register_module()
class RandomCropToObjects(BaseTransform):
    """AGSS-VOS's crop: towards the box that holds all objects in all frames, then back to the frame's size.

    With s = 0 the frame stays, with s = 1 it is cut to the box; s is uniform in [0, 1] with probability ``partial``,
    else 1.

    Args:
        prob (float): probability of cropping.
        partial (float): probability of a uniform s.
    """

    def __init__(self, prob: float = 0.5, partial: float = 0.7) -> None:
        self.prob, self.partial = prob, partial

    @cache_randomness
    def _draw(self) -> float | None:
        if np.random.rand() >= self.prob:
            return None
        return float(np.random.rand()) if np.random.rand() < self.partial else 1.0

    def transform(self, results: dict) -> dict:
        share = self._draw()
        label_maps = np.stack(results['gt_seg_map'])
        inside = ((label_maps != 0) & (label_maps != VOID)).any(0)
        if share is None or not inside.any():
            return results
        height, width = inside.shape
        bounds = []
        for along, side in ((inside.any(1), height), (inside.any(0), width)):
            first, last = np.flatnonzero(along)[[0, -1]]
            bounds += [int(first * share), int((side - last - 1) * (1 - share) + last + 1)]  # inclusive
        top, bottom, left, right = bounds
        results = crop_clip(results, top, left, bottom - top + 1, right - left + 1)
        return resize_aligned(results, (height, width))


def resize_aligned(results: dict, size: tuple[int, int]) -> dict:
    """Resize so that the outermost pixels' centres stay the outermost (``align_corners=True``). An object's mask is
    interpolated and cut at one half; where two claim a pixel, the larger share wins."""
    height, width = results['img'][0].shape[:2]
    x = np.linspace(0, width - 1, size[1], dtype=np.float32)
    y = np.linspace(0, height - 1, size[0], dtype=np.float32)
    map_x, map_y = (np.ascontiguousarray(m) for m in np.broadcast_arrays(x[None], y[:, None]))

    def sample(image: np.ndarray) -> np.ndarray:
        return cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    results['img'] = [sample(f) for f in results['img']]
    label_maps = []
    for label_map in results['gt_seg_map']:
        new, best = np.zeros(size, np.uint8), np.full(size, 0.5, np.float32)
        for object_id in np.flatnonzero(np.bincount(label_map.ravel())):
            if object_id:
                share = sample((label_map == object_id).astype(np.float32))
                won = share > best
                new[won], best[won] = object_id, share[won]
        label_maps.append(new)
    results['gt_seg_map'] = label_maps
    if 'flow_bwd' in results:
        factor = np.array([(size[1] - 1) / max(width - 1, 1), (size[0] - 1) / max(height - 1, 1)], np.float32)
        results['flow_bwd'] = [sample(f) * factor for f in results['flow_bwd']]
    results['img_shape'] = tuple(size)
    return results


@TRANSFORMS.register_module()
class ProgressiveZoom(BaseTransform):
    """A-GAME's zoom: frame i (from 0) is enlarged by ``(1 + rate * u) ** (i + 1)`` and cut back about its centre.

    u is uniform in [0, 1), one draw per clip. Cached flow is not supported: each frame has a zoom of its own.

    Args:
        prob (float): probability; else the clip is unchanged.
        rate (float): largest growth from one frame to the next, as a share; at least 0.
        backend (str): library that resizes, see :class:`ResizeClip`.
    """

    def __init__(self, prob: float = 0.5, rate: float = 0.1, backend: str = 'pillow') -> None:
        self.prob, self.rate, self.backend = prob, rate, backend

    @cache_randomness
    def _draw(self) -> float | None:
        return float(np.random.rand()) if np.random.rand() < self.prob else None

    def transform(self, results: dict) -> dict:
        draw = self._draw()
        if draw is None:
            return results
        if 'flow_bwd' in results:
            raise InputError('ProgressiveZoom changes the motion between frames: it cannot keep cached flow.')
        for i, frame in enumerate(results['img']):
            height, width = frame.shape[:2]
            scale = (1 + self.rate * draw) ** (i + 1)
            one = dict(img=[frame], **({'gt_seg_map': [results['gt_seg_map'][i]]} if 'gt_seg_map' in results else {}))
            one = resize_clip(one, (max(height, round(height * scale)), max(width, round(width * scale))), self.backend)
            top, left = (one['img'][0].shape[0] - height) // 2, (one['img'][0].shape[1] - width) // 2
            one = crop_clip(one, top, left, height, width)
            for key in ('img', 'gt_seg_map'):
                if key in one:
                    results[key][i] = one[key][0]
        return results


@TRANSFORMS.register_module()
class ReverseClip(BaseTransform):
    """Reverse the order of a loaded clip's frames (``SampleClip(reverse_prob=...)`` does so before loading).

    Args:
        prob (float): probability.
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = prob

    def transform(self, results: dict) -> dict:
        if np.random.rand() < self.prob:
            if 'flow_bwd' in results:
                raise InputError('backward flow of a reversed clip would be the forward flow, which is not there.')
            for key in ('img', 'gt_seg_map', 'frame_ids'):
                if key in results:
                    results[key] = list(results[key])[::-1]
        return results
