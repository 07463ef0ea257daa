"""Labels read from remembered frames with learned keys: dense softmax over a window, or over whole frames."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS

#: added to the similarity of a key that must not be read
HIDDEN = -1e4


@MODELS.register_module()
class WindowRead(nn.Module):
    """Labels of one earlier frame, read by every cell from the cells around its own place.

    Weights are the softmax of (cosine similarity * scale - spread * squared distance in cells) over a square window.
    Queries are taken in blocks that share the keys they can see, so that all similarities are batched matrix products.

    Args:
        radius (int): half side of the window, in cells.
        block (tuple[int, int]): rows and columns of a block of queries.
        log_scale (float): initial logarithm of the scale, which is learned.
        log_spread (float): initial logarithm of the spread, which is learned.
    """

    far: Tensor
    squared_distance: Tensor

    def __init__(
        self, radius: int = 6, block: tuple[int, int] = (8, 12), log_scale: float = 3.2, log_spread: float = -6.0
    ) -> None:
        super().__init__()
        self.radius, self.block = radius, block
        self.log_scale = nn.Parameter(torch.tensor(log_scale))
        self.log_spread = nn.Parameter(torch.tensor(log_spread))
        rows, columns = (_offsets(side, radius) for side in block)
        rows, columns = rows[:, None, :, None], columns[None, :, None, :]
        shape = (block[0] * block[1], -1)
        far = torch.maximum(rows.abs(), columns.abs()) > radius
        self.register_buffer('far', far.reshape(shape), persistent=False)
        self.register_buffer('squared_distance', (rows**2 + columns**2).reshape(shape).float(), persistent=False)

    def forward(self, query: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """Read labels.

        Args:
            query (Tensor): unit-length keys of the present frame, ``(B, C, h, w)``.
            keys (Tensor): unit-length keys of the earlier frame, ``(B, C, h, w)``.
            labels (Tensor): its labels, ``(B, L, h, w)``.

        Returns:
            Tensor: ``(B, L, h, w)``, convex combinations of the earlier frame's labels.
        """
        (batch, channels, height, width), count, (rows, columns) = query.shape, labels.shape[1], self.block
        bottom, right = -height % rows, -width % columns
        down, across = (height + bottom) // rows, (width + right) // columns
        query = F.pad(query, (0, right, 0, bottom)).view(batch, channels, down, rows, across, columns)
        query = query.permute(0, 2, 4, 3, 5, 1).reshape(-1, rows * columns, channels)

        seen = torch.cat([keys, labels, torch.ones_like(keys[:, :1])], 1)
        seen = F.pad(seen, (self.radius, right + self.radius, self.radius, bottom + self.radius))
        seen = seen.unfold(2, rows + 2 * self.radius, rows).unfold(3, columns + 2 * self.radius, columns)
        seen = seen.permute(0, 2, 3, 1, 4, 5).reshape(len(query), channels + count + 1, -1)
        keys, labels, inside = seen.split([channels, count, 1], 1)

        bias = (self.squared_distance * -self.log_spread.exp()).masked_fill(self.far, HIDDEN)
        weights = torch.baddbmm(bias + (1 - inside) * HIDDEN, query, keys * self.log_scale.exp()).softmax(-1)
        read = torch.bmm(weights, labels.transpose(1, 2)).view(batch, down, across, rows, columns, count)
        read = read.permute(0, 5, 1, 3, 2, 4).reshape(batch, count, down * rows, across * columns)
        return read[:, :, :height, :width]


@MODELS.register_module()
class FrameRead(nn.Module):
    """Labels of several whole frames, read by every cell: the softmax of :class:`WindowRead` without a border.

    Args:
        log_scale (float): initial logarithm of the scale, which is learned.
        log_spread (float): initial logarithm of the spread, which is learned: how much nearer places count for more.
    """

    def __init__(self, log_scale: float = 3.2, log_spread: float = -9.0) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(log_scale))
        self.log_spread = nn.Parameter(torch.tensor(log_spread))

    def forward(self, query: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """Read labels.

        Args:
            query (Tensor): unit-length keys of the present frame, ``(B, C, h, w)``.
            keys (Tensor): unit-length keys of T frames, ``(B, C, T, h, w)``.
            labels (Tensor): their labels, ``(B, L, T, h, w)``.

        Returns:
            Tensor: ``(B, L, h, w)``, convex combinations of the frames' labels.
        """
        height, width = query.shape[-2:]
        rows = torch.arange(height, device=query.device, dtype=query.dtype)
        columns = torch.arange(width, device=query.device, dtype=query.dtype)
        distance = (rows[:, None, None, None] - rows[:, None]) ** 2 + (columns[:, None, None] - columns) ** 2
        bias = (-self.log_spread.exp() * distance).view(height * width, -1).repeat(1, keys.shape[2])
        flat = query.flatten(2).transpose(1, 2)
        weights = torch.baddbmm(bias, flat, keys.flatten(2) * self.log_scale.exp()).softmax(-1)
        return torch.bmm(labels.flatten(2), weights.transpose(1, 2)).view(*labels.shape[:2], height, width)


def _offsets(side: int, radius: int) -> Tensor:
    """Distance of every key that a block of ``side`` queries sees from every query: ``(side, side + 2 radius)``."""
    return torch.arange(-radius, side + radius) - torch.arange(side)[:, None]
