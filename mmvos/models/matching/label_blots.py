"""Errors in remembered labels, for training."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmvos.registry import MODELS


@MODELS.register_module()
class LabelBlots:
    """Leaks, holes and confused objects: ellipses of the labels that a model remembers get another label.

    A model that is trained on short clips from true masks seldom sees its own errors; with blots in its memory it learns to
    correct them instead of copying them from frame to frame.

    Args:
        prob (float): probability that a video's labels get blots in a frame.
        most (int): largest number of blots.
        radius (tuple[float, float]): range of their half axes, as shares of the frame's sides.
        reach (float): how far beside an object a leak may begin, as a share of the frame's sides.
    """

    def __init__(
        self, prob: float = 0.4, most: int = 3, radius: tuple[float, float] = (0.02, 0.15), reach: float = 0.25
    ) -> None:
        self.prob, self.most, self.radius, self.reach = prob, most, radius, reach

    @torch.no_grad()
    def __call__(self, labels: Tensor, counts: Sequence[int]) -> Tensor:
        """A copy of the labels with blots.

        Args:
            labels (Tensor): ``(B, L, h, w)``, sum 1 over L.
            counts (Sequence[int]): number of objects of each video.
        """
        labels = labels.clone()
        for video, count in zip(labels, counts, strict=True):
            if torch.rand(()) < self.prob:
                for _ in range(int(torch.randint(1, self.most + 1, ()))):
                    self._blot(video, count)
        return labels

    def _blot(self, labels: Tensor, count: int) -> None:
        height, width = labels.shape[-2:]
        near = int(torch.randint(1, count + 1, ()))
        # half of the blots let an object leak; the others are holes or another object's label
        new = near if torch.rand(()) < 0.5 else int(torch.randint(0, count + 1, ()))
        cells = (labels[near] > 0.5).nonzero()
        centre = torch.rand(2)
        if len(cells) and torch.rand(()) < 0.7:
            cell = cells[int(torch.randint(len(cells), ()))].cpu() / torch.tensor([height, width])
            centre = cell + (self.reach if new == near else 0.02) * (2 * torch.rand(2) - 1)
        smallest, largest = self.radius
        half = smallest + (largest - smallest) * torch.rand(2)
        rows = (torch.arange(height)[:, None] / height - centre[0]) / half[0]
        columns = (torch.arange(width) / width - centre[1]) / half[1]
        blot = (rows**2 + columns**2 < 1).to(labels.device)
        labels[:, blot] = 0.05 / (len(labels) - 1)
        labels[new, blot] = 0.95
