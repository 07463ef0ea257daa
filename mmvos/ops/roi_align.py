"""RoIAlign in plain torch: any device, any memory layout, any floating type, with gradients."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_align(
    features: Tensor,
    rois: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    pool_mode: str = 'avg',
    aligned: bool = True,
) -> Tensor:
    """Mean of bilinear samples in each cell of a grid over each box (Mask R-CNN, section 3; arguments of ``mmcv.ops``).

    A cell's value is a weighted sum of a few pixels, and the weights are products of one along y and one along x: samples
    never have to be made one by one. Pixels and weights of all cells go into one sparse sum.

    Args:
        features (Tensor): maps ``(B, C, H, W)``.
        rois (Tensor): boxes ``(N, 5)``: index of the map, x1, y1, x2, y2 in the image.
        output_size (int | tuple[int, int]): cells along y and x.
        spatial_scale (float): side of the map by side of the image.
        sampling_ratio (int): samples of a cell along each axis; 0: one per pixel of the cell, rounded up.
        pool_mode (str): ``'avg'``.
        aligned (bool): pixel centres lie at half numbers; without it boxes are half a pixel off and at least one pixel wide.

    Returns:
        Tensor: values ``(N, C, cells along y, cells along x)`` of the features' type.

    Raises:
        ValueError: another ``pool_mode``, rois of another shape, or (``aligned``) a box whose end is before its start.
    """
    if pool_mode != 'avg':
        raise ValueError(f'roi_align without compiled operations: pool_mode={pool_mode!r}; only "avg" is there.')
    if rois.dim() != 2 or rois.size(1) != 5:
        raise ValueError(f'rois of shape {tuple(rois.shape)}; expected (N, 5): index of the map, x1, y1, x2, y2.')
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    pixels = features.permute(0, 2, 3, 1).flatten(0, 2)  # (B * H * W, C), whatever the layout in memory
    if not len(rois) or not len(pixels):
        return features.new_zeros(len(rois), features.size(1), rows, columns) + 0 * features.sum()
    taps = _Taps(rois, features.shape, (rows, columns), spatial_scale, sampling_ratio, aligned)
    values = _weighted_sum(pixels, taps.pixels, taps.weights, taps.starts)
    return values.unflatten(0, (len(rois), rows, columns)).permute(0, 3, 1, 2).contiguous()


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    input_shape: torch.Size,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    aligned: bool = True,
) -> Tensor:
    """Gradient ``(B, C, H, W)`` of the features: the same sparse sum with pixels and cells exchanged.

    Args:
        grad_output (Tensor): gradient ``(N, C, rows, columns)`` of what :func:`roi_align` returned.
        rois (Tensor): see :func:`roi_align`.
        spatial_scale (float): see :func:`roi_align`.
        sampling_ratio (int): see :func:`roi_align`.
        aligned (bool): see :func:`roi_align`.
        input_shape (torch.Size): ``(B, C, H, W)`` of the features.
    """
    batch, channels, height, width = input_shape
    if not grad_output.numel() or not batch * height * width:
        return grad_output.new_zeros(input_shape)
    taps = _Taps(rois, input_shape, grad_output.shape[2:], spatial_scale, sampling_ratio, aligned)
    order = taps.pixels.argsort(stable=True)
    pixels = torch.arange(batch * height * width, device=rois.device)
    starts = torch.searchsorted(taps.pixels[order], pixels)
    cells = grad_output.permute(0, 2, 3, 1).flatten(0, 2)
    grad = _weighted_sum(cells, taps.cells[order], taps.weights[order], starts)
    return grad.unflatten(0, (batch, height, width)).permute(0, 3, 1, 2).contiguous()


def _weighted_sum(rows: Tensor, indices: Tensor, weights: Tensor, starts: Tensor) -> Tensor:
    """Sum k of ``weights * rows[indices]`` over the entries from ``starts[k]`` to the next start: ``(K, C)``."""
    return F.embedding_bag(indices, rows, starts, mode='sum', per_sample_weights=weights.to(rows.dtype))


class _Taps:
    """Pixels that each cell reads, and their weights; T entries, those of one cell in sequence.

    Attributes:
        pixels (Tensor): int64 ``(T,)``, index into the flattened maps.
        cells (Tensor): int64 ``(T,)``, index into the flattened cells of all boxes.
        weights (Tensor): ``(T,)``.
        starts (Tensor): int64 ``(N * rows * columns,)``, first entry of each cell.
    """

    def __init__(
        self, rois: Tensor, input_shape: Sequence[int], cells: Sequence[int], scale: float, sampling_ratio: int, aligned: bool
    ) -> None:
        _, _, height, width = input_shape
        (rows, columns), device = cells, rois.device
        boxes = rois[:, 1:].detach().to(torch.promote_types(rois.dtype, torch.float32)) * scale
        low, high = (boxes - (0.5 if aligned else 0.0)).split(2, dim=1)
        sides = high - low
        if not aligned:
            sides = sides.clamp(min=1.0)
        elif bool((sides < 0).any()):
            raise ValueError('roi_align: a box ends before it starts.')
        y_pixels, y_weights, y_counts = _axis_taps(low[:, 1], sides[:, 1], rows, sampling_ratio, height)
        x_pixels, x_weights, x_counts = _axis_taps(low[:, 0], sides[:, 0], columns, sampling_ratio, width)

        counts = (y_counts * x_counts)[:, None].expand(-1, rows * columns).flatten()
        self.starts = counts.cumsum(0) - counts
        self.cells = torch.repeat_interleave(torch.arange(len(counts), device=device), counts)
        box = self.cells // (rows * columns)
        row, column = self.cells // columns % rows, self.cells % columns
        rank = torch.arange(len(self.cells), device=device) - self.starts[self.cells]  # of an entry within its cell
        y, x = rank // x_counts[box], rank % x_counts[box]
        first = rois[:, 0].long() * height * width
        self.pixels = first[box] + y_pixels[box, row, y] * width + x_pixels[box, column, x]
        self.weights = y_weights[box, row, y] * x_weights[box, column, x]


def _axis_taps(low: Tensor, side: Tensor, cells: int, sampling_ratio: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels that each cell reads along one axis: the mean of its samples, each between two pixels.

    Args:
        low, side (Tensor): start and length ``(N,)`` of the boxes, in pixels of the map.
        cells (int): cells of a box along this axis.
        sampling_ratio (int): see :func:`roi_align`.
        size (int): pixels of the map along this axis.

    Returns:
        tuple: pixels int64 and weights ``(N, cells, K)``, and how many of the K each box has, int64 ``(N,)``. An empty box has
        one entry of weight 0.
    """
    cell = side / cells
    if sampling_ratio > 0:
        samples = torch.full_like(side, sampling_ratio)
        most = sampling_ratio
    else:
        samples = cell.ceil()
        most = max(int(samples.max()), 1)
    steps = torch.arange(cells, device=low.device, dtype=low.dtype)
    ranks = torch.arange(most, device=low.device, dtype=low.dtype)
    divisor = samples.clamp(min=1.0)
    within = (ranks + 0.5) * cell[:, None] / divisor[:, None]  # (N, most)
    places = (low[:, None] + steps * cell[:, None])[..., None] + within[:, None]  # (N, cells, most)

    inside = (places >= -1.0) & (places <= size) & (ranks < samples[:, None])[:, None]
    places = places.clamp(min=0.0, max=size - 1)
    lower = places.long()
    upper = (lower + 1).clamp(max=size - 1)
    share = inside / divisor[:, None, None]
    part = places - lower
    pixels = torch.stack([lower, upper], -1).flatten(2)
    weights = torch.stack([share * (1 - part), share * part], -1).flatten(2)

    # neighbouring samples read the same pixels: one entry per pixel where that is shorter than two per sample
    first = lower.amin(-1, keepdim=True)
    span = ((pixels.amax(-1, keepdim=True) - first).amax(1) + 1).squeeze(-1)  # (N,)
    longest = int(span.max())
    if longest >= 2 * most:
        return pixels, weights, (2 * samples.clamp(min=1.0)).long()
    merged = weights.new_zeros(*weights.shape[:2], longest).scatter_add_(2, pixels - first, weights)
    reach = first + torch.arange(longest, device=low.device)
    return reach.clamp(max=size - 1), merged, span
