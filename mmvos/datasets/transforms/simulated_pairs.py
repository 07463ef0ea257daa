"""Pairs of frames simulated from a still image with a mask: training without video (RGMP, CVPR 2018, section 3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmvos.registry import TASK_UTILS, TRANSFORMS
from mmvos.structures import VOID, InputError, settings_from, tight_box

from ..synth.scene import BackgroundSource
from .warps import affine_map, light_curve, relight, spline_displacement


@dataclass(frozen=True)
class Distortion:
    """Largest changes of an object's place and shape, drawn uniformly.

    Attributes:
        rotation (float): degrees to either side.
        scale (tuple): range of the factor of its size.
        shift (float): share of its box, in either direction.
        shear (float): degrees to either side.
        spline (float): shift of the control points of a thin-plate spline on its contour, as a share of its box.
    """

    rotation: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    shear: float = 0.0
    spline: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise InputError(f'scale is {self.scale!r}; expected two numbers above 0, the smaller one first.')

    def draw(self, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An inverse map ``(H, W, 2)``: where every new pixel (x, y) comes from. ``mask``: the object, bool ``(H, W)``."""
        x1, y1, x2, y2 = tight_box(mask)
        angle = np.deg2rad(rng.uniform(-1, 1) * self.rotation)
        slope = np.tan(np.deg2rad(rng.uniform(-1, 1) * self.shear))
        shift = rng.uniform(-1, 1, 2) * self.shift * np.array([x2 - x1, y2 - y1])
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = rotation @ np.array([[1.0, slope], [0.0, 1.0]]) / rng.uniform(*self.scale)
        centre = np.array([(x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2])
        inverse_map = affine_map(mask.shape, np.column_stack([linear, centre - linear @ (centre + shift)]))
        if self.spline:
            # the bend belongs to the place where the object was
            bend = spline_displacement(mask, self.spline, rng)
            inverse_map = inverse_map + cv2.remap(bend, inverse_map, np.empty(0), cv2.INTER_LINEAR)
        return inverse_map


@TRANSFORMS.register_module()
class SimulatePair(BaseTransform):
    """Three frames from a still image and the mask of one object: a reference, and a target with its previous mask.

    Either the whole image is distorted and relit twice, or the object is cut out, distorted twice and put before two views of
    another picture. The previous mask is the target's mask, distorted a little; the image of that frame is the target's, as
    only its mask is used. Trained with ``first_predicted=2``, the target is predicted from both.

    Changes ``img`` and ``gt_seg_map`` (one entry each, object 1) to three entries of ``size``. Returns None, so that another
    image is taken, if the object is too small or leaves the frame. The numbers are not in the paper.

    Args:
        size (tuple): ``(H, W)`` of the frames.
        backgrounds (Mapping | None): config of a source of pictures (``FolderBackgrounds``); needed for ``composite_prob > 0``.
        composite_prob (float): probability of another background.
        view (Mapping): :class:`Distortion` between the still image and the two frames.
        previous (Mapping): :class:`Distortion` of the previous mask.
        flip_prob (float): probability that the whole triple is mirrored.
        light_prob (float): probability, for each frame, of another light.
        min_pixels (int): smallest object in every frame.

    Raises:
        InputError: other backgrounds, but no source of them; an unknown setting of a distortion.
    """

    def __init__(
        self,
        size: tuple[int, int],
        backgrounds: Mapping[str, Any] | None = None,
        composite_prob: float = 0.5,
        view: Mapping[str, Any] = dict(rotation=30.0, scale=(0.75, 1.25), shift=0.2, shear=10.0, spline=0.1),
        previous: Mapping[str, Any] = dict(rotation=10.0, scale=(0.9, 1.1), shift=0.1, spline=0.1),
        flip_prob: float = 0.5,
        light_prob: float = 0.8,
        min_pixels: int = 200,
    ) -> None:
        if composite_prob and backgrounds is None:
            raise InputError('SimulatePair: composite_prob is above 0, but there is no source of backgrounds.')
        self.size, self.composite_prob = (int(size[0]), int(size[1])), composite_prob
        self._source = dict(backgrounds or {})
        self.view = settings_from(Distortion, view, 'SimulatePair.view')
        self.previous = settings_from(Distortion, previous, 'SimulatePair.previous')
        self.flip_prob, self.light_prob, self.min_pixels = flip_prob, light_prob, min_pixels

    @cached_property
    def backgrounds(self) -> BackgroundSource:
        """The source of other pictures, made at first use (each worker has its own cache)."""
        return TASK_UTILS.build(self._source)

    def transform(self, results: dict) -> dict | None:
        rng = np.random.default_rng(np.random.randint(2**31))  # numpy's own generator is what seeds a worker
        image = cv2.resize(results['img'][0], self.size[::-1], interpolation=cv2.INTER_AREA)
        labels = cv2.resize(results['gt_seg_map'][0], self.size[::-1], interpolation=cv2.INTER_NEAREST)
        if (labels == 1).sum() < self.min_pixels:
            return None
        frames = (
            self._composed(image, labels == 1, rng) if rng.random() < self.composite_prob else self._whole(image, labels, rng)
        )
        (reference, reference_labels), (target, target_labels) = frames
        if min((reference_labels == 1).sum(), (target_labels == 1).sum()) < self.min_pixels:
            return None
        previous = _warp_labels((target_labels == 1).astype(np.uint8), self.previous.draw(target_labels == 1, rng), outside=0)
        images, label_maps = [reference, target, target], [reference_labels, previous, target_labels]
        if rng.random() < self.flip_prob:
            images, label_maps = ([np.ascontiguousarray(x[:, ::-1]) for x in group] for group in (images, label_maps))
        results.update(img=images, gt_seg_map=label_maps, frame_ids=[0, 1, 2], img_shape=self.size, object_ids=[1])
        return results

    def _whole(self, image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
        """Two views of the image; what was outside it is mirrored and unknown."""
        frames = []
        for _ in range(2):
            inverse_map = self.view.draw(labels == 1, rng)
            view = cv2.remap(image, inverse_map, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            frames.append((self._relit(view, rng), _warp_labels(labels, inverse_map, outside=VOID)))
        return frames

    def _composed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
        """Two views of the object before two views of another picture."""
        height, width = self.size
        picture = self.backgrounds.sample(rng, height, width)
        everything = np.ones(mask.shape, bool)
        frames = []
        for _ in range(2):
            object_map, picture_map = self.view.draw(mask, rng), self.view.draw(everything, rng)
            behind = cv2.remap(picture, picture_map, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            labels = _warp_labels(mask.astype(np.uint8), object_map, outside=0)
            front = cv2.remap(image, object_map, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            alpha = cv2.GaussianBlur(labels.astype(np.float32), (0, 0), 1.0)[..., None]  # no cut edge that gives it away
            view = np.rint(alpha * self._relit(front, rng) + (1 - alpha) * self._relit(behind, rng)).astype(np.uint8)
            frames.append((view, labels))
        return frames

    def _relit(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return relight(image, light_curve(rng)) if rng.random() < self.light_prob else image


def _warp_labels(labels: np.ndarray, inverse_map: np.ndarray, outside: int) -> np.ndarray:
    return cv2.remap(labels, inverse_map, np.empty(0), cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=outside)
