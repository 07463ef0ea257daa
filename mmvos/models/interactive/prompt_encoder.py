"""Prompts as maps."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmvos.registry import MODELS

#: logit where there is no mask to correct: a probability of zero
NOTHING = -30.0
#: logit of a mask that is given, inside (negative: outside)
_GIVEN = 4.0


def given_logits(masks: Tensor, stride: int = 4) -> Tensor:
    """Masks bool or 0..1 ``(N, H, W)`` that are to be corrected, as logits ``(N, H / stride, W / stride)``."""
    height, width = masks.shape[-2:]
    return (F.adaptive_avg_pool2d(masks.float(), (height // stride, width // stride)) * 2 - 1) * _GIVEN


class PromptTensors(NamedTuple):
    """Prompts of N objects, in pixels of the network's input.

    ``clicks``: ``(N, K, 2)`` x, y. ``signs``: ``(N, K)``, 1 on the object, -1 beside it, 0 no click.
    ``boxes``: ``(N, 4)`` x1, y1, x2, y2; zeros: no box.
    """

    clicks: Tensor
    signs: Tensor
    boxes: Tensor

    def rows(self, indices: Sequence[int]) -> 'PromptTensors':
        """Prompts of some of the objects."""
        chosen = list(indices)
        return PromptTensors(self.clicks[chosen], self.signs[chosen], self.boxes[chosen])

    def mirrored(self, width: int) -> 'PromptTensors':
        """The same prompts in an image that is mirrored left to right, ``width`` pixels wide."""
        x1, y1, x2, y2 = self.boxes.unbind(-1)
        boxes = torch.stack([width - x2, y1, width - x1, y2], -1)
        clicks = torch.stack([width - self.clicks[..., 0], self.clicks[..., 1]], -1)
        return PromptTensors(clicks, self.signs, boxes.where((x2 > x1)[..., None], self.boxes))


@MODELS.register_module()
class PromptEncoder(BaseModule):
    """Maps of clicks, boxes and the mask before, at a quarter of the image's size.

    For each sign: exp(-d / scale) of the distance d to the nearest click for two scales, one as sharp as a cell and one
    that spans an object; the inside of the box and the distance to its nearest edge; the probability of the mask that is
    corrected. 7 channels.

    Args:
        scales (tuple): the two distances, in pixels.
        stride (int): pixels per cell.
    """

    channels = 7

    def __init__(self, scales: Sequence[float] = (6.0, 48.0), stride: int = 4) -> None:
        super().__init__()
        self.scales, self.stride = tuple(scales), stride

    def forward(self, prompts: PromptTensors, previous: Tensor) -> Tensor:
        """The prompts as maps: ``(N, 7, h, w)``.

        Args:
            prompts (PromptTensors): prompts of N objects.
            previous (Tensor): probabilities ``(N, h, w)`` that the prompts correct, at the maps' size.
        """
        height, width = previous.shape[-2:]
        xs = (torch.arange(width, device=previous.device) + 0.5) * self.stride
        ys = (torch.arange(height, device=previous.device) + 0.5) * self.stride
        x, y = prompts.clicks.unbind(-1)
        distance = torch.hypot(x[..., None, None] - xs, y[..., None, None] - ys[:, None])  # (N, K, h, w)
        maps = []
        for sign in (1, -1):
            far = distance.masked_fill((prompts.signs != sign)[..., None, None], float('inf'))
            nearest = far.amin(1) if far.shape[1] else torch.full_like(previous, float('inf'))
            maps += [torch.exp(-nearest / scale) for scale in self.scales]
        x1, y1, x2, y2 = prompts.boxes[..., None, None].unbind(1)
        depth = torch.minimum(torch.minimum(xs - x1, x2 - xs), torch.minimum(ys[:, None] - y1, y2 - ys[:, None]))
        has_box = x2 > x1
        edge = torch.exp(-depth.abs() / self.scales[1])
        maps += [((depth > 0) & has_box).to(edge), torch.where(has_box, edge, 0.0), previous]
        return torch.stack(maps, 1)
