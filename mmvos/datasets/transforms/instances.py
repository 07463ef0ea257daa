"""From a label map of instances to mmdet's ground truth."""

import os

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from pycocotools import mask as coco_mask

from mmvos.registry import TRANSFORMS
from mmvos.structures import VOID, InputError, object_ids_of
from mmvos.videos import LabelSource, read_frame


@TRANSFORMS.register_module()
class LoadFrame(BaseTransform):
    """``img_path`` becomes ``img``, BGR uint8 ``(H, W, 3)``, read from the storage of its data set; adds ``img_shape``,
    ``ori_shape``.

    Differs from ``LoadImageFromFile``: the data set says by ``backend_args`` where its files lie, and a file that is damaged or
    not there is an :class:`InputError` that names it.
    """

    def transform(self, results: dict) -> dict:
        results['img'] = read_frame(results['img_path'])
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results


@TRANSFORMS.register_module()
class LoadInstanceMap(BaseTransform):
    """Read an image and its instances.

    Needs ``instance_map`` (path, or uint8 ``(H, W)``; 0 background, 255 void) and ``img`` or ``img_path``; classes come
    from ``labels`` (``{instance: label}``) or ``class_map`` (path or array, 0 background, k the class with label
    k - 1), else all instances have label 0. Adds ``img``, ``gt_masks``, ``gt_bboxes``, ``gt_bboxes_labels``,
    ``gt_ignore_flags``, and ``instances`` in COCO's manner at the file's own size, for metrics.

    Args:
        min_pixels (int): smaller instances are left out.
        max_instances (int | None): keep only so many, the largest ones. A curriculum may raise it.
    """

    def __init__(self, min_pixels: int = 1, max_instances: int | None = None) -> None:
        self.min_pixels, self.max_instances = min_pixels, max_instances

    def transform(self, results: dict) -> dict:
        if results.get('img') is None:
            results['img'] = read_frame(results['img_path'])
        shape = results['img'].shape[:2]
        instance_map = _label_map(results['instance_map'], shape)
        counts = np.bincount(instance_map.ravel(), minlength=256)
        ids = [i for i in object_ids_of(instance_map) if counts[i] >= self.min_pixels]
        if self.max_instances is not None:
            ids = sorted(sorted(ids, key=lambda i: -counts[i])[: self.max_instances])
        masks = (instance_map[None] == np.array(ids, np.uint8).reshape(-1, 1, 1)).astype(np.uint8)
        labels = self._labels(results, instance_map, ids)
        bitmaps = BitmapMasks(masks, *shape)
        boxes = bitmaps.get_bboxes(HorizontalBoxes)
        results.update(
            img_shape=shape,
            ori_shape=shape,
            height=shape[0],
            width=shape[1],
            gt_masks=bitmaps,
            gt_bboxes=boxes,
            gt_bboxes_labels=np.array([labels[i] for i in ids], np.int64),
            gt_ignore_flags=np.zeros(len(ids), bool),
        )
        results['instances'] = [
            dict(bbox=box.tolist(), bbox_label=int(labels[i]), ignore_flag=0, mask=_rle(mask))
            for i, box, mask in zip(ids, boxes.tensor, masks, strict=True)
        ]
        return results

    @staticmethod
    def _labels(results: dict, instance_map: np.ndarray, ids: list) -> dict[int, int]:
        if results.get('labels'):
            return results['labels']
        if results.get('class_map') is None:
            return {i: 0 for i in ids}
        class_map = _label_map(results['class_map'], instance_map.shape)
        labels = {}
        for i in ids:
            inside = class_map[instance_map == i]
            inside = inside[(inside != 0) & (inside != VOID)]
            if not len(inside):
                raise InputError(f'{results["class_map"]}: no class where {results["instance_map"]} has instance {i}.')
            labels[i] = int(np.bincount(inside).argmax()) - 1
        return labels


def _label_map(source: str | os.PathLike | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return LabelSource.of(source).read(shape)


def _rle(mask: np.ndarray) -> dict:
    code = coco_mask.encode(np.asfortranarray(mask))
    return dict(size=[int(s) for s in code['size']], counts=code['counts'].decode())
