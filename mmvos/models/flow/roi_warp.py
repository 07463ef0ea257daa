"""Carrying the states of RoIs from frame to frame by flow (DyeNet, section 3.3)."""

import torch.nn.functional as F
from torch import Tensor

from mmvos.structures.roi_grid import cell_centres


def warp_roi_state(state: Tensor, boxes_prev: Tensor, boxes: Tensor, flow: Tensor) -> Tensor:
    """States that live on the grid of each object's old box, resampled to the grid of its new box.

    Both boxes change from frame to frame: a cell of the new box goes by flow into the old frame and is looked up there in the
    old box.

    Args:
        state (Tensor): states on ``boxes_prev``, ``(N, d, m, m)``.
        boxes_prev (Tensor): boxes in the old frame, ``(N, 4)``.
        boxes (Tensor): boxes in the new frame, ``(N, 4)``.
        flow (Tensor): F_{new->old} ``(1, 2, H, W)``, in pixels on the new frame.

    Returns:
        States on ``boxes``, ``(N, d, m, m)``; zeros where a cell comes from outside the old box.
    """
    height, width = flow.shape[-2:]
    centres = cell_centres(boxes, state.shape[-1])
    grid = 2 * centres / centres.new_tensor([width, height]) - 1
    moved = F.grid_sample(flow.expand(len(boxes), -1, -1, -1), grid, align_corners=False, padding_mode='zeros')
    source = centres + moved.permute(0, 2, 3, 1)
    corner = boxes_prev[:, None, None, :2]
    size = (boxes_prev[:, 2:] - boxes_prev[:, :2]).clamp(min=1e-6)[:, None, None]
    return F.grid_sample(state, 2 * (source - corner) / size - 1, align_corners=False, padding_mode='zeros')
