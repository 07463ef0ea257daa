"""Labels flow along the affinity of features."""
from typing import List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class LabelPropagation(nn.Module):
    """Each position of a frame takes the labels of the reference positions that look like it.

    Weights are the softmax over all positions of all references of (cosine similarity / temperature); a *recent*
    reference is only seen within a window around the position. Only the ``topk`` largest take part. Affinities are
    computed for a block of query rows at a time, against the reference rows that the block can see.

    Args:
        temperature: of the softmax.
        topk: how many reference positions a position may read.
        radius: half side of the window in recent references, in cells.
        block_rows: query rows per block (bounds the memory).
    """

    def __init__(self, temperature: float = 0.05, topk: int = 10, radius: int = 12, block_rows: int = 8) -> None:
        super().__init__()
        self.temperature, self.topk, self.radius, self.block_rows = temperature, topk, radius, block_rows

    def forward(self, query: Tensor, references: List[Tuple[Tensor, Tensor, bool]]) -> Tensor:
        """Read the labels for one frame.

        Args:
            query: ``(C, h, w)``, unit length along C.
            references: ``(features (C, h, w), labels (L, h, w), recent)``.

        Returns:
            ``(L, h, w)``: convex combinations of the references' labels.
        """
        height = query.shape[1]
        rows = [self._read_rows(query, references, top, min(top + self.block_rows, height))
                for top in range(0, height, self.block_rows)]
        return torch.cat(rows, dim=1)

    def _read_rows(self, query: Tensor, references, top: int, bottom: int) -> Tensor:
        _, height, width = query.shape
        q = query[:, top:bottom].flatten(1).t() / self.temperature
        similarities, labels = [], []
        for features, label, recent in references:
            first, last = (max(top - self.radius, 0), min(bottom + self.radius, height)) if recent else (0, height)
            s = q @ features[:, first:last].flatten(1)
            if recent:
                s = s + self._window(top, bottom, first, last, width, s)
            k = min(self.topk, s.shape[1])
            s, index = s.topk(k, dim=1, sorted=False)
            similarities.append(s)
            labels.append(label[:, first:last].flatten(1)[:, index])  # (L, queries, k)
        similarities, labels = torch.cat(similarities, 1), torch.cat(labels, 2)
        if len(references) > 1:
            similarities, index = similarities.topk(self.topk, dim=1, sorted=False)
            labels = labels.gather(2, index[None].expand(len(labels), -1, -1))
        read = torch.einsum('qk,lqk->lq', similarities.softmax(1), labels)
        return read.view(len(labels), bottom - top, width)

    def _window(self, top: int, bottom: int, first: int, last: int, width: int, like: Tensor) -> Tensor:
        """0 inside the window, -inf outside: ``((bottom - top) * width, (last - first) * width)``."""
        far = torch.arange(first, last, device=like.device)[None] - torch.arange(top, bottom, device=like.device)[:, None]
        columns = torch.arange(width, device=like.device)
        away = (columns[None] - columns[:, None]).abs() > self.radius
        outside = (far.abs() > self.radius)[:, None, :, None] | away[None, :, None, :]
        return torch.zeros_like(like).masked_fill_(outside.flatten(2).flatten(0, 1), float('-inf'))


def unit_features(maps: Tuple[Tensor, ...], weights: Optional[Tuple[float, ...]] = None) -> Tensor:
    """Feature maps of several strides as one unit-length map at the finest of them.

    Args:
        maps: ``(1, C_i, h_i, w_i)``, finest first; each is normalised on its own, so that none outweighs the other.
        weights: of each map in the similarity (default: equal).

    Returns:
        ``(sum C_i, h, w)``.
    """
    size = maps[0].shape[-2:]
    weights = weights or (1.0,) * len(maps)
    total = sum(weights)
    parts = []
    for feature, weight in zip(maps, weights):
        if feature.shape[-2:] != size:
            feature = F.interpolate(feature, size, mode='bilinear', align_corners=False)
        parts.append(F.normalize(feature[0].float(), dim=0) * (weight / total)**0.5)
    return torch.cat(parts)
