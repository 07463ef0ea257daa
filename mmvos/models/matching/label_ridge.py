"""Linear scores of the labels of a video, fitted in closed form; gradients go through the fit."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.utils.amp import in_float32

from .ridge_target import Moments


@MODELS.register_module()
class LabelRidge(nn.Module):
    """Ridge regression from learned features to labels, for a batch of videos.

    It sees whole frames and knows no places. Unlike :class:`RidgeTarget` it is part of the training: the features are
    learned so that the fit to one frame is right in the next. The idea is that of Bhat et al., "Learning What to Learn for
    Video Object Segmentation", ECCV 2020 (section 3.2, few-shot learner), with an exact solution in place of steps of
    steepest descent. Every label has the same share of the weights, however small it is.

    Everything is computed in float32, also under mixed precision.

    Args:
        log_ridge (float): initial logarithm of what is added to the diagonal of the moments; it is learned.
    """

    def __init__(self, log_ridge: float = -1.6) -> None:
        super().__init__()
        self.log_ridge = nn.Parameter(torch.tensor(log_ridge))

    @in_float32
    def moments(self, features: Tensor, labels: Tensor, trusted: Tensor | None = None) -> Moments:
        """Weighted sums over the cells of a frame.

        Args:
            features (Tensor): ``(B, D, h, w)``.
            labels (Tensor): shares of the labels in each cell, ``(B, L, h, w)``, sum 1.
            trusted (Tensor): whether a cell counts, bool ``(B, h, w)`` (default: all do).

        Returns:
            Moments: ``gram`` ``(B, D + 1, D + 1)``, ``cross`` ``(B, D + 1, L)``; the last feature is 1.
        """
        x = F.pad(features.float().flatten(2), (0, 0, 0, 1), value=1.0)
        y = labels.float().flatten(2)
        share = y if trusted is None else y * trusted.flatten(1)[:, None]
        mass = share.sum(2, keepdim=True)
        present = (mass > 1e-3).sum(1, keepdim=True).clamp(min=1)
        weighted = x * ((share / mass.clamp(min=1e-3)).sum(1, keepdim=True) / present)
        return Moments(torch.bmm(weighted, x.transpose(1, 2)), torch.bmm(weighted, (2 * y - 1).transpose(1, 2)))

    @in_float32
    def fit(self, moments: Moments) -> Tensor:
        """Weights ``(B, D + 1, L)``."""
        eye = torch.eye(moments.gram.shape[-1], device=moments.gram.device)
        # what is factorised is positive definite; asking whether it was would make the host wait for a GPU
        factor, _ = torch.linalg.cholesky_ex(moments.gram + self.log_ridge.exp() * eye)
        return torch.cholesky_solve(moments.cross, factor)

    @in_float32
    def score(self, features: Tensor, weights: Tensor) -> Tensor:
        """Scores ``(B, L, h, w)``: about 1 where a label is and -1 where it is not.

        Args:
            features (Tensor): ``(B, D, h, w)``.
            weights (Tensor): ``(B, D + 1, L)``, of :meth:`fit`.
        """
        scores = torch.baddbmm(weights[:, -1, :, None], weights[:, :-1].transpose(1, 2), features.float().flatten(2))
        return scores.view(len(features), -1, *features.shape[-2:])
