"""Labels read from remembered frames with learned keys: dense softmax over a window, or over whole frames."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from mmvos.registry import MODELS

#: added to the similarity of a key that must not be read
HIDDEN = -1e4
#: frames that are read at once up to which what depends on their sizes alone is kept from one read to the next
MOST_KEPT = 4


class _SoftRead(nn.Module):
    """What both reads share: learned numbers, which are constants once a model is only used, and the biases they lead to.

    Args:
        log_scale (float): initial logarithm of the scale, which is learned.
        log_spread (float): initial logarithm of the spread, which is learned.
    """

    def __init__(self, log_scale: float, log_spread: float) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(log_scale))
        self.log_spread = nn.Parameter(torch.tensor(log_spread))
        #: scale and spread of a model that is only used; none in training
        self._numbers: tuple[float, ...] = ()
        self._bias: dict[tuple, Tensor] = {}
        self.register_load_state_dict_post_hook(_prepare_again)

    def prepare_for_inference(self) -> None:
        """Take the learned numbers as constants; they may not change any more."""
        self._numbers = self.log_scale.exp().item(), self.log_spread.exp().item()
        self._bias = {}

    def train(self, mode: bool = True) -> Self:
        if mode:
            self._numbers, self._bias = (), {}
        return super().train(mode)

    def similarities(self, query: Tensor, keys: Tensor, bias: Tensor) -> Tensor:
        """``bias + scale * query @ keys`` of B matrices."""
        if self._numbers:
            return torch.baddbmm(bias, query, keys, alpha=self._numbers[0])
        return torch.baddbmm(bias, query, keys * self.log_scale.exp())

    def spread(self) -> Tensor | float:
        return self._numbers[1] if self._numbers else self.log_spread.exp()

    def bias_of(self, make: Callable[[], Tensor], like: Tensor, height: int, width: int, frames: int = 1) -> Tensor:
        """The bias for maps of some size on the device of ``like``; that of the last size is kept where it is constant."""
        if not self._numbers or torch.compiler.is_compiling() or torch.compiler.is_exporting() or frames > MOST_KEPT:
            return make()
        key = (height, width, frames, like.device, like.dtype)
        if key not in self._bias:
            self._bias = {key: make()}
        return self._bias[key]


def _prepare_again(read: _SoftRead, _: object) -> None:
    """Follow weights that are loaded into a read that was prepared before."""
    if read._numbers:
        read.prepare_for_inference()


@MODELS.register_module()
class WindowRead(_SoftRead):
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
        super().__init__(log_scale, log_spread)
        self.radius, self.block = radius, block
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

        keys, labels = self._seen(torch.cat([keys, labels], 1), right, bottom).split([channels, count], 1)
        bias = self.bias_of(lambda: self._bias_of_blocks(height, width), keys, height, width)
        if batch > 1:
            bias = bias.repeat(batch, 1, 1)
        weights = self.similarities(query, keys, bias).softmax(-1)
        read = torch.bmm(weights, labels.transpose(1, 2)).view(batch, down, across, rows, columns, count)
        read = read.permute(0, 5, 1, 3, 2, 4).reshape(batch, count, down * rows, across * columns)
        return read[:, :, :height, :width]

    def _seen(self, maps: Tensor, right: int, bottom: int) -> Tensor:
        """What each block of a frame sees of maps ``(B, C, h, w)``: ``(B * blocks, C, keys)``, 0 outside the frame."""
        (rows, columns), radius = self.block, self.radius
        maps = F.pad(maps, (radius, right + radius, radius, bottom + radius))
        maps = maps.unfold(2, rows + 2 * radius, rows).unfold(3, columns + 2 * radius, columns)
        batch, channels, down, across = maps.shape[:4]
        return maps.permute(0, 2, 3, 1, 4, 5).reshape(batch * down * across, channels, -1)

    def _bias_of_blocks(self, height: int, width: int) -> Tensor:
        """What is added to the similarities in each block of a frame: ``(blocks, queries, keys)``."""
        inside = self.squared_distance.new_ones(1, 1, height, width)
        inside = self._seen(inside, -width % self.block[1], -height % self.block[0])
        bias = (self.squared_distance * -self.spread()).masked_fill(self.far, HIDDEN)
        return bias + (1 - inside) * HIDDEN


@MODELS.register_module()
class FrameRead(_SoftRead):
    """Labels of several whole frames, read by every cell: the softmax of :class:`WindowRead` without a border.

    Args:
        log_scale (float): initial logarithm of the scale, which is learned.
        log_spread (float): initial logarithm of the spread, which is learned: how much nearer places count for more.
    """

    def __init__(self, log_scale: float = 3.2, log_spread: float = -9.0) -> None:
        super().__init__(log_scale, log_spread)

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
        frames = keys.shape[2]
        bias = self.bias_of(lambda: self._bias_of_frames(query, frames), query, height, width, frames)
        flat = query.flatten(2).transpose(1, 2)
        weights = self.similarities(flat, keys.flatten(2), bias).softmax(-1)
        return torch.bmm(labels.flatten(2), weights.transpose(1, 2)).view(*labels.shape[:2], height, width)

    def _bias_of_frames(self, query: Tensor, frames: int) -> Tensor:
        """What is added to the similarities of a frame's cells and those of T frames: ``(h w, T h w)``."""
        height, width = query.shape[-2:]
        rows = torch.arange(height, device=query.device, dtype=query.dtype)
        columns = torch.arange(width, device=query.device, dtype=query.dtype)
        distance = (rows[:, None, None, None] - rows[:, None]) ** 2 + (columns[:, None, None] - columns) ** 2
        return (-self.spread() * distance).view(height * width, -1).repeat(1, frames)


def _offsets(side: int, radius: int) -> Tensor:
    """Distance of every key that a block of ``side`` queries sees from every query: ``(side, side + 2 radius)``."""
    return torch.arange(-radius, side + radius) - torch.arange(side)[:, None]
