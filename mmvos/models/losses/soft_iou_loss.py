"""Relaxed intersection over union, and the assignment of a sequence of predictions to objects by it."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from mmvos.registry import MODELS, TASK_UTILS
from mmvos.utils.amp import in_float32, widened
from mmvos.utils.ranks import mean_over_ranks


@in_float32
def soft_iou_cost(pred: Tensor, target: Tensor, eps: float = 1e-6) -> Tensor:
    """``1 - sum(p y) / (sum(p + y - p y) + eps)`` over the last dimension.

    Args:
        pred (Tensor): probabilities ``(..., P)``.
        target (Tensor): ``(..., P)`` in {0, 1}, of a shape that broadcasts.
        eps (float): added to the union.

    Returns:
        ``(...)``; exactly 1, without a gradient, for an empty target.
    """
    pred, target = widened(pred), widened(target)
    overlap = (pred * target).sum(-1)
    return 1 - overlap / (pred.sum(-1) + target.sum(-1) - overlap + eps)


@in_float32
def pairwise_soft_iou_cost(pred: Tensor, target: Tensor, eps: float = 1e-6) -> Tensor:
    """Cost of every pair, 1 - soft IoU: ``(B, G, K)``.

    Args:
        pred (Tensor): probabilities ``(B, K, P)`` of K predictions at P pixels.
        target (Tensor): ``(B, G, P)`` of G objects, in [0, 1].
        eps (float): added to the union.
    """
    pred, target = widened(pred), widened(target)
    overlap = torch.einsum('bgp,bkp->bgk', target, pred)
    union = target.sum(-1)[:, :, None] + pred.sum(-1)[:, None] - overlap
    return 1 - overlap / (union + eps)


def sums(costs: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Sums ``(2,)`` of the costs that are ``valid`` and of all, and their numbers ``(2,)``."""
    weight = valid.to(costs.dtype)
    totals, counts = [(costs * weight).sum(), costs.sum()], [weight.sum(), weight.new_tensor(float(costs.numel()))]
    return torch.stack(totals), torch.stack(counts)


def mean_of_valid(totals: Tensor, counts: Tensor) -> Tensor:
    """Mean ``(...)`` over the valid costs of all processes, or over all costs if none is valid.

    Args:
        totals (Tensor): sums ``(..., 2)``, see :func:`sums`.
        counts (Tensor): numbers ``(..., 2)``.
    """
    mean = mean_over_ranks(counts)
    by_valid, by_all = (totals / mean.clamp(min=1e-6)).unbind(-1)
    return torch.where(mean[..., 0] > 0, by_valid, by_all)


@MODELS.register_module()
class SoftIoULoss(nn.Module):
    """Mean soft IoU cost over the valid masks of a batch, that of all processes (RSIS, RVOS).

    Args:
        loss_weight (float): factor.
        use_sigmoid (bool): whether predictions are logits (True) or probabilities.
        eps (float): added to the union.
    """

    def __init__(self, loss_weight: float = 1.0, use_sigmoid: bool = True, eps: float = 1e-6) -> None:
        super().__init__()
        self.loss_weight, self.use_sigmoid, self.eps = loss_weight, use_sigmoid, eps

    def forward(self, pred: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
        """Loss of masks.

        Args:
            pred (Tensor): ``(..., P)``, masks flattened.
            target (Tensor): ``(..., P)`` in {0, 1}.
            valid (Tensor | None): ``(...)``; which masks count (None, or none in the batch: all).
        """
        return self.mean(*self.terms(pred, target, valid))

    def terms(self, pred: Tensor, target: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """:func:`sums` of the costs of a frame's masks: totals and counts, ``(2,)`` each.

        Args:
            pred (Tensor): see :meth:`forward`.
            target (Tensor): see :meth:`forward`.
            valid (Tensor | None): see :meth:`forward`.
        """
        costs = soft_iou_cost(pred.sigmoid() if self.use_sigmoid else pred, target.to(pred.dtype), self.eps)
        return sums(costs, torch.ones_like(costs) if valid is None else valid)

    def mean(self, totals: Tensor, counts: Tensor) -> Tensor:
        """The loss ``(...)`` of one or several frames.

        Args:
            totals (Tensor): sums of :meth:`terms`, ``(..., 2)``.
            counts (Tensor): numbers of :meth:`terms`, ``(..., 2)``.
        """
        return self.loss_weight * mean_of_valid(totals, counts)


@TASK_UTILS.register_module()
class FirstNHungarianAssigner:
    """Matches n objects to the **first** n predictions of a sequence; later ones take no part.

    This is what makes a sequence learn to put its objects first and then stop (RIS, RSIS, RVOS zero-shot).

    Args:
        match_first_n (bool): False: any prediction may be matched.
        barred (float): cost of a pair that may not be.
        eps (float): constant of the soft IoU.
    """

    def __init__(self, match_first_n: bool = True, barred: float = 10.0, eps: float = 1e-6) -> None:
        self.match_first_n, self.barred, self.eps = match_first_n, barred, eps

    @torch.no_grad()
    def __call__(self, pred: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Assign objects to predictions.

        Args:
            pred (Tensor): probabilities ``(B, K, P)``.
            target (Tensor): ``(B, G, P)`` in {0, 1}.
            valid (Tensor): ``(B, G)``; which targets are objects. With ``match_first_n`` prediction k takes part if target k is
                valid, as the original has it.

        Returns:
            ``permutation`` int64 ``(B, K)``: the target of each prediction (where it is not matched: -1), and the costs
            ``(B, G, K)`` that were minimised.
        """
        costs = pairwise_soft_iou_cost(pred.float(), target.float(), self.eps)
        num_targets, num_preds = target.shape[1], pred.shape[1]
        allowed = valid.bool()[:, :, None].expand(-1, -1, num_preds).clone()
        if self.match_first_n:
            takes_part = valid.bool().new_zeros(len(valid), num_preds)
            shared = min(num_targets, num_preds)
            takes_part[:, :shared] = valid.bool()[:, :shared]
            allowed &= takes_part[:, None]
        costs = costs.masked_fill(~allowed, self.barred)
        permutation = costs.new_full((len(pred), num_preds), -1, dtype=torch.long)
        for sample, (cost, fits) in enumerate(zip(costs.cpu().double().numpy(), allowed.cpu().numpy(), strict=True)):
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if fits[row, column]:
                    permutation[sample, column] = int(row)
        return permutation, costs
