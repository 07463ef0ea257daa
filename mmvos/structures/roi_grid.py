"""From the maps of an image to the m x m grids of boxes, and back.

RoIAlign and its inverse are separable: which rows and columns of a map a cell of a grid reads, and with which weights, follows
from the box alone, axis by axis. They are written here with library operations that work on any device, for any memory layout
and with gradients. (mmcv's kernel reads maps that lie channels last wrongly, without an error, and visits one box after the
other on a CPU: this one took 5 ms for 30 boxes of 152 channels where that one took 31.)
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_features(features: Tensor, boxes: Tensor, frames: Tensor, size: int, stride: int) -> Tensor:
    """RoIAlign: each cell is the mean of bilinear samples, about one per cell of the map in either direction.

    The rule of ``mmcv.ops.RoIAlign(output_size=m, spatial_scale=1 / stride, sampling_ratio=0, aligned=True)``.

    Args:
        features (Tensor): maps of T frames, ``(T, C, h, w)``.
        boxes (Tensor): boxes in pixels of the frames, ``(N, 4)``.
        frames (Tensor): frame of each box, ``(N,)``.
        size (int): m.
        stride (int): pixels of a frame per cell of the maps.

    Returns:
        Float ``(N, C, m, m)``, channels last in memory.
    """
    channels, height, width = features.shape[1:]
    if not len(boxes):
        return features.new_zeros(0, channels, size, size, dtype=torch.float32)
    cells = boxes.float() / stride
    y, row_weights = _taps(_sample_weights(cells[:, 1], cells[:, 3], size, height))  # (N, m, a)
    x, column_weights = _taps(_sample_weights(cells[:, 0], cells[:, 2], size, width))  # (N, m, b)
    y = y + frames.long()[:, None, None] * height
    indices = y[:, :, None, :, None] * width + x[:, None, :, None, :]  # (N, m, m, a, b)
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    with torch.autocast(features.device.type, enabled=False):
        table = features.float().permute(0, 2, 3, 1).reshape(-1, channels).contiguous()  # a row for each cell of the maps
        found = F.embedding_bag(
            indices.flatten(3).flatten(0, 2), table, per_sample_weights=weights.flatten(3).flatten(0, 2), mode='sum'
        )
    return found.view(len(boxes), size, size, channels).permute(0, 3, 1, 2)


def box_shares(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Share of each cell of box n that mask n covers (RoIAlign of the mask).

    Args:
        masks (Tensor): float masks ``(N, H, W)``.
        boxes (Tensor): boxes ``(N, 4)``.
        size (int): m.

    Returns:
        Shares in [0, 1], ``(N, m, m)``.
    """
    boxes = boxes.float()
    rows = _sample_weights(boxes[:, 1], boxes[:, 3], size, masks.shape[1])
    columns = _sample_weights(boxes[:, 0], boxes[:, 2], size, masks.shape[2])
    with torch.autocast(masks.device.type, enabled=False):
        return rows @ masks.float() @ columns.transpose(1, 2)


def box_targets(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Mask n cut out by box n as a target ``(N, size, size)``: 1 where :func:`box_shares` is at least a half, else 0.

    Args:
        masks (Tensor): ``(N, H, W)``, 0 or 1.
        boxes (Tensor): ``(N, 4)``, (x1, y1, x2, y2) in pixels of the masks.
        size (int): side of the target in cells.
    """
    return (box_shares(masks, boxes, size) >= 0.5).to(masks.dtype)


def paste(values: Tensor, boxes: Tensor, window: tuple[int, int, int, int]) -> Tensor:
    """Values on the grids of boxes, interpolated bilinearly at the pixels of a window; they fade to zero at the box's border.

    Args:
        values (Tensor): values ``(N, m, m)``.
        boxes (Tensor): boxes ``(N, 4)``.
        window (tuple[int, int, int, int]): left, top, right and bottom of the window in the frame, the last two exclusive.

    Returns:
        Float ``(N, bottom - top, right - left)``.
    """
    left, top, right, bottom = window
    x1, y1, x2, y2 = boxes.float().unbind(1)
    rows = _pixel_weights(y1, y2, top, bottom, values.shape[1])
    columns = _pixel_weights(x1, x2, left, right, values.shape[2])
    with torch.autocast(boxes.device.type, enabled=False):
        return rows @ values.float() @ columns.transpose(1, 2)


def cell_centres(boxes: Tensor, size: int) -> Tensor:
    """Centres ``(N, m, m, 2)`` (x, y) of the m x m cells of boxes ``(N, 4)``."""
    steps = (torch.arange(size, device=boxes.device, dtype=boxes.dtype) + 0.5) / size
    x = boxes[:, 0, None] + steps * (boxes[:, 2] - boxes[:, 0])[:, None]
    y = boxes[:, 1, None] + steps * (boxes[:, 3] - boxes[:, 1])[:, None]
    return torch.stack([x[:, None].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=-1)


def _pixel_weights(start: Tensor, end: Tensor, first: int, last: int, cells: int) -> Tensor:
    """Weights ``(N, last - first, cells)`` with which pixels read the cells of intervals ``start`` to ``end`` ``(N,)``."""
    centres = torch.arange(first, last, device=start.device) + 0.5
    positions = (centres - start[:, None]) / (end - start).clamp(min=1e-6)[:, None] * cells - 0.5
    return _bilinear(positions, cells)


def _sample_weights(start: Tensor, end: Tensor, size: int, length: int) -> Tensor:
    """Weights ``(N, size, length)`` with which the parts of intervals ``start`` to ``end`` ``(N,)`` read a map's cells."""
    device = start.device
    part = (end - start)[:, None, None] / size
    count = part.ceil()  # of samples in a part
    sample = torch.arange(max(int(count.max()), 1) if len(count) else 1, device=device)
    places = torch.arange(size, device=device)[:, None] + (sample + 0.5) / count.clamp(min=1)
    positions = start[:, None, None] - 0.5 + part * places
    counted = (sample < count) & (positions >= -1) & (positions <= length)
    weights = _bilinear(positions.clamp(0, length - 1), length) * counted[..., None]
    return weights.sum(2) / count.clamp(min=1)


def _bilinear(positions: Tensor, cells: int) -> Tensor:
    """Weights ``(..., cells)`` of linear interpolation at positions ``(...)``, counted in cells from the first centre."""
    numbers = torch.arange(cells, device=positions.device, dtype=positions.dtype)
    return (1 - (positions[..., None] - numbers).abs()).clamp(min=0)


def _taps(weights: Tensor) -> tuple[Tensor, Tensor]:
    """The run of cells that each part reads: indices and weights ``(N, m, k)`` of dense weights ``(N, m, length)``."""
    length = weights.shape[-1]
    numbers = torch.arange(length, device=weights.device)
    read = weights > 0
    first = torch.where(read, numbers, length).amin(-1)
    last = torch.where(read, numbers, -1).amax(-1)
    count = max(int((last - first).max()) + 1, 1)
    indices = first[..., None] + torch.arange(count, device=weights.device)
    inside = indices < length
    indices = indices.clamp(max=length - 1)
    return indices, weights.gather(-1, indices) * inside
