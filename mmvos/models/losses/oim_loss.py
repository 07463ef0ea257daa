"""Online instance matching."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.utils.ranks import mean_of_batch, rows_of_all_ranks

UNLABELLED, IGNORED = -1, -2


@MODELS.register_module()
class OIMLoss(nn.Module):
    """Online instance matching loss (Xiao et al., "Joint Detection and Identification Feature Learning for Person Search",
    CVPR 2017, section 3.2).

    A feature is classified against a lookup table with one row per labelled identity and a circular queue of unlabelled
    features; both are filled by the features themselves, after the gradient has been computed with their old content. Rows that
    are still empty take part with logit 0.

    Args:
        num_identities (int): L, rows of the lookup table.
        queue_size (int): Q, length of the queue.
        channels (int): D, length of a feature.
        temperature (float): tau.
        momentum (float): gamma; a row becomes gamma * row + (1 - gamma) * feature.
        renorm (bool): rows are brought back to unit length after each update.
        loss_weight (float): factor.

    Attributes:
        num_trained (int): rows that the table was made with; those that :meth:`add_identities` adds come after them.
    """

    lookup: Tensor
    queue: Tensor
    pointer: Tensor

    def __init__(
        self,
        num_identities: int,
        queue_size: int = 500,
        channels: int = 256,
        temperature: float = 0.1,
        momentum: float = 0.5,
        renorm: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.temperature, self.momentum, self.renorm, self.loss_weight = temperature, momentum, renorm, loss_weight
        self.num_trained = num_identities
        self.register_buffer('lookup', torch.zeros(num_identities, channels))
        self.register_buffer('queue', torch.zeros(queue_size, channels))
        self.register_buffer('pointer', torch.zeros(1, dtype=torch.long))

    def add_identities(self, count: int) -> int:
        """Empty rows for further identities, at the end of the table; returns the number of the first."""
        first = len(self.lookup)
        self.lookup = torch.cat([self.lookup, self.lookup.new_zeros(count, self.lookup.shape[1])])
        return first

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Loss of a batch; in training mode the tables are updated.

        Args:
            features (Tensor): features of unit length, ``(N, D)``.
            labels (Tensor): ``(N,)``: identity 0..L-1, -1 unlabelled (only feeds the queue), -2 ignored.

        Returns:
            Scalar, the mean over the labelled features of all processes (0 if there is none).
        """
        features = features.float()
        logits = self.logits(features)
        labelled = labels >= 0
        total = F.cross_entropy(logits[labelled], labels[labelled], reduction='sum')
        loss = mean_of_batch(total, labelled.sum())
        if self.training:
            self.update(features.detach(), labels)
        return self.loss_weight * loss

    def logits(self, features: Tensor) -> Tensor:
        """``(N, L + Q)``; the tables are constants."""
        return features @ torch.cat([self.lookup, self.queue]).clone().t() / self.temperature

    @torch.no_grad()
    def update(self, features: Tensor, labels: Tensor) -> None:
        """Write the features of all ranks into the tables, in the order of ranks.

        Args:
            features (Tensor): ``(N, C)``.
            labels (Tensor): identity of each, ``(N,)``, or that of the unlabelled.
        """
        features, labels = rows_of_all_ranks(features), rows_of_all_ranks(labels)
        for feature, label in zip(features, labels.tolist(), strict=True):
            if label >= 0:
                row = self.momentum * self.lookup[label] + (1 - self.momentum) * feature
                self.lookup[label] = F.normalize(row, dim=0) if self.renorm else row
            elif label == UNLABELLED:
                self.queue[self.pointer] = feature
                self.pointer[0] = (self.pointer[0] + 1) % len(self.queue)
