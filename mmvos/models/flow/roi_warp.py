"""Carrying masks and RoI states from frame to frame by flow (DyeNet, section 3.3)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def cell_centres(boxes: Tensor, size: int) -> Tensor:
    """Centres ``(N, m, m, 2)`` (x, y) of the m x m cells of boxes ``(N, 4)``."""
    steps = (torch.arange(size, device=boxes.device, dtype=boxes.dtype) + 0.5) / size
    x = boxes[:, 0, None] + steps * (boxes[:, 2] - boxes[:, 0])[:, None]
    y = boxes[:, 1, None] + steps * (boxes[:, 3] - boxes[:, 1])[:, None]
    return torch.stack([x[:, None].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=-1)


def warp_roi_state(state: Tensor, boxes_prev: Tensor, boxes: Tensor, flow: Tensor) -> Tensor:
    """States that live on the grid of each object's old box, resampled to the grid of its new box.

    Both boxes change from frame to frame: a cell of the new box goes by flow into the old frame and is looked up there in the
    old box.

    Args:
        state: ``(N, d, m, m)`` on ``boxes_prev``.
        boxes_prev, boxes: ``(N, 4)`` in the old and the new frame.
        flow: ``(1, 2, H, W)`` F_{new->old}, in pixels on the new frame.

    Returns:
        ``(N, d, m, m)`` on ``boxes``; zeros where a cell comes from outside the old box.
    """
    height, width = flow.shape[-2:]
    centres = cell_centres(boxes, state.shape[-1])
    grid = 2 * centres / centres.new_tensor([width, height]) - 1
    moved = F.grid_sample(flow.expand(len(boxes), -1, -1, -1), grid, align_corners=False, padding_mode='zeros')
    source = centres + moved.permute(0, 2, 3, 1)
    corner = boxes_prev[:, None, None, :2]
    size = (boxes_prev[:, 2:] - boxes_prev[:, :2]).clamp(min=1e-6)[:, None, None]
    return F.grid_sample(state, 2 * (source - corner) / size - 1, align_corners=False, padding_mode='zeros')
