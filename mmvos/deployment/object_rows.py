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
        self._one_each = torch.ones_like(rows.flatten(1)[:, 0], dtype=torch.long)
        self._place = self._one_each.cumsum(0) - 1
        self._several = self._place.amax(0) > 0

    def own(self, maps: Tensor) -> Tensor:
        """Each object's own map ``(M, ...)`` of ``(1, M + 1, ...)``."""
        return maps[0, 1:]

    def of_video(self, maps: Tensor) -> Tensor:
        """The map of each object's video ``(M, ...)`` of ``(1, ...)``."""
        return maps.expand(self._one_each.shape[0], *maps.shape[1:])

    def strongest_rival(self, rows: Tensor, none: float = 0.0) -> Tensor:
        """For each row ``(M, ...)`` the maximum of the others; ``none`` where there is no other."""
        best, winner = rows.max(0, keepdim=True)
        wins = self._place.view(-1, *(1,) * (rows.dim() - 1)) == winner
        second = rows.masked_fill(wins, float('-inf')).amax(0, keepdim=True)
        return torch.where(wins, torch.where(self._several, second, torch.full_like(second, none)), best)

    def among_rivals(self, x: Tensor, network: nn.Module) -> Tensor:
        """Maps of the objects ``(M, C, h, w)`` with what a network says of their strongest rivals, if there are some."""
        return torch.where(self._several, x + network(self.strongest_rival(x)), x)
