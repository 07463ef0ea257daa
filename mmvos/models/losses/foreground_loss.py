"""Losses of one foreground mask that is small or large against its background."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils.ranks import mean_of_batch, mean_over_ranks


@MODELS.register_module()
class ForegroundBCELoss(nn.Module):
    """Binary cross entropy weighted by the share eta of foreground pixels in the batch, that of all processes.

    - ``form='paper'``: mean of ``-[(1 - eta) o log y + eta (1 - o) log(1 - y)]``: foreground and background weigh the
      same in total (COSNet, CVPR 2019, eq. 12).
    - ``form='code'``: plain mean, divided by eta: one factor for both classes, as in the authors' training script.

    Args:
        form (str): see above.
        min_fraction (float): lower bound of eta (a batch without foreground would divide by zero).
        loss_weight (float): factor of the result.

    Raises:
        InputError: unknown ``form``.
    """

    def __init__(self, form: str = 'paper', min_fraction: float = 1e-3, loss_weight: float = 1.0) -> None:
        super().__init__()
        if form not in ('paper', 'code'):
            raise InputError(f"ForegroundBCELoss: form is {form!r}; expected 'paper' or 'code'.")
        self.form, self.min_fraction, self.loss_weight = form, min_fraction, loss_weight

    def forward(self, logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
        """The loss, a scalar.

        Args:
            logits (Tensor): ``(...)``.
            target (Tensor): 0 or 1, of the same shape.
            valid (Tensor | None): 0 or 1, of the same shape: pixels that count; None: all.
        """
        valid = target.new_ones(target.shape) if valid is None else valid.to(target.dtype)
        foreground, count = mean_over_ranks(torch.stack([(target * valid).sum(), valid.sum()])).unbind()
        fraction = (foreground / count.clamp(min=1)).clamp(self.min_fraction, 1)
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction='none') * valid
        entropy = entropy * (target * (1 - fraction) + (1 - target) * fraction) if self.form == 'paper' else entropy / fraction
        return self.loss_weight * entropy.sum() / count.clamp(min=1)


@MODELS.register_module()
class MaskL1Loss(nn.Module):
    """Mean absolute difference of the probability and the mask.

    Args:
        loss_weight (float): factor of the result (COSNet: 0.8).
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
        """The loss, a scalar.

        Args:
            logits (Tensor): ``(...)``.
            target (Tensor): 0 or 1, of the same shape.
            valid (Tensor | None): 0 or 1, of the same shape: pixels that count; None: all.
        """
        difference = (logits.sigmoid() - target).abs()
        valid = torch.ones_like(target) if valid is None else valid.to(target.dtype)
        return self.loss_weight * mean_of_batch((difference * valid).sum(), valid.sum())
