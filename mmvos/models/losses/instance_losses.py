"""Losses over one probability map per instance."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils.amp import in_float32, widened
from mmvos.utils.ranks import mean_of_batch

EPS = 1e-6


class WIDTerms(NamedTuple):
    """Terms of each sample: ``data``, ``overlap`` and ``absent`` parts ``(B,)`` of the loss, and ``dice`` ``(B, N)`` of every
    channel with its mask (0 where the mask is empty)."""

    data: Tensor
    overlap: Tensor
    absent: Tensor
    dice: Tensor


@in_float32
def pairwise_dice(a: Tensor, b: Tensor, squared: bool = False) -> Tensor:
    """Dice of every map of a with every map of b.

    ``2 sum(a b) / (sum a + sum b + eps)``; eps stands in the denominator only, or two empty maps would overlap fully.

    Args:
        a, b (Tensor): ``(B, N, P)``, ``(B, M, P)``.
        squared (bool): squares in the denominator.

    Returns:
        ``(B, N, M)``.
    """
    a, b = widened(a), widened(b)
    size_a, size_b = ((x.square() if squared else x).sum(-1) for x in (a, b))
    return 2 * torch.einsum('bnp,bmp->bnm', a, b) / (size_a[:, :, None] + size_b[:, None, :] + EPS)


@in_float32
def wid_terms(
    probabilities: Tensor,
    masks: Tensor,
    valid: Tensor,
    *,
    use_alpha: bool = True,
    empty: str = 'mean',
    squared: bool = False,
    reduction: str = 'sum',
) -> WIDTerms:
    """Parts of the weighted instance Dice loss (MAIN, equation 1) of each sample; see :class:`WIDLoss`.

    Args:
        probabilities, masks (Tensor): ``(B, N, H, W)`` in [0, 1].
        valid (Tensor): bool ``(B, N)``: channels of objects that the video has shown so far, visible or not.
        use_alpha (bool): small instances count for more (alpha of the paper).
        empty (str): data term of an object that is hidden: ``'mean'``, its mean probability; ``'ignore'``, 0.
        squared (bool): squares in the denominator of Dice.
        reduction (str): over the instances of a sample: ``'sum'``, as in the paper, or ``'mean'``.
    """
    p, g = widened(probabilities).flatten(2), widened(masks).flatten(2)
    valid = valid.to(p.dtype)
    mean = p.mean(-1)
    visible = (g.sum(-1) > 0).to(p.dtype)
    size = (g.square() if squared else g).sum(-1) + (p.square() if squared else p).sum(-1)
    dice = 2 * (p * g).sum(-1) / (size + EPS)
    alpha = 1 - g.mean(-1) if use_alpha else torch.ones_like(mean)
    hidden = mean if empty == 'mean' else torch.zeros_like(mean)
    data = (valid * (visible * alpha * (1 - dice) + (1 - visible) * hidden)).sum(1)
    pairs = valid[:, :, None] * valid[:, None, :] * (1 - torch.eye(p.shape[1], dtype=p.dtype, device=p.device))
    overlap = (pairs * pairwise_dice(p, p, squared)).sum((1, 2))
    absent = ((1 - valid) * mean).sum(1)
    if reduction == 'mean':
        count = valid.sum(1)
        data = data / count.clamp(min=1)
        overlap = overlap / (count * (count - 1)).clamp(min=1)
        absent = absent / (p.shape[1] - count).clamp(min=1)
    return WIDTerms(data, overlap, absent, dice * visible)


@MODELS.register_module()
class WIDLoss(BaseModule):
    """Weighted instance Dice loss: Dice of every instance, small ones weighing more, and a penalty on their overlap.

    Source: MAIN, section 3.1, equation 1. The paper leaves hidden objects and unused channels open; both cost the
    mean of their probabilities, since the Dice of an empty mask has no gradient.

    Args:
        use_alpha (bool): weigh an instance by 1 - its share of the frame.
        overlap_weight (float): weight of the penalty; every ordered pair of valid channels counts.
        absent_weight (float): weight of the mean probability of channels without object.
        empty (str): what a valid channel with an empty mask costs: ``'mean'`` of its probabilities, or ``'ignore'`` (0).
        squared (bool): squares in the denominators of the Dice.
        reduction (str): over instances: ``'sum'`` (the equation) or ``'mean'``. The mean over the batch follows.
        loss_weight (float): weight of the whole.

    Raises:
        InputError: unknown ``empty`` or ``reduction``.
    """

    def __init__(
        self,
        use_alpha: bool = True,
        overlap_weight: float = 1.0,
        absent_weight: float = 1.0,
        empty: str = 'mean',
        squared: bool = False,
        reduction: str = 'sum',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if empty not in ('mean', 'ignore') or reduction not in ('sum', 'mean'):
            raise InputError(f"empty is {empty!r}, reduction {reduction!r}; expected 'mean' or 'ignore', and 'sum' or 'mean'.")
        self.use_alpha, self.empty, self.squared, self.reduction = use_alpha, empty, squared, reduction
        self.overlap_weight, self.absent_weight, self.loss_weight = overlap_weight, absent_weight, loss_weight

    def forward(self, logits: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        """The loss, a scalar; computed in float32.

        Args:
            logits (Tensor): ``(B, N, H, W)``.
            masks (Tensor): 0 or 1, ``(B, N, H, W)``.
            valid (Tensor): bool ``(B, N)``, whether a channel has an object.
        """
        return self.from_probabilities(logits.float().sigmoid(), masks, valid)

    def from_probabilities(self, probabilities: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        """The loss of probabilities, in their own precision.

        Args:
            probabilities, masks (Tensor): ``(B, N, H, W)`` in [0, 1].
            valid (Tensor): bool ``(B, N)``, see :func:`wid_terms`.
        """
        terms = wid_terms(
            probabilities,
            masks.to(probabilities.dtype),
            valid,
            use_alpha=self.use_alpha,
            empty=self.empty,
            squared=self.squared,
            reduction=self.reduction,
        )
        total = terms.data + self.overlap_weight * terms.overlap + self.absent_weight * terms.absent
        return self.loss_weight * total.mean()


@MODELS.register_module()
class InstanceBCELoss(BaseModule):
    """Binary cross entropy, mean over channels and pixels.

    Args:
        channels (str): ``'all'``, or ``'valid'``: only those of objects that the video has.
        loss_weight (float): weight of the whole.

    Raises:
        InputError: unknown ``channels``.
    """

    def __init__(self, channels: str = 'all', loss_weight: float = 1.0) -> None:
        super().__init__()
        if channels not in ('all', 'valid'):
            raise InputError(f"channels is {channels!r}; expected 'all' or 'valid'.")
        self.channels, self.loss_weight = channels, loss_weight

    def forward(self, logits: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        """The loss, a scalar.

        Args:
            logits (Tensor): ``(B, N, H, W)``.
            masks (Tensor): 0 or 1, ``(B, N, H, W)``.
            valid (Tensor): bool ``(B, N)``, whether a channel has an object.
        """
        logits = logits.double() if logits.dtype == torch.float64 else logits.float()
        cost = F.binary_cross_entropy_with_logits(logits, masks.to(logits.dtype), reduction='none').mean((2, 3))
        if self.channels == 'all':
            return self.loss_weight * cost.mean()
        weight = valid.to(cost.dtype)
        return self.loss_weight * mean_of_batch((cost * weight).sum(), weight.sum())


@MODELS.register_module()
class StagedLoss(BaseModule):
    """One loss for the first iterations, another after them.

    Args:
        first (dict): config of the loss of the first ``iters`` training iterations.
        then (dict): config of the loss after them.
        iters (int): 0: ``then`` from the start.
    """

    def __init__(self, first: dict, then: dict, iters: int) -> None:
        super().__init__()
        self.first, self.then, self.iters = MODELS.build(first), MODELS.build(then), iters
        self.register_buffer('done', torch.zeros((), dtype=torch.long))  # in the checkpoint: a resumed run goes on

    def forward(self, logits: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        loss = self.first if int(self.done) < self.iters else self.then
        if self.training:
            self.done += 1
        return loss(logits, masks, valid)


def slot_statistics(logits: Tensor, masks: Tensor, valid: Tensor | None = None) -> dict:
    """Per slot: mean probability, and mean Dice over the samples that show an object there. Slots that learn nothing
    are seen in these numbers only.

    Args:
        logits (Tensor): ``(B, N, H, W)``, a channel for each slot.
        masks (Tensor): ``(B, N, H, W)`` in [0, 1].
        valid (Tensor | None): bool ``(B, N)``: slots with an object that the video has shown so far; None: all.

    Returns:
        ``{'slot0_mean': ..., 'slot0_dice': ...}``, without gradient.
    """
    with torch.no_grad():
        probabilities = logits.detach().float().sigmoid()
        visible = masks.flatten(2).any(2).float()
        everyone = torch.ones_like(visible) if valid is None else valid
        dice = wid_terms(probabilities, masks.float(), everyone).dice.sum(0) / visible.sum(0).clamp(min=1)
        mean = probabilities.mean((0, 2, 3))
    return {f'slot{k}_{name}': value[k] for k in range(len(mean)) for name, value in (('mean', mean), ('dice', dice))}
