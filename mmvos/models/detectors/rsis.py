"""RSIS: recurrent neural networks for semantic instance segmentation. RIS is the same with other parts.

A still image is encoded once; a recurrent decoder then gives one instance per step, in an order that it learns itself,
and says when it has found them all.
"""

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmdet.models.detectors.base import BaseDetector
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor, nn
from typing_extensions import override

from mmvos.models.losses.sequence_loss import InstanceSequence, InstanceTargets
from mmvos.registry import MODELS
from mmvos.structures import boxes_of_masks, settings_from


@dataclass(frozen=True)
class RSISTestSettings:
    """Settings of the inference.

    Args:
        stop (str): ``'filter'``: steps below ``stop_thr`` are skipped, later ones still count (RSIS); ``'break'``: the
            first one ends the sequence (RIS).
        stop_thr (float): least stop probability of an instance.
        mask_thr (float): probability above which a pixel belongs to a mask.
        min_area (float): smallest mask, as a share of the image.
        per_class (bool): every mask is given once for each class, with the product of class and stop probability as its
            score (for average precision); else once, with its best class.
        largest_component (bool): whether only the largest connected part of a mask is kept (Cityscapes).
        max_per_img (int): largest number of detections of an image.
    """

    stop: Literal['filter', 'break'] = 'filter'
    stop_thr: float = 0.5
    mask_thr: float = 0.5
    min_area: float = 0.001
    per_class: bool = False
    largest_component: bool = False
    max_per_img: int = 100


@MODELS.register_module()
class RSIS(BaseDetector):
    """A still image to a sequence of instances.

    Args:
        backbone (dict): config of the backbone, which gives feature maps, finest first.
        decoder (dict): config of a ``RecurrentDecoder`` (RSIS) or ``StackedDecoder`` (RIS).
        head (dict): config of a ``PooledStateHead`` (RSIS) or ``PooledScoreHead`` (RIS).
        criterion (dict): config of the part that gives all losses of a sequence: ``RSISLoss`` or ``RISLoss``.
        neck (dict | None): config of the skips, coarsest first (None: the backbone's maps as they are).
        max_steps (int): longest sequence. Hooks may raise it during training.
        extra_steps (int): steps in training beyond the largest number of objects in the batch, to learn to stop (RSIS 1,
            RIS 2).
        max_objects (int): the largest ones by area are kept.
        test_cfg (dict | None): settings for inference, an :class:`RSISTestSettings`.
        data_preprocessor (dict | None): config, as for mmdet's detectors.
        init_cfg (dict | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        decoder: dict[str, Any],
        head: dict[str, Any],
        criterion: dict[str, Any],
        neck: dict[str, Any] | None = None,
        max_steps: int = 10,
        extra_steps: int = 1,
        max_objects: int = 20,
        test_cfg: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else nn.Identity()
        self.decoder = MODELS.build(decoder)
        self.head = MODELS.build(head)
        self.criterion = MODELS.build(criterion)
        self.max_steps, self.extra_steps, self.max_objects = max_steps, extra_steps, max_objects
        self.test_cfg = settings_from(RSISTestSettings, test_cfg, f'{type(self).__name__}.test_cfg')

    def extract_feat(self, batch_inputs: Tensor) -> list[Tensor]:
        """Images ``(B, 3, H, W)`` to skips, coarsest first."""
        return list(self.neck(self.backbone(batch_inputs)))

    def unroll(self, batch_inputs: Tensor, steps: int) -> InstanceSequence:
        """The first K instances of every image; masks are flattened to ``(B, K, H * W)``.

        Args:
            batch_inputs (Tensor): images ``(B, 3, H, W)``, normalised.
            steps (int): K.
        """
        skips, states, masks, readings = self.extract_feat(batch_inputs), None, [], []
        for _ in range(steps):
            output, states = self.decoder(skips, states)
            masks.append(self.decoder.probabilities(output, batch_inputs.shape[-2:])[:, 0].flatten(1))
            readings.append(self.head([state.h for state in states]))
        classes, stop, boxes = zip(*readings, strict=True)
        return InstanceSequence(torch.stack(masks, 1), torch.stack(stop, 1)[..., 0], _stacked(classes), _stacked(boxes))

    @override
    def _forward(self, batch_inputs: Tensor, batch_data_samples: Any = None) -> InstanceSequence:
        return self.unroll(batch_inputs, self.max_steps)

    # Training

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of images: ``{name: scalar}``.

        Args:
            batch_inputs (Tensor): images ``(B, 3, H, W)``, normalised.
            batch_data_samples (list[DetDataSample]): their ``gt_instances`` (``masks``, ``labels``, ``bboxes``).
        """
        height, width = batch_inputs.shape[-2:]
        targets = self.targets(batch_data_samples, (height, width), batch_inputs.device)
        steps = min(self.max_steps, int(targets.valid.sum(1).max()) + self.extra_steps)
        return self.criterion(self.unroll(batch_inputs, steps), targets)

    def targets(self, samples: list[DetDataSample], size: tuple[int, int], device: torch.device) -> InstanceTargets:
        """The objects of every image by decreasing area.

        Args:
            samples (list[DetDataSample]): annotations of B images.
            size (tuple[int, int]): height and width at which masks are compared.
            device (torch.device): where the targets go.
        """
        per_image = [self._objects(sample.gt_instances, size, device) for sample in samples]
        most = max(max(len(labels) for _, labels, _ in per_image), 1)
        masks = torch.zeros(len(samples), most, size[0] * size[1], device=device)
        boxes, valid = masks.new_zeros(len(samples), most, 4), masks.new_zeros(len(samples), most, dtype=torch.bool)
        classes = valid.new_zeros(valid.shape, dtype=torch.long)
        for index, (mask, label, box) in enumerate(per_image):
            count = len(label)
            masks[index, :count], classes[index, :count], boxes[index, :count] = mask, label, box
            valid[index, :count] = True
        return InstanceTargets(masks, valid, classes, boxes)

    def _objects(self, instances: InstanceData, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        masks = instances.masks.to_tensor(torch.float32, device)
        masks = F.pad(masks, (0, size[1] - masks.shape[-1], 0, size[0] - masks.shape[-2])).flatten(1)
        area = masks.sum(1)
        kept = area.argsort(descending=True, stable=True)[: self.max_objects]
        kept = kept[area[kept] > 0]
        scale = masks.new_tensor([size[1], size[0], size[1], size[0]])
        boxes = get_box_tensor(instances.bboxes).to(device)[kept] / scale
        return masks[kept], instances.labels.to(device)[kept] + 1, boxes

    # Inference

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """``pred_instances`` in the order of the sequence: ``masks`` bool ``(N, H, W)``, ``labels`` (from 0),
        ``scores``, ``bboxes``, and ``steps``, the position of each in the sequence.

        Args:
            batch_inputs (Tensor): images, float ``(B, 3, h, w)``, normalised.
            batch_data_samples (list[DetDataSample]): what is known of each image; gets the predictions.
            rescale (bool): masks of the original images' sizes, not of the input's.
        """
        sequence = self.unroll(batch_inputs, self.max_steps)
        masks = sequence.masks.unflatten(-1, batch_inputs.shape[-2:])
        classes = None if sequence.classes is None else sequence.classes.softmax(-1)
        results = []
        for index, sample in enumerate(batch_data_samples):
            results.append(
                self._instances(
                    masks[index],
                    sequence.stop[index].sigmoid(),
                    None if classes is None else classes[index],
                    None if sequence.boxes is None else sequence.boxes[index],
                    sample.metainfo,
                    rescale,
                )
            )
        return self.add_pred_to_datasample(batch_data_samples, results)

    def _instances(
        self, masks: Tensor, stop: Tensor, classes: Tensor | None, boxes: Tensor | None, meta: dict, rescale: bool
    ) -> InstanceData:
        """One image: probabilities ``(K, h, w)``, ``(K,)``, ``(K, C)``, ``(K, 4)`` to instances."""
        cfg, input_size = self.test_cfg, masks.shape[-2:]
        height, width = meta['img_shape'][:2]
        masks = masks[:, :height, :width]
        if rescale and tuple(meta['ori_shape'][:2]) != (height, width):
            masks = F.interpolate(masks[None], tuple(meta['ori_shape'][:2]), mode='bilinear', align_corners=False)[0]
        binary = masks > cfg.mask_thr
        if cfg.largest_component:
            binary = torch.stack([largest_component(mask) for mask in binary])
        keep = stop >= cfg.stop_thr
        if cfg.stop == 'break':
            keep = keep.cumprod(0).bool()
        keep &= binary.flatten(1).sum(1) >= max(cfg.min_area * binary[0].numel(), 1)
        steps = keep.nonzero()[:, 0]
        if classes is None:
            labels, scores = torch.zeros_like(steps), stop[steps]
        elif cfg.per_class:
            num_classes = classes.shape[1] - 1
            scores = (classes[steps, 1:] * stop[steps, None]).flatten()
            labels = torch.arange(num_classes, device=steps.device).repeat(len(steps))
            steps = steps.repeat_interleave(num_classes)
            if len(scores) > cfg.max_per_img:
                best = scores.topk(cfg.max_per_img).indices.sort().values
                scores, labels, steps = scores[best], labels[best], steps[best]
        else:
            confidence, labels = classes[steps, 1:].max(1)
            scores = confidence * stop[steps]
        result = InstanceData(masks=binary[steps], labels=labels, scores=scores, steps=steps)
        if boxes is None:
            result.bboxes = boxes_of_masks(result.masks)
        else:
            size = [s / i * f for s, i, f in zip(binary.shape[-2:], (height, width), input_size, strict=True)]
            result.bboxes = boxes[steps] * boxes.new_tensor([size[1], size[0], size[1], size[0]])
        return result


def largest_component(mask: Tensor) -> Tensor:
    """The largest 8-connected part of a bool mask ``(H, W)``."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.cpu().numpy().astype(np.uint8))
    if count <= 2:
        return mask
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return torch.from_numpy(labels == largest).to(mask.device)


def _stacked(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    """Readings of K steps, each ``(B, C)``, as ``(B, K, C)``; None for a reading that the head does not have."""
    present = [part for part in parts if part is not None]
    return torch.stack(present, 1) if present else None
