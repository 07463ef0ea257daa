"""Appearance embeddings of instances."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.task_modules import SamplingResult
from mmdet.models.tracking_heads import RoIEmbedHead
from torch import Tensor

from mmvos.registry import MODELS
from mmvos.structures import InputError


@MODELS.register_module()
class TrackEmbedHead(RoIEmbedHead):
    """mmdet's ``RoIEmbedHead`` with two corrections.

    - mmdet puts a ReLU behind the last layer, so that no embedding has a negative number, no dot product is below the
      0 of "a new instance", and new instances are missed. The last layer is linear here, as in "Video Instance
      Segmentation".
    - mmdet leaves the loss out for a batch without proposals, which stops a distributed run; here it is 0 then.

    Args:
        final_relu (bool): True for weights that were trained with mmdet or mmtracking.
        loss_normaliser (str): the loss of an image is divided by the number of its positive proposals that are in the
            reference frame (``'matched'``, mmdet), or of all positive ones (``'positive'``, the original).
        skip_single_positive (bool): an image with exactly one positive proposal gives no loss (a quirk of the original).
        args (Any), kwargs (Any): arguments of ``mmdet.RoIEmbedHead``.

    Raises:
        InputError: unknown ``loss_normaliser``.
    """

    def __init__(
        self,
        *args: Any,
        final_relu: bool = False,
        loss_normaliser: str = 'matched',
        skip_single_positive: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if loss_normaliser not in ('matched', 'positive'):
            raise InputError(f"loss_normaliser is {loss_normaliser!r}; expected 'matched' or 'positive'.")
        self.final_relu, self.loss_normaliser = final_relu, loss_normaliser
        self.skip_single_positive = skip_single_positive

    def extract_feat(self, x: Tensor, num_x_per_img: list[int]) -> tuple[Tensor, ...]:
        """RoI features ``(n, c, s, s)`` of a batch to embeddings ``(n_b, channels)`` per image."""
        if self.final_relu or not self.fcs:
            return super().extract_feat(x, num_x_per_img)
        for conv in self.convs:
            x = conv(x)
        if self.with_avg_pool:
            x = self.avg_pool(x)
        x = x.flatten(1)
        for fc in self.fcs[:-1]:
            x = self.relu(fc(x))
        return self.fcs[-1](x).split(num_x_per_img)

    def embed(self, roi_feats: Tensor) -> Tensor:
        """Embeddings ``(n, channels)`` of one image.

        Args:
            roi_feats (Tensor): RoI features ``(n, c, s, s)``.
        """
        return self.extract_feat(roi_feats, [len(roi_feats)])[0]

    @staticmethod
    def similarity(embeddings: Tensor, memory: Tensor) -> Tensor:
        """Logits ``(n, 1 + N)``: 0 for a new instance, then the dot products with those in memory.

        Args:
            embeddings (Tensor): ``(n, channels)``.
            memory (Tensor): ``(N, channels)``.
        """
        return F.pad(embeddings @ memory.t(), (1, 0))

    def loss_by_feat(
        self,
        x_split: Sequence[Tensor],
        ref_x_split: Sequence[Tensor],
        sampling_results: list[SamplingResult],
        gt_instance_ids: list[Tensor],
        ref_gt_instance_ids: list[Tensor],
        reduction_override: str | None = None,
    ) -> dict:
        """Losses of a batch, with the arguments of ``mmdet.RoIEmbedHead``.

        Args:
            x_split (Sequence[Tensor]): for each image, embeddings ``(P, C)`` of the proposals in the key frame.
            ref_x_split (Sequence[Tensor]): for each image, embeddings ``(R, C)`` of the objects of the reference frame.
            sampling_results (list[SamplingResult]): for each image, which object each proposal was matched with.
            gt_instance_ids (list[Tensor]): for each image, int ``(G,)``: instance ids of the key frame's objects.
            ref_gt_instance_ids (list[Tensor]): for each image, int ``(R,)``: instance ids of the reference frame's objects.
            reduction_override (str | None): reduction of the loss in place of its own.
        """
        targets, weights = self.get_targets(sampling_results, gt_instance_ids, ref_gt_instance_ids)
        logits = [self.similarity(x, ref) for x, ref in zip(x_split, ref_x_split, strict=True)]
        return self.match_loss(logits, targets, weights, reduction_override)

    def match_loss(
        self, logits: list[Tensor], targets: list[Tensor], weights: list[Tensor], reduction_override: str | None = None
    ) -> dict:
        """Cross entropy over the positive proposals, and their accuracy.

        Args:
            logits (list[Tensor]): for each image ``(n, 1 + M)``.
            targets (list[Tensor]): for each image ``(n,)``: 1 + index of the same instance in the reference frame; 0: it is
                not there.
            weights (list[Tensor]): for each image ``(n,)``: 1 for positive proposals, else 0.
            reduction_override (str | None): see ``mmdet.RoIEmbedHead``.
        """
        losses, accuracies = [], []
        for logit, target, weight in zip(logits, targets, weights, strict=True):
            positive = weight > 0
            count = int(positive.sum())
            counted = count if self.loss_normaliser == 'positive' else int((target > 0).sum())
            if not count or (count == 1 and self.skip_single_positive):
                losses.append(logit.sum() * 0)
                continue
            losses.append(
                self.loss_match(logit, target, weight, avg_factor=max(counted, 1), reduction_override=reduction_override)
            )
            accuracies.append((logit[positive].argmax(1) == target[positive]).float().mean() * 100)
        accuracy = torch.stack(accuracies).mean() if accuracies else losses[0].new_zeros(())
        return dict(loss_match=sum(losses) / len(losses), match_accuracy=accuracy)
