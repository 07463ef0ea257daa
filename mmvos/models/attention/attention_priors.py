"""Attention priors: where an object may be, as input maps of a network; and their errors imitated for training.

Source: "MAIN: Multi-Attention Instance Network for Video Segmentation", section 3.2 and 4.3.
"""

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor
from typing_extensions import override

from mmvos.registry import MODELS
from mmvos.structures import InputError, boxes_of_masks, draw_boxes

from ..flow import warp
from ..trackers import Tracks


class AttentionPrior(BaseModule):
    """Input maps of a network with one channel per instance.

    Attributes of the class:
        cue (str): name of the maps among the network's inputs.
    """

    cue: str

    def cues(self, num_slots: int) -> dict[str, int]:
        """Names and channels of the inputs that the prior adds."""
        return {self.cue: num_slots}

    def as_input(self, maps: Tensor) -> Tensor:
        """Maps ``(B, N, H, W)`` as the network sees them."""
        return maps


@MODELS.register_module()
class LongTermAttention(AttentionPrior):
    """LTA: the box of each object, filled.

    Args:
        on_lost (str): what a target that its tracker lost gets: ``'keep'`` (its last box), ``'zero'`` (an empty map) or
            ``'sta_box'`` (the box of its short-term attention).
        jitter (float): in training every side of a box is moved by up to this share of the box's width or height, a
            stand-in for a tracker's errors where no tracker was run (0: exact boxes).
    """

    cue = 'lta'

    def __init__(self, on_lost: str = 'keep', jitter: float = 0.0) -> None:
        super().__init__()
        if on_lost not in ('keep', 'zero', 'sta_box'):
            raise InputError(f"on_lost is {on_lost!r}; expected 'keep', 'zero' or 'sta_box'.")
        self.on_lost, self.jitter = on_lost, jitter

    def forward(self, tracks: Tracks, sta: Tensor) -> Tensor:
        """Maps ``(n, h, w)`` of the tracks in the frame itself; ``sta`` gives the size, and boxes for ``'sta_box'``."""
        boxes = torch.as_tensor(np.asarray(tracks.boxes), dtype=torch.float32, device=sta.device)
        lost = torch.as_tensor(~tracks.ok, device=sta.device)[:, None]
        if self.on_lost == 'sta_box':
            boxes = torch.where(lost, boxes_of_masks(sta), boxes)
        elif self.on_lost == 'zero':
            boxes = boxes.masked_fill(lost, 0)
        return draw_boxes(boxes, *sta.shape[-2:])

    def imitate(self, boxes: Tensor, height: int, width: int) -> Tensor:
        """Training maps ``(n, height, width)`` of boxes.

        Args:
            boxes (Tensor): ``(n, 4)``, in pixels.
            height (int): height of the maps.
            width (int): width of the maps.
        """
        if self.jitter:
            size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
            boxes = boxes + (2 * torch.rand_like(boxes) - 1) * self.jitter * size
        return draw_boxes(boxes, height, width)


@MODELS.register_module()
class ShortTermAttention(AttentionPrior):
    """STA: the previous mask of each object.

    At test it is warped by the optical flow. In training the true mask of a neighbouring frame stands in for it,
    distorted as a prediction might be: grown or shrunk, scaled, shifted. Ranges are the paper's for 256 x 416 pixels.

    Args:
        source (str): ``'label'`` (one-hot of the previous label map) or ``'prob'`` (previous probabilities).
        binarize (bool): threshold the warped mask at 0.5.
        kernel (tuple[int, int]): smallest and largest side in pixels of the square kernel that dilates or erodes.
        scale (tuple[float, float]): range of the change of size about the centre of the object's box.
        shift (float): largest shift as a share of the frame's width and height.
        dropout (float): probability that an object gets no STA.
        neighbours (tuple[int, ...]): the frames, relative to the present one, whose mask may stand in.

    Raises:
        InputError: unknown ``source``, or a ``kernel`` that is no range from 1.
    """

    cue = 'sta'

    def __init__(
        self,
        source: str = 'label',
        binarize: bool = False,
        kernel: tuple[int, int] = (6, 30),
        scale: tuple[float, float] = (0.8, 1.2),
        shift: float = 0.01,
        dropout: float = 0.0,
        neighbours: tuple[int, ...] = (-1, 0, 1),
    ) -> None:
        super().__init__()
        if source not in ('label', 'prob'):
            raise InputError(f"source is {source!r}; expected 'label' or 'prob'.")
        if not 1 <= kernel[0] <= kernel[1]:
            raise InputError(f'kernel is {kernel}; expected (smallest, largest) from 1.')
        self.source, self.binarize = source, binarize
        self.kernel, self.scale, self.shift, self.dropout = tuple(kernel), tuple(scale), shift, dropout
        self.neighbours = tuple(neighbours)

    def forward(self, previous: Tensor, flow_bwd: Tensor) -> Tensor:
        """Previous masks, carried to the present frame: ``(n, h, w)``.

        Args:
            previous (Tensor): ``(n, h, w)``, 0..1.
            flow_bwd (Tensor): backward flow of the present frame, ``(1, 2, h, w)`` in pixels.
        """
        maps = warp(previous[None], flow_bwd)[0]
        return (maps > 0.5).float() if self.binarize else maps

    def previous(self, logits: Tensor, masks: Tensor) -> Tensor:  # noqa: ARG002  (the other prior returns the masks)
        """What the next frame's STA starts from: masks of the objects ``(n, h, w)`` from their logits; ``masks`` are those
        that this frame's started from."""
        if self.source == 'prob':
            return logits.float().sigmoid()
        best, index = logits.max(0)
        winners = torch.where(best > 0, index, -1)
        return (winners == torch.arange(len(logits), device=logits.device).view(-1, 1, 1)).float()

    def imitate(self, masks: Tensor) -> Tensor:
        """Masks ``(n, h, w)``, 0/1, distorted one by one; a mask that erosion would remove is not eroded."""
        if not len(masks):
            return masks
        changed = torch.stack([self._grow_or_shrink(mask) for mask in masks])
        gone = ~changed.flatten(1).any(1)
        changed[gone] = masks[gone]
        changed = self._scale_and_shift(changed)
        if self.dropout:
            changed = changed * (torch.rand(len(masks), 1, 1, device=masks.device) >= self.dropout)
        return changed

    def _grow_or_shrink(self, mask: Tensor) -> Tensor:
        side = int(torch.randint(self.kernel[0], self.kernel[1] + 1, ()))
        erode = bool(torch.rand(()) < 0.5)
        before, after = side // 2, side - 1 - side // 2  # the kernel's anchor is its middle, side // 2
        x = (1 - mask if erode else mask)[None, None]
        # what is outside the frame neither grows into it nor eats into objects at its border
        x = F.max_pool2d(F.pad(x, (before, after, 0, 0)), (1, side), stride=1)
        x = F.max_pool2d(F.pad(x, (0, 0, before, after)), (side, 1), stride=1)[0, 0]
        return 1 - x if erode else x

    def _scale_and_shift(self, masks: Tensor) -> Tensor:
        count, height, width = masks.shape
        size = masks.new_tensor((width, height))
        boxes = boxes_of_masks(masks)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        scale = torch.empty(count, 1, device=masks.device).uniform_(*self.scale)
        shift = (2 * torch.rand(count, 2, device=masks.device) - 1) * self.shift * size
        # a pixel at q shows what was at centre + (q - shift - centre) / scale; written for coordinates in [-1, 1]
        offset = centre - (centre + shift) / scale
        theta = masks.new_zeros(count, 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = 1 / scale[:, 0]
        theta[:, :, 2] = 2 * offset / size + 1 / scale - 1
        grid = F.affine_grid(theta, [count, 1, height, width], align_corners=False)
        return F.grid_sample(masks[:, None], grid, mode='nearest', align_corners=False)[:, 0]


class _NoAttention(AttentionPrior):
    """In place of a prior that is switched off."""

    @override
    def cues(self, num_slots: int) -> dict[str, int]:
        """No input."""
        return {}

    def as_input(self, maps: Tensor) -> Tensor:
        """Maps ``(B, N, H, W)`` to no channel of them."""
        return maps[:, :0]


class NoLongTermAttention(_NoAttention):
    """In place of the long-term attention."""

    @override
    def forward(self, tracks: Tracks, sta: Tensor) -> Tensor:
        """Empty maps of the size of ``sta``."""
        return torch.zeros_like(sta)

    def imitate(self, boxes: Tensor, height: int, width: int) -> Tensor:
        """Empty maps ``(n, height, width)``."""
        return boxes.new_zeros(len(boxes), height, width)


class NoShortTermAttention(_NoAttention):
    """In place of the short-term attention: previous masks are those of the prompts."""

    neighbours = (0,)

    @override
    def forward(self, previous: Tensor, flow_bwd: Tensor) -> Tensor:
        """Previous masks ``(n, h, w)`` as they are."""
        return previous

    def previous(self, logits: Tensor, masks: Tensor) -> Tensor:  # noqa: ARG002  (as ShortTermAttention is called)
        """The masks, unchanged.

        Args:
            logits (Tensor): ``(B, N, H, W)``, unused.
            masks (Tensor): ``(B, N, H, W)`` in [0, 1].
        """
        return masks

    def imitate(self, masks: Tensor) -> Tensor:
        """Masks ``(n, h, w)`` as they are."""
        return masks
