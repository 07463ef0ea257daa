"""A generative model of how an object and its background look: class-conditional Gaussians in feature space."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import PER_OBJECT, InputError

from .object_cue import ObjectCue


@dataclass
class GaussianMixture:
    """Diagonal Gaussians of N objects with K components each: ``means`` and ``variances``, both ``(N, K, C)``.

    Components: 0 background, 1 object, 2 ``hard_fg`` (object cells that look like background), 3 ``hard_bg``
    (background cells that look like the object).
    """

    means: Tensor = field(metadata=PER_OBJECT)
    variances: Tensor = field(metadata=PER_OBJECT)

    def merged(self, other: 'GaussianMixture', merge: Callable[[Tensor, Tensor], Tensor]) -> 'GaussianMixture':
        """The means and variances of this and another mixture, merged.

        Args:
            other (GaussianMixture): the other mixture.
            merge (Callable): function of two tensors ``(N, K, C)`` to one.
        """
        return GaussianMixture(merge(self.means, other.means), merge(self.variances, other.variances))


@MODELS.register_module()
class GaussianAppearance(ObjectCue):
    """Fits Gaussians to the features of an object and its background in closed form, and scores features under them.

    Section 3.1 of Johnander et al., "A Generative Appearance Model for End-to-end Video Object Segmentation", CVPR
    2019, in the form of the authors' code: the sums of a weighted estimate count one more cell, of value 0, so that an
    object without a cell has mean 0 and the variance of the regulariser; and the components 2 and 3 are the paper's 3
    and 2. Everything is differentiable, and is computed in float32 also under mixed precision (scores are in the
    hundreds).

    Args:
        in_channels (int): channels of the backbone's feature map.
        channels (int): C, channels of the projection in which the Gaussians live.
        update_rate (float): lambda, share of the newest frame in :meth:`update`, 0..1; 0: the first frame's Gaussians are
            kept.
        cov_init (float): initial value of the learned regulariser before the softplus.
        hard_components (bool): whether components 2 and 3 exist.
        estimate_variance (bool): False: variances are the learned regulariser alone.
        pseudo_cells (float): number of cells of value 0 that the estimates count (the paper: 0).
        output (str): result of :meth:`forward`: ``'scores'`` (log densities up to a constant) or their ``'posterior'``.
        detach_fit (bool): no gradient through means and variances (the regulariser is frozen then).

    Raises:
        InputError: unknown ``output``.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        channels: int = 512,
        update_rate: float = 0.1,
        cov_init: float = -2.0,
        hard_components: bool = True,
        estimate_variance: bool = True,
        pseudo_cells: float = 1.0,
        output: str = 'scores',
        detach_fit: bool = False,
    ) -> None:
        super().__init__()
        if output not in ('scores', 'posterior'):
            raise InputError(f"GaussianAppearance.output is {output!r}; expected 'scores' or 'posterior'.")
        self.num_components = 4 if hard_components else 2
        self.update_rate, self.hard_components, self.estimate_variance = update_rate, hard_components, estimate_variance
        self.pseudo_cells, self.output, self.detach_fit = pseudo_cells, output, detach_fit
        self.conv_in = nn.Conv2d(in_channels, channels, 1)
        nn.init.kaiming_uniform_(self.conv_in.weight)  # the bias keeps PyTorch's own initialisation
        self.cov_reg = nn.Parameter(torch.full((self.num_components, channels), float(cov_init)), requires_grad=not detach_fit)

    @property
    def out_channels(self) -> int:
        """Channels of :meth:`forward`'s output."""
        return self.num_components

    def project(self, x: Tensor) -> Tensor:
        """Backbone features ``(B, in_channels, h, w)`` to ``(B, C, h, w)``; once per frame, for all objects."""
        return self.conv_in(x)

    def prepare(self, features: Tensor) -> tuple[Tensor, ...]:
        return (self.project(features),)

    def start(self, prepared: tuple[Tensor, ...], masks: Tensor) -> GaussianMixture:
        return self.fit(prepared[0], masks)

    def read(self, prepared: tuple[Tensor, ...], state: GaussianMixture) -> Tensor:
        return self(prepared[0], state)

    def renew(self, prepared: tuple[Tensor, ...], masks: Tensor, state: GaussianMixture) -> GaussianMixture:
        return self.update(prepared[0], masks, state)

    def fit(self, features: Tensor, masks: Tensor) -> GaussianMixture:
        """The Gaussians of one frame.

        Args:
            features (Tensor): result of :meth:`project`, ``(N, C, h, w)``, or ``(1, C, h, w)`` for N objects in one frame.
            masks (Tensor): shares of background and object in each cell, ``(N, 2, h, w)``, sum 1 over dimension 1.
        """
        features, masks = features.float(), masks.float()
        with torch.autocast(features.device.type, enabled=False):
            base = self._estimate(features, masks, 0)
            mixture = base
            if self.hard_components:
                hard = self._estimate(features, self.hard_weights(features, masks, base), 2)
                mixture = base.merged(hard, lambda two, more: torch.cat([two, more], 1))
        return GaussianMixture(mixture.means.detach(), mixture.variances.detach()) if self.detach_fit else mixture

    def update(self, features: Tensor, masks: Tensor, mixture: GaussianMixture) -> GaussianMixture:
        """Gaussians after a frame: a share of ``update_rate`` is that of the frame, the rest that of before.

        Args:
            features (Tensor): result of :meth:`project`, ``(N, C, h, w)`` or ``(1, C, h, w)``.
            masks (Tensor): shares of background and object in each cell, ``(N, 2, h, w)``.
            mixture (GaussianMixture): the Gaussians before.
        """
        if self.update_rate == 0:
            return mixture
        newest = self.fit(features, masks)
        return mixture.merged(newest, lambda old, new: torch.lerp(old, new, self.update_rate))

    def forward(self, features: Tensor, mixture: GaussianMixture) -> Tensor:
        """Scores or posteriors ``(N, K, h, w)`` of the features under each component.

        Args:
            features (Tensor): projected features ``(N, C, h, w)``, batch N or 1.
            mixture (GaussianMixture): K Gaussians of each of N objects.
        """
        with torch.autocast(features.device.type, enabled=False):
            scores = self.log_scores(features.float(), mixture)
            return scores.softmax(1) if self.output == 'posterior' else scores

    @staticmethod
    def log_scores(features: Tensor, mixture: GaussianMixture) -> Tensor:
        """Log densities ``(N, K, h, w)``, without the constant that all share (the prior is uniform).

        Args:
            features (Tensor): projected features ``(N, C, h, w)``, batch N or 1.
            mixture (GaussianMixture): K Gaussians of each of N objects.
        """
        means, variances = mixture.means[..., None, None], mixture.variances[..., None, None]  # (N, K, C, 1, 1)
        squares = (features[:, None] - means).square() / variances
        return -0.5 * (squares + variances.log()).sum(2)

    def hard_weights(self, features: Tensor, masks: Tensor, base: GaussianMixture) -> Tensor:
        """Weights ``(N, 2, h, w)`` of the components 2 and 3: what the base components get wrong in their own frame.

        Args:
            features (Tensor): projected features ``(N, C, h, w)``, batch N or 1.
            masks (Tensor): shares of background and object ``(N, 2, h, w)``.
            base (GaussianMixture): components 0 and 1.
        """
        return F.relu(self.log_scores(features, base).softmax(1) - masks)

    def _estimate(self, features: Tensor, weights: Tensor, first_row: int) -> GaussianMixture:
        """Weighted estimates for ``weights`` ``(N, K, h, w)``; ``first_row``: of the regulariser."""
        regulariser = F.softplus(self.cov_reg[first_row : first_row + weights.shape[1]])[None]
        weights = weights.flatten(2)  # (N, K, P)
        cells = features.flatten(2)  # (N or 1, C, P)
        total = (self.pseudo_cells + weights.sum(2, keepdim=True)).clamp(min=torch.finfo(weights.dtype).tiny)
        means = weights @ cells.transpose(1, 2) / total
        if not self.estimate_variance:
            return GaussianMixture(means, regulariser.expand_as(means))
        # not by E[x^2] - E[x]^2, which loses the small variances in rounding
        spread = (cells[:, None] - means[..., None]).square()
        return GaussianMixture(means, regulariser + (spread @ weights[..., None]).squeeze(3) / total)
