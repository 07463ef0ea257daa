"""Losses of a sequence of instances against the objects of an image (RSIS, RIS)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS, TASK_UTILS
from mmvos.structures import InputError
from mmvos.utils.ranks import mean_of_batch

from .soft_iou_loss import mean_of_valid, soft_iou_cost, sums


class InstanceSequence(NamedTuple):
    """What a network says in K steps: mask probabilities ``(B, K, P)``, stop logits ``(B, K)`` (positive: an object),
    class logits ``(B, K, C)`` or None, boxes ``(B, K, 4)`` as shares of width and height or None."""

    masks: Tensor
    stop: Tensor
    classes: Tensor | None = None
    boxes: Tensor | None = None


class InstanceTargets(NamedTuple):
    """The objects of a batch, padded to G: masks ``(B, G, P)`` in {0, 1}, ``valid`` ``(B, G)`` (True for the first n),
    classes int64 ``(B, G)`` (0: end of the sequence), boxes ``(B, G, 4)`` as shares of width and height."""

    masks: Tensor
    valid: Tensor
    classes: Tensor
    boxes: Tensor | None = None


@MODELS.register_module()
class RSISLoss(nn.Module):
    """``L = L_mask + alpha L_box + beta L_class + gamma L_stop`` over matched steps (RSIS, section 3.3).

    The weights are attributes, so that hooks can add one term after the other; a term of weight 0 has zero gradients.

    Args:
        box_weight, class_weight, stop_weight (float): alpha, beta, gamma.
        stop_balance (float): factor of the cross entropy of the stop.
        assigner (dict | None): config of the matching.
    """

    def __init__(
        self,
        box_weight: float = 0.0,
        class_weight: float = 0.1,
        stop_weight: float = 0.5,
        stop_balance: float = 0.5,
        assigner: dict | None = None,
    ) -> None:
        super().__init__()
        self.box_weight, self.class_weight, self.stop_weight = box_weight, class_weight, stop_weight
        self.stop_balance = stop_balance
        self.assigner = TASK_UTILS.build(assigner or dict(type='FirstNHungarianAssigner'))

    def forward(self, sequence: InstanceSequence, targets: InstanceTargets) -> dict[str, Tensor]:
        """Weighted terms ``{name: scalar}``.

        Args:
            sequence (InstanceSequence): what the network gives.
            targets (InstanceTargets): the annotated instances.

        Raises:
            InputError: the network gives boxes, but the targets have none.
        """
        order, _ = self.assigner(sequence.masks, targets.masks, targets.valid)
        matched, index = order >= 0, order.clamp(min=0)
        truth = targets.masks.gather(1, index[..., None].expand(-1, -1, targets.masks.shape[-1]))
        losses = dict(loss_mask=mean_of_valid(*sums(soft_iou_cost(sequence.masks, truth), matched)))
        losses['loss_stop'] = self.stop_weight * self._stop(sequence.stop, targets.valid)
        if sequence.classes is not None:
            costs = class_cost(sequence.classes.log_softmax(-1), targets.classes.gather(1, index))
            losses['loss_class'] = self.class_weight * _mean(costs, matched)
        if sequence.boxes is not None:
            if targets.boxes is None:
                raise InputError('the network gives boxes, but the targets have none.')
            aims = targets.boxes.gather(1, index[..., None].expand(-1, -1, 4))
            losses['loss_box'] = self.box_weight * _mean((sequence.boxes - aims).square().mean(-1), matched)
        return losses

    def _stop(self, logits: Tensor, valid: Tensor) -> Tensor:
        """1 for as many steps as there are objects, then 0 once; later steps do not count."""
        count = valid.sum(1, keepdim=True)
        position = torch.arange(logits.shape[1], device=logits.device)[None]
        return _mean(stop_cost(logits, (position < count).to(logits), self.stop_balance), position <= count)


@MODELS.register_module()
class RISLoss(nn.Module):
    """Loss of RIS: matched intersection over union and confidence, averaged over the steps of each image.

    ``(sum over matched (-IoU + lambda BCE(s, 1)) + lambda sum over the other steps BCE(s, 0)) / steps``.

    Args:
        score_weight (float): lambda.
        extra_steps (int): steps beyond the objects that count.
        assigner (dict | None): config of the matching.
    """

    def __init__(self, score_weight: float = 1.0, extra_steps: int = 2, assigner: dict | None = None) -> None:
        super().__init__()
        self.score_weight, self.extra_steps = score_weight, extra_steps
        self.assigner = TASK_UTILS.build(assigner or dict(type='FirstNHungarianAssigner'))

    def forward(self, sequence: InstanceSequence, targets: InstanceTargets) -> dict[str, Tensor]:
        """Weighted terms ``{name: scalar}``, ``loss_mask`` with IoU as 1 - IoU: the same up to a constant, and never negative.

        Args:
            sequence (InstanceSequence): what the network gives.
            targets (InstanceTargets): the annotated instances.
        """
        order, _ = self.assigner(sequence.masks, targets.masks, targets.valid)
        matched, index = order >= 0, order.clamp(min=0)
        truth = targets.masks.gather(1, index[..., None].expand(-1, -1, targets.masks.shape[-1]))
        count = targets.valid.sum(1, keepdim=True)
        position = torch.arange(order.shape[1], device=order.device)[None]
        used = position < count + self.extra_steps
        steps = used.sum(1)
        scores = stop_cost(sequence.stop, (position < count).to(sequence.stop), 1.0)
        masks = soft_iou_cost(sequence.masks, truth)
        return dict(
            loss_mask=((masks * matched).sum(1) / steps).mean(),
            loss_score=self.score_weight * ((scores * used).sum(1) / steps).mean(),
        )


def class_cost(log_probabilities: Tensor, target: Tensor) -> Tensor:
    """``-log p[target]``: ``(..., C)`` and int64 ``(...)`` to ``(...)``."""
    return -log_probabilities.gather(-1, target[..., None])[..., 0]


def stop_cost(logits: Tensor, target: Tensor, balance: float = 0.5) -> Tensor:
    """Binary cross entropy of each step, times ``balance``, in the shape of its arguments.

    Args:
        logits (Tensor): of "the sequence goes on", ``(B, T)``.
        target (Tensor): 0 or 1, ``(B, T)``.
        balance (float): factor.
    """
    return balance * F.binary_cross_entropy_with_logits(logits, target, reduction='none')


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    """Mean over the entries that count, of all processes; 0 if none does."""
    return mean_of_batch((values * counts).sum(), counts.sum())
