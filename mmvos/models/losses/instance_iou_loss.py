"""Intersection over union of soft masks, per object."""

import torch
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError


def hard_iou(probabilities: Tensor, masks: Tensor, valid: Tensor, threshold: float = 0.5) -> Tensor:
    """IoU of thresholded masks; 1 where both are empty.

    Args:
        probabilities (Tensor): ``(N, H, W)``.
        masks (Tensor): true masks 0/1 ``(N, H, W)``.
        valid (Tensor): bool ``(H, W)``; pixels that count.
        threshold (float): probability above which a pixel is in the mask.

    Returns:
        ``(N,)``.
    """
    predicted, true = (probabilities > threshold) & valid, (masks > 0.5) & valid
    union = (predicted | true).flatten(1).sum(1)
    return torch.where(union > 0, (predicted & true).flatten(1).sum(1) / union.clamp(min=1), 1.0)


@MODELS.register_module()
class InstanceIoULoss(nn.Module):
    """``1 - IoU`` of each object's soft mask, averaged over objects, absent ones included.

    Source: AGSS-VOS (Lin et al., ICCV 2019), equation 7.

    Args:
        form (str): ``'minmax'``: sum of minima over sum of maxima; ``'product'``: sum of p y over sum of p + y - p y. They
            are equal for binary labels.
        loss_weight (float): factor.
        eps (float): added to the union.

    Raises:
        InputError: unknown ``form``.
    """

    def __init__(self, form: str = 'minmax', loss_weight: float = 1.0, eps: float = 1e-7) -> None:
        super().__init__()
        if form not in ('minmax', 'product'):
            raise InputError(f"form is {form!r}; expected 'minmax' or 'product'.")
        self.form, self.loss_weight, self.eps = form, loss_weight, eps

    def forward(self, probabilities: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        """Scalar loss from probabilities and true masks ``(N, H, W)``, over the ``valid`` pixels, bool ``(H, W)`` or
        ``(N, H, W)``."""
        p, y = probabilities.float(), masks.float()
        if self.form == 'minmax':
            overlap, union = torch.minimum(p, y), torch.maximum(p, y)
        else:
            overlap = p * y
            union = p + y - overlap
        overlap, union = ((x * valid).flatten(1).sum(1) for x in (overlap, union))
        return self.loss_weight * (1 - overlap / (union + self.eps)).mean()
