"""Labels flow along the affinity of features."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.utils.amp import in_float32


@MODELS.register_module()
class LabelPropagation(nn.Module):
    """Each position of a frame takes the labels of the reference positions that look like it.

    Weights are the softmax over all positions of all references of (cosine similarity / temperature); a *recent*
    reference is only seen within a window around the position. Only the ``topk`` largest take part. Affinities are
    computed for a block of query positions at a time, against what the block can see.

    Computed in float32, also under mixed precision: at the usual temperature half precision cannot tell good from best.

    Args:
        temperature (float): divisor of the similarities in the softmax.
        topk (int): how many reference positions a position may read.
        radius (int): half side of the window in recent references, in cells.
        block (tuple[int, int]): rows and columns of a block of queries (bounds the memory; a small block sees
            less beside its windows).
    """

    def __init__(self, temperature: float = 0.05, topk: int = 10, radius: int = 12, block: tuple[int, int] = (8, 16)) -> None:
        super().__init__()
        self.temperature, self.topk, self.radius, self.block = temperature, topk, radius, block

    @in_float32
    def forward(self, query: Tensor, references: Sequence[tuple[Tensor, Tensor, bool]]) -> Tensor:
        """Read the labels for one frame.

        Args:
            query (Tensor): features ``(C, h, w)`` of unit length along C, float32.
            references (Sequence): ``(features (C, h, w), labels (L, h, w), recent)``, float32; those that are not recent
                may be single cells, ``(C, P)`` and ``(L, P)``.

        Returns:
            ``(L, h, w)``: convex combinations of the references' labels.
        """
        _, height, width = query.shape
        whole = [(f.flatten(1), labels.flatten(1)) for f, labels, recent in references if not recent]
        recent = [(f, labels) for f, labels, recent in references if recent]
        windows: dict[tuple[int, ...], Tensor] = {}
        rows = []
        for top in range(0, height, self.block[0]):
            bottom = min(top + self.block[0], height)
            row = [
                self._read_block(query, whole, recent, (top, bottom, left, min(left + self.block[1], width)), windows)
                for left in range(0, width, self.block[1])
            ]
            rows.append(torch.cat(row, 2))
        return torch.cat(rows, 1)

    def _read_block(
        self,
        query: Tensor,
        whole: Sequence[tuple[Tensor, Tensor]],
        recent: Sequence[tuple[Tensor, Tensor]],
        block: tuple[int, int, int, int],
        windows: dict[tuple[int, ...], Tensor],
    ) -> Tensor:
        top, bottom, left, right = block
        _, height, width = query.shape
        q = query[:, top:bottom, left:right].flatten(1).t() / self.temperature
        similarities: list[Tensor] = []
        labels: list[Tensor] = []

        def keep_best(similarity: Tensor, label: Tensor) -> None:
            similarity, index = similarity.topk(min(self.topk, similarity.shape[1]), dim=1, sorted=False)
            similarities.append(similarity)
            labels.append(label[:, index])  # (L, queries, k)

        for features, label in whole:
            keep_best(q @ features, label)
        if recent:
            seen = (
                max(top - self.radius, 0),
                min(bottom + self.radius, height),
                max(left - self.radius, 0),
                min(right + self.radius, width),
            )
            # blocks in the same place relative to what they see share a window
            key = (bottom - top, right - left, seen[0] - top, seen[1] - top, seen[2] - left, seen[3] - left)
            if key not in windows:
                windows[key] = self._outside(*key, device=query.device)
            rows, columns = slice(*seen[:2]), slice(*seen[2:])
            for features, label in recent:
                similarity = q @ features[:, rows, columns].flatten(1)
                keep_best(similarity.masked_fill_(windows[key], float('-inf')), label[:, rows, columns].flatten(1))
        similarity, label = torch.cat(similarities, 1), torch.cat(labels, 2)
        if similarity.shape[1] > self.topk:
            similarity, index = similarity.topk(self.topk, dim=1, sorted=False)
            label = label.gather(2, index[None].expand(len(label), -1, -1))
        read = torch.einsum('qk,lqk->lq', similarity.softmax(1), label)
        return read.view(len(label), bottom - top, right - left)

    def _outside(self, rows: int, columns: int, top: int, bottom: int, left: int, right: int, device: torch.device) -> Tensor:
        """Where a key is too far from a query: ``(rows * columns, (bottom - top) * (right - left))``.

        Queries are at ``0 .. rows - 1``, ``0 .. columns - 1``; keys at ``top .. bottom - 1``, ``left .. right - 1``.
        """

        def far(count: int, first: int, last: int) -> Tensor:
            return (
                torch.arange(first, last, device=device)[None] - torch.arange(count, device=device)[:, None]
            ).abs() > self.radius

        above, beside = far(rows, top, bottom), far(columns, left, right)
        return (above[:, None, :, None] | beside[None, :, None, :]).flatten(2).flatten(0, 1)


def unit_features(maps: Sequence[Tensor], weights: Sequence[float] | None = None) -> Tensor:
    """Feature maps of several strides as one unit-length map at the finest of them.

    Args:
        maps (Sequence[Tensor]): ``(1, C_i, h_i, w_i)``, finest first; each is normalised on its own, so that none outweighs
            the other.
        weights (Sequence[float] | None): weight of each map in the similarity (default: equal).

    Returns:
        ``(sum C_i, h, w)``.
    """
    size = maps[0].shape[-2:]
    weights = weights or (1.0,) * len(maps)
    total = sum(weights)
    parts = []
    for feature, weight in zip(maps, weights, strict=True):
        if feature.shape[-2:] != size:
            feature = F.interpolate(feature, size, mode='bilinear', align_corners=False)
        parts.append(F.normalize(feature[0].float(), dim=0) * (weight / total) ** 0.5)
    return torch.cat(parts)
