"""Loss of soft label maps: cross entropy that counts edges more, and overlap."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.utils.ranks import mean_of_batch


@MODELS.register_module()
class LabelMapLoss(nn.Module):
    """Cross entropy of labels whose true shares are soft (areas of cells), plus 1 - soft IoU of each object.

    Args:
        edge_weight (float): additional weight of cells within two cells of an edge.
        overlap_weight (float): weight of the overlap.
        smooth (float): cells that are added to intersection and union.
        loss_weight (float): factor of the whole.
    """

    def __init__(
        self, edge_weight: float = 2.0, overlap_weight: float = 0.5, smooth: float = 5.0, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.edge_weight, self.overlap_weight = edge_weight, overlap_weight
        self.smooth, self.loss_weight = smooth, loss_weight

    def forward(self, logits: Tensor, shares: Tensor, valid: Tensor, present: Tensor) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            logits (Tensor): ``(B, L, h, w)``.
            shares (Tensor): true shares of the labels, ``(B, L, h, w)``.
            valid (Tensor): share of each cell that is not void, ``(B, h, w)``.
            present (Tensor): bool ``(B, L)``: the labels that are objects of the sample.
        """
        return self.mean(*self.terms(logits, shares, valid, present))

    def mean(self, totals: Tensor, counts: Tensor) -> Tensor:
        """The loss ``(...)`` of one or several frames.

        Args:
            totals (Tensor): sums of :meth:`terms`, ``(..., 2)``.
            counts (Tensor): numbers of :meth:`terms`, ``(..., 2)``.
        """
        return self.loss_weight * mean_of_batch(totals, counts).sum(-1)

    def terms(self, logits: Tensor, shares: Tensor, valid: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Sums of cross entropy and overlap, and the weight of the cells and the number of objects in them.

        Args:
            logits (Tensor): ``(B, L, h, w)``.
            shares (Tensor): true shares of the labels, ``(B, L, h, w)``; their sum is 1, less where there is void.
            valid (Tensor): share of each cell that is not void, ``(B, h, w)``.
            present (Tensor): bool ``(B, L)``: the labels that are objects of the sample.

        Returns:
            tuple[Tensor, Tensor]: sums and counts, each ``(2,)``.
        """
        log_probs = logits.log_softmax(1)
        with torch.no_grad():
            around = F.avg_pool2d(shares, 5, 1, 2, count_include_pad=False)
            edge = ((around > 1e-3) & (around < 1 - 1e-3)).any(1)
            weight = (1 + self.edge_weight * edge) * valid
        entropy = (-(log_probs * shares).sum(1) * weight).sum()
        probs, true, valid = log_probs.exp()[present], shares[present], valid[:, None].expand_as(shares)[present]
        both = (probs * true * valid).sum((1, 2))
        either = ((probs + true - probs * true) * valid).sum((1, 2))
        overlap = self.overlap_weight * (1 - (both + self.smooth) / (either + self.smooth)).sum()
        return torch.stack([entropy, overlap]), torch.stack([weight.sum(), weight.new_tensor(float(len(probs)))])


@MODELS.register_module()
class BalancedLabelLoss(nn.Module):
    """Cross entropy of labels in which every label of a sample has about the same share, however small it is.

    Args:
        smooth (float): cells that are added to the area of each label, so that a tiny one does not rule.
        loss_weight (float): factor.
    """

    def __init__(self, smooth: float = 20.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.smooth, self.loss_weight = smooth, loss_weight

    def forward(self, log_probs: Tensor, shares: Tensor) -> Tensor:
        """The loss, a scalar.

        Args:
            log_probs (Tensor): logarithms of the labels' probabilities, ``(B, L, h, w)``.
            shares (Tensor): true shares of the labels, ``(B, L, h, w)``.
        """
        area = shares.sum((2, 3), keepdim=True)
        weight = (shares / (area + self.smooth)).sum(1)
        weight = weight / weight.sum((1, 2), keepdim=True).clamp(min=1e-6)
        return self.loss_weight * (-(log_probs * shares).sum(1) * weight).sum() / len(shares)
