"""What RVOS and RSIS add to the pipelines: their affine augmentation, and the ids of a whole video."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmvos.registry import TRANSFORMS
from mmvos.structures import InputError


def affine_matrix(
    shape: tuple[int, int], rotation: float, translation: tuple[float, float], shear: float, zoom: tuple[float, float]
) -> np.ndarray:
    """Rotation, translation, shear and zoom as one map from output to input pixels, relative to the image's centre.

    Args:
        shape (tuple[int, int]): ``(H, W)``.
        rotation (float): degrees.
        translation (tuple[float, float]): ``(rows, columns)`` as shares of height and width.
        shear (float): degrees.
        zoom (tuple[float, float]): ``(rows, columns)``; below 1 enlarges the content.

    Returns:
        float64 ``(3, 3)`` for (row, column, 1).
    """
    angle, slant = np.deg2rad(rotation), np.deg2rad(shear)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    shift = np.array([[1, 0, translation[0] * shape[0]], [0, 1, translation[1] * shape[1]], [0, 0, 1]])
    slope = np.array([[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]])
    return turn @ shift @ slope @ np.diag([zoom[0], zoom[1], 1])


def apply_affine(image: np.ndarray, matrix: np.ndarray, interpolation: str = 'bilinear') -> np.ndarray:
    """The image seen through :func:`affine_matrix`; outside, the border is repeated.

    Args:
        image (np.ndarray): ``(H, W)`` or ``(H, W, C)``.
        matrix (np.ndarray): ``(3, 3)``.
        interpolation (str): ``'bilinear'`` or ``'nearest'``.
    """
    height, width = image.shape[:2]
    centre = np.array([height, width]) / 2 - 0.5
    rows, columns = np.arange(height) - centre[0], np.arange(width) - centre[1]
    source = [matrix[i, 0] * rows[:, None] + matrix[i, 1] * columns[None] + matrix[i, 2] + centre[i] for i in range(2)]
    if interpolation == 'nearest':
        row, column = (
            np.clip(np.rint(s), 0, side - 1).astype(np.intp) for s, side in zip(source, (height, width), strict=True)
        )
        return image[row, column]
    return cv2.remap(
        image, source[1].astype(np.float32), source[0].astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


@TRANSFORMS.register_module()
class RandomFrameAffine(BaseTransform):
    """One random affine map, for all frames of a clip under ``ClipBroadcaster`` or for a still image (RVOS, RSIS).

    Changes ``img`` (bilinear), ``gt_seg_map`` (nearest) and, of still images, ``gt_masks`` (nearest); of instances that
    leave the picture ``gt_ignore_flags``, labels and boxes go too, and the boxes are those of the new masks.

    Args:
        rotation (float): largest angle, degrees.
        translation (float): largest shift, as a share of height and of width.
        shear (float): largest angle, **degrees** (the original's 0.1 is close to none).
        zoom (tuple[float, float]): range of the factors of rows and of columns, drawn independently; below 1 enlarges.
        prob (float): probability that anything is done.
        interpolation (str): interpolation of the image; the original has ``'nearest'``.
        min_pixels (int): an instance of a still image that keeps fewer is dropped.

    Raises:
        InputError: unknown ``interpolation``.
    """

    def __init__(
        self,
        rotation: float = 10.0,
        translation: float = 0.1,
        shear: float = 0.1,
        zoom: tuple[float, float] = (0.7, 1.4),
        prob: float = 1.0,
        interpolation: str = 'bilinear',
        min_pixels: int = 1,
    ) -> None:
        if interpolation not in ('bilinear', 'nearest'):
            raise InputError(f"interpolation is {interpolation!r}; expected 'bilinear' or 'nearest'.")
        self.rotation, self.translation, self.shear, self.zoom = rotation, translation, shear, tuple(zoom)
        self.prob, self.interpolation, self.min_pixels = prob, interpolation, min_pixels

    @cache_randomness
    def _draw(self) -> dict:
        symmetric = np.random.uniform(-1, 1, 4)
        low, high = self.zoom
        return dict(
            apply=np.random.rand() < self.prob,
            rotation=symmetric[0] * self.rotation,
            translation=tuple(symmetric[1:3] * self.translation),
            shear=symmetric[3] * self.shear,
            zoom=tuple(np.random.uniform(low, high, 2)),
        )

    def transform(self, results: dict) -> dict:
        draw = dict(self._draw())
        if not draw.pop('apply'):
            return results
        matrix = affine_matrix(results['img'].shape[:2], **draw)
        results['img'] = apply_affine(results['img'], matrix, self.interpolation)
        if results.get('gt_seg_map') is not None:
            results['gt_seg_map'] = apply_affine(results['gt_seg_map'], matrix, 'nearest')
        if results.get('gt_masks') is not None:
            self._move_instances(results, matrix)
        return results

    def _move_instances(self, results: dict, matrix: np.ndarray) -> None:
        masks = results['gt_masks'].to_ndarray()
        if len(masks):
            masks = apply_affine(masks.transpose(1, 2, 0), matrix, 'nearest').transpose(2, 0, 1)
        kept = masks.reshape(len(masks), -1).sum(1) >= self.min_pixels
        moved = type(results['gt_masks'])(np.ascontiguousarray(masks[kept]), *results['img'].shape[:2])
        results['gt_masks'] = moved
        for key in ('gt_bboxes_labels', 'gt_ignore_flags'):
            if key in results:
                results[key] = results[key][kept]
        if 'gt_bboxes' in results:
            results['gt_bboxes'] = moved.get_bboxes(type(results['gt_bboxes']))


@TRANSFORMS.register_module()
class WholeVideoObjects(BaseTransform):
    """Sets ``object_ids`` to all objects of the video, also those that the clip does not show (RVOS on YouTube-VOS).

    Known from ``categories`` or ``object_frames`` of the video; without either the clip's own objects stay.
    """

    def transform(self, results: dict) -> dict:
        ids = results.get('categories') or results.get('object_frames')
        if ids:
            results['object_ids'] = sorted(int(i) for i in ids)
        return results
