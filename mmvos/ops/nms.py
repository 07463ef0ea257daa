"""Non-maximum suppression in plain torch, on any device."""

import torch
from torch import Tensor

#: boxes that are compared with all later ones at a time; bounds the memory
_BLOCK = 256


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int = 0) -> Tensor:
    """Drop each box that overlaps a kept box of a higher score.

    Boxes go in blocks by falling score. Within a block the kept boxes are found as the fixed point of "kept, unless a kept
    box before it overlaps"; then they drop from all later blocks at once what they overlap.

    Args:
        boxes (Tensor): corners ``(N, 4)``: x1, y1, x2, y2.
        scores (Tensor): ``(N,)``; of equal scores the first comes first.
        iou_threshold (float): boxes of a higher intersection over union overlap.
        offset (int): width of a box is ``x2 - x1 + offset``; 0 or 1.

    Returns:
        Tensor: int64 indices of the kept boxes, by falling score.
    """
    boxes = boxes.to(torch.promote_types(boxes.dtype, torch.float32))
    areas = (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
    left, kept = scores.sort(descending=True, stable=True).indices, []
    while len(left):
        block, later = left[:_BLOCK], left[_BLOCK:]
        within = _ious(boxes[block], areas[block], boxes[block], areas[block], offset) > iou_threshold
        block = block[_fixed_point(within.triu(1))]
        covered = _ious(boxes[block], areas[block], boxes[later], areas[later], offset) > iou_threshold
        left = later[~covered.any(0)]
        kept.append(block)
    return torch.cat(kept) if kept else left


def _ious(a: Tensor, a_areas: Tensor, b: Tensor, b_areas: Tensor, offset: int) -> Tensor:
    """Intersection over union ``(len(a), len(b))``."""
    low, high = torch.maximum(a[:, None, :2], b[:, :2]), torch.minimum(a[:, None, 2:], b[:, 2:])
    sides = (high - low + offset).clamp(min=0)
    common = sides[..., 0] * sides[..., 1]
    return common / (a_areas[:, None] + b_areas - common)


def _fixed_point(overlaps: Tensor) -> Tensor:
    """Which boxes of a block stay: bool ``(n,)``.

    Args:
        overlaps (Tensor): bool ``(n, n)``, upper triangle: box i, of a higher score, overlaps box j.
    """
    kept = torch.ones(len(overlaps), dtype=torch.bool, device=overlaps.device)
    while True:  # at most n rounds: after round k the first k boxes are final
        settled = ~(overlaps & kept[:, None]).any(0)
        if torch.equal(settled, kept):
            return kept
        kept = settled
