"""Losses of masks that are given as log-probabilities."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import VOID


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
        if self.hard_ratio < 1:
            per_pixel = F.nll_loss(log_probs, targets, ignore_index=VOID, reduction='none')[targets != VOID]
            loss = per_pixel.topk(max(1, int(self.hard_ratio * per_pixel.numel())), sorted=False)[0].mean()
        else:
            loss = F.nll_loss(log_probs, targets, ignore_index=VOID)
        if self.overlap_weight:
            known = (targets != VOID).to(log_probs.dtype)
            truth, foreground = (targets == 1).to(log_probs.dtype), log_probs[:, 1].exp() * known
            intersection = (foreground * truth).sum((1, 2))
            union = (foreground + truth - foreground * truth).sum((1, 2))
            loss = loss + self.overlap_weight * torch.mean(1 - (intersection + 1) / (union + 1))
        return self.loss_weight * loss
