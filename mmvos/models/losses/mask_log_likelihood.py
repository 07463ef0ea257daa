"""Losses of masks that are given as log-probabilities."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import VOID
from mmvos.utils.ranks import mean_of_batch, rows_of_all_ranks


@MODELS.register_module()
class MaskLogLikelihoodLoss(nn.Module):
    """Mean negative log-likelihood of the true class over all pixels that are not void.

    Args:
        loss_weight (float): factor.
        hard_ratio (float): share of the pixels, those with the largest loss, that the mean is taken over (1: all).
        overlap_weight (float): weight of an added term ``1 - soft IoU`` of the object, which counts a small object as much as a
            large one; averaged over objects and frames that show the object or a prediction of it.
    """

    def __init__(self, loss_weight: float = 1.0, hard_ratio: float = 1.0, overlap_weight: float = 0.0) -> None:
        super().__init__()
        self.loss_weight, self.hard_ratio, self.overlap_weight = loss_weight, hard_ratio, overlap_weight

    def forward(self, log_probs: Tensor, targets: Tensor) -> Tensor:
        """Scalar loss.

        Args:
            log_probs (Tensor): ``(M, 2, H, W)``, background and object.
            targets (Tensor): int64 ``(M, H, W)``: 0, 1 or 255 (void, ignored).
        """
        per_pixel = F.nll_loss(log_probs, targets, ignore_index=VOID, reduction='none')
        counted = self._counted(per_pixel, targets != VOID)
        loss = mean_of_batch((per_pixel * counted).sum(), counted.sum())
        if self.overlap_weight:
            known = (targets != VOID).to(log_probs.dtype)
            truth, foreground = (targets == 1).to(log_probs.dtype), log_probs[:, 1].exp() * known
            intersection = (foreground * truth).sum((1, 2))
            union = (foreground + truth - foreground * truth).sum((1, 2))
            cost = 1 - (intersection + 1) / (union + 1)
            loss = loss + self.overlap_weight * mean_of_batch(cost.sum(), len(cost))
        return self.loss_weight * loss

    @torch.no_grad()
    def _counted(self, per_pixel: Tensor, known: Tensor) -> Tensor:
        """Bool like ``per_pixel``: pixels that the mean is taken over, which are ``known``."""
        if self.hard_ratio >= 1:
            return known
        losses = rows_of_all_ranks(per_pixel[known])
        chosen = max(1, int(self.hard_ratio * len(losses)))
        return known & (per_pixel >= losses.topk(min(chosen, len(losses)), sorted=False)[0].amin()) if len(losses) else known
