"""The objects of one video, however many they are, in a graph."""

import torch
from torch import Tensor, nn


class RowsOfOneVideo:
    """Does what :class:`~mmvos.models.heads.recall_head.ObjectRows` does, for a number of objects that is not known while a
    graph is made: without a loop over them, and without asking for it.

    Args:
        rows (Tensor): any tensor with a row for each object ``(M, ...)``.
    """

    def __init__(self, rows: Tensor) -> None:
        one_each = rows.flatten(1)[:, 0]
        self.video = torch.zeros_like(one_each, dtype=torch.long)
        self._place = torch.ones_like(self.video).cumsum(0) - 1
        self._several = self._place.amax(0) > 0

    def own(self, maps: Tensor) -> Tensor:
        """Each object's own map ``(M, h, w)`` of ``(1, M + 1, h, w)``."""
        return maps[0, 1:]

    def strongest_rival(self, rows: Tensor, none: float = 0.0) -> Tensor:
        """For each row ``(M, ...)`` the maximum of the others; ``none`` where there is no other."""
        best, winner = rows.max(0, keepdim=True)
        wins = self._place.view(-1, *(1,) * (rows.dim() - 1)) == winner
        second = rows.masked_fill(wins, float('-inf')).amax(0, keepdim=True)
        return torch.where(wins, torch.where(self._several, second, torch.full_like(second, none)), best)

    def among_rivals(self, x: Tensor, network: nn.Module) -> Tensor:
        """Maps of the objects ``(M, C, h, w)`` with what a network says of their strongest rivals, if there are some."""
        return torch.where(self._several, x + network(self.strongest_rival(x)), x)
