"""Carrying masks, features and hidden states along optical flow; resizing and flipping flow."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

GRIDS = ('exact', 'legacy')


def sampling_grid(flow: Tensor, grid: str = 'exact') -> Tensor:
    """Where :func:`warp` samples, in the coordinates of ``F.grid_sample(..., align_corners=True)``.

    Args:
        flow (Tensor): ``(B, 2, H, W)``, pixels.
        grid (str): see :func:`warp`.

    Returns:
        ``(B, H, W, 2)``: -1 is the centre of the first column (row), 1 that of the last.
    """
    height, width = flow.shape[-2:]
    x = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[:, 0]
    y = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + flow[:, 1]
    if grid == 'exact':  # a side of one pixel has no extent to divide by
        x, y = 2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1
    elif grid == 'legacy':
        x, y = (x - width / 2) / (width / 2), (y - height / 2) / (height / 2)
    else:
        raise ValueError(f'grid {grid!r} is not known; expected one of {GRIDS}.')
    return torch.stack([x, y], dim=-1)


def warp(x: Tensor, flow: Tensor, grid: str = 'exact', padding_mode: str = 'zeros') -> Tensor:
    """Backward warp: bring what belongs to one frame to the pixels of another.

    ``out(p) = x(p + flow(p))``, bilinear. ``flow`` lives on the pixels of the frame that the result belongs to and
    points into the frame that ``x`` belongs to: masks of frame t-1 are carried to frame t by F_{t->t-1}, i.e.
    ``estimator(frame_t, frame_t_minus_1)``. An object that moved 5 pixels to the right has u = -5 there. Values (soft
    masks, features, hidden states) are warped, never label maps; those go as one-hot masks.

    Differentiable with regard to ``x`` and ``flow``. Positions are computed in float32 at least, also under autocast.

    Args:
        x (Tensor): ``(B, C, H, W)``.
        flow (Tensor): ``(B, 2, H, W)``, or ``(1, 2, H, W)`` for all samples; (dx, dy) in pixels of x.
        grid (str): ``'exact'`` samples at p + flow(p). ``'legacy'`` samples at ``(p + flow(p)) * (size - 1) / size``, which
            pulls positions towards the origin: with zero flow the content drifts to the lower right, by up to one
            pixel. The published AGSS-VOS weights were trained with it; it is of no other use.
        padding_mode (str): values outside x: ``'zeros'`` (an interpolated border; what comes into view is background), or
            ``'border'`` (the nearest pixel of x).

    Returns:
        ``(B, C, H, W)`` in x's dtype.

    Raises:
        ValueError: sizes of x and flow differ.
    """
    if x.shape[-2:] != flow.shape[-2:] or flow.shape[1] != 2 or flow.shape[0] not in (1, x.shape[0]):
        raise ValueError(
            f'a flow of shape {tuple(flow.shape)} cannot warp a tensor of shape {tuple(x.shape)}: '
            f'expected ({x.shape[0]} or 1, 2, {x.shape[-2]}, {x.shape[-1]}).'
        )
    dtype = torch.promote_types(x.dtype, torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        positions = sampling_grid(flow.to(dtype), grid).expand(x.shape[0], -1, -1, -1)
        out = F.grid_sample(x.to(dtype), positions, mode='bilinear', padding_mode=padding_mode, align_corners=True)
    return out.to(x.dtype)


def resize_flow(flow: Tensor, size: Sequence[int]) -> Tensor:
    """Flow for frames of another size: resampled bilinearly, u and v scaled with the sides.

    Args:
        flow (Tensor): ``(B, 2, H, W)``.
        size (Sequence[int]): ``(h, w)``.
    """
    height, width = flow.shape[-2:]
    if (height, width) == tuple(size):
        return flow
    factors = flow.new_tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
    return F.interpolate(flow, tuple(size), mode='bilinear', align_corners=False) * factors


def flip_flow(flow: Tensor, direction: str = 'horizontal') -> Tensor:
    """Flow of mirrored frames: the array is mirrored and the component along that axis negated.

    Args:
        flow (Tensor): ``(..., 2, H, W)``.
        direction (str): ``'horizontal'``, ``'vertical'`` or ``'diagonal'`` (both).

    Raises:
        ValueError: another direction.
    """
    if direction == 'horizontal':
        return flow.flip(-1) * flow.new_tensor([-1, 1]).view(2, 1, 1)
    if direction == 'vertical':
        return flow.flip(-2) * flow.new_tensor([1, -1]).view(2, 1, 1)
    if direction == 'diagonal':
        return -flow.flip(-1, -2)
    raise ValueError(f"direction {direction!r} is not known; expected 'horizontal', 'vertical' or 'diagonal'.")
