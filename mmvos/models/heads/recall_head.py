"""From what memory says of each object to its mask, coarse to fine."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.utils.amp import in_float32

from ..necks.recall_neck import RecallMaps, enlarge

#: logit of a place where an object cannot be
NOWHERE = -20.0


class Recalled(NamedTuple):
    """What the memory of B videos says of a frame, each ``(B, L, h, w)`` at stride 8, background first.

    ``local``: read from the previous frame around each cell; ``prompt``: from the frames in which objects were given;
    ``bank``: from a few recent frames; ``scores``: of the target model; ``previous``: labels of the previous frame as they
    were.
    """

    local: Tensor
    prompt: Tensor
    bank: Tensor
    scores: Tensor
    previous: Tensor


class ObjectRows:
    """The objects of B videos as rows of one batch, those of a video one after the other.

    Args:
        counts (Sequence[int]): number of objects of each video.
        device (torch.device): where index tensors live.
    """

    def __init__(self, counts: Sequence[int], device: torch.device) -> None:
        self.counts = list(counts)
        #: the video of each row, as a list
        self.videos = [video for video, count in enumerate(counts) for _ in range(count)]
        self.device = device

    @cached_property
    def video(self) -> Tensor:
        """The video of each row ``(M,)``."""
        return torch.tensor(self.videos).to(self.device, non_blocking=True)

    @cached_property
    def label(self) -> Tensor:
        """The label of each row in its video ``(M,)``."""
        labels = torch.cat([torch.arange(1, count + 1) for count in self.counts])
        return labels.to(self.device, non_blocking=True)

    def own(self, maps: Tensor) -> Tensor:
        """Each object's own map ``(M, ...)`` of ``(B, L, ...)``."""
        if len(self.counts) == 1:
            return maps[0, 1 : self.counts[0] + 1]
        return maps[self.video, self.label]

    def of_video(self, maps: Tensor) -> Tensor:
        """The map of each object's video ``(M, ...)`` of ``(B, ...)``."""
        if len(self.counts) == 1:
            return maps.expand(self.counts[0], *maps.shape[1:])
        return maps[self.video]

    def strongest_rival(self, rows: Tensor, none: float = 0.0) -> Tensor:
        """For each row ``(M, ...)`` the maximum of the other objects of its video; ``none`` where there is no other."""
        if len(self.counts) == 1:
            return _strongest_others(rows, none)
        return torch.cat([_strongest_others(part, none) for part in rows.split(self.counts)])

    def has_rival(self) -> Tensor:
        """``(M, 1, 1, 1)``: 1 where the video has other objects, else 0."""
        rivals = torch.tensor([float(self.counts[video] > 1) for video in self.videos])
        return rivals.to(self.video.device, non_blocking=True)[:, None, None, None]

    def among_rivals(self, x: Tensor, network: nn.Module) -> Tensor:
        """Maps of the objects ``(M, C, h, w)`` with what a network says of their strongest rivals, where they have some.

        Args:
            x (Tensor): maps of the objects ``(M, C, h, w)``.
            network (nn.Module): makes ``(M, C, h, w)`` of the rivals' maps.
        """
        if max(self.counts) == 1 and not network.training:  # in training every process has the gradients of every parameter
            return x
        seen = network(self.strongest_rival(x))
        if 1 in self.counts:  # what an object learns does not depend on the other videos of a batch
            seen = seen * self.has_rival()
        return x + seen

    def as_labels(self, logits: Tensor) -> Tensor:
        """Logits of the objects ``(M, h, w)`` as logits of labels ``(B, L, h, w)``: 0 for the background."""
        if len(self.counts) == 1:
            return F.pad(logits, (0, 0, 0, 0, 1, 0))[None]
        labels = logits.new_full((len(self.counts), max(self.counts) + 1, *logits.shape[-2:]), NOWHERE)
        labels[:, 0] = 0
        labels[self.video, self.label] = logits
        return labels


class Boxes:
    """One box per object, all of one size, so that what is inside them is a batch.

    Args:
        corners (list[tuple[int, int]]): top and left of each box, in cells.
        size (tuple[int, int]): height and width of the boxes, in cells.
        frame (tuple[int, int]): height and width of the frame, in cells.
    """

    def __init__(self, corners: list[tuple[int, int]], size: tuple[int, int], frame: tuple[int, int]) -> None:
        self.corners, self.size, self.frame = corners, size, frame

    @classmethod
    def around(cls, logits: Tensor, threshold: float, margin: int) -> 'Boxes':
        """Boxes of the cells whose logit ``(M, h, w)`` is above a threshold, as large as the largest needs to be."""
        frame = logits.shape[-2], logits.shape[-1]
        largest = torch.cat([logits.amax(2), logits.amax(1)], 1)
        lines = largest.detach().float().cpu().numpy() > threshold  # the only wait for the device
        spans = []
        for line in np.split(lines, [frame[0]], axis=1):  # (M, side), down and across
            last = line.shape[1] - 1
            first = line.argmax(1)
            end = np.where(line.any(1), last - line[:, ::-1].argmax(1), first)
            spans.append(
                [(max(a - margin, 0), min(b + margin, last) + 1) for a, b in zip(first.tolist(), end.tolist(), strict=True)]
            )
        size = [max(b - a for a, b in span) for span in spans]
        corners = [
            tuple(min(a, side - s) for a, s, side in zip(at, size, frame, strict=True))
            for at in zip(*([a for a, _ in s] for s in spans), strict=True)
        ]
        return cls(corners, (size[0], size[1]), frame)

    def fit(self, maps: Sequence[Tensor]) -> bool:
        """Whether cells cover whole cells of the finer maps, so that boxes can be cut out of them."""
        return all(m.shape[-2] % self.frame[0] == 0 == m.shape[-1] % self.frame[1] for m in maps)

    def cut(self, maps: Tensor, rows: Sequence[int]) -> Tensor:
        """The boxes' parts of ``maps[rows]``, ``(M, C, height, width)``."""
        parts = [maps[row][area] for row, area in zip(rows, self._areas(maps), strict=True)]
        return torch.stack(parts)

    def add(self, maps: Tensor, parts: Tensor) -> None:
        """Add the boxes' parts to ``maps`` ``(M, C, H, W)`` in place."""
        for row, (area, part) in enumerate(zip(self._areas(maps), parts, strict=True)):
            maps[row][area].add_(part)

    def refined(
        self,
        refine: Callable[[Tensor, Tensor, Tensor], Tensor],
        x: Tensor,
        coarse: Tensor,
        skips: Sequence[Tensor],
        videos: Sequence[int],
    ) -> Tensor:
        """Coarse logits ``(M, 1, h, w)`` at the size of the finer map, with what a network adds inside the boxes.

        Args:
            refine (Callable): the network, see :meth:`RecallHead.refine`.
            x (Tensor): maps of the objects ``(M, C, h, w)``.
            coarse (Tensor): their logits.
            skips (Sequence[Tensor]): maps of the videos' frames at strides 4 and 2, ``(B, C_i, h_i, w_i)``.
            videos (Sequence[int]): the video of each object.
        """
        fine = enlarge(coarse, skips[1])
        at4, at2 = (self.cut(skip, videos) for skip in skips)
        self.add(fine, refine(self.cut(x, range(len(x))), at4, at2))
        return fine

    def _areas(self, maps: Tensor) -> list[tuple[slice, slice, slice]]:
        factor = maps.shape[-2] // self.frame[0]
        height, width = (factor * side for side in self.size)
        every = slice(None)
        return [
            (every, slice(factor * top, factor * top + height), slice(factor * left, factor * left + width))
            for top, left in self.corners
        ]


@MODELS.register_module()
class RecallHead(nn.Module):
    """Fuses the cues of each object with the frame's features; objects of a video see the strongest of their rivals.

    The coarse logit begins as a weighted sum of the cues' log odds, to which the network adds; the fine one begins as the
    coarse one, enlarged.

    Args:
        context_channels (int): channels of the frame's features at stride 8.
        channels (tuple[int, int]): channels of the layers at stride 8, before and after the last of them.
        skip_channels (tuple[int, int]): channels of the frame's features and of the layers at strides 4 and 2.
        certain (float): at inference an object is refined within the box of cells whose coarse logit is above this; outside
            it the coarse logit stays.
        margin (int): cells that are added to the box on every side.
    """

    NUM_CUES = 12

    def __init__(
        self,
        context_channels: int = 48,
        channels: tuple[int, int] = (64, 48),
        skip_channels: tuple[int, int] = (32, 16),
        certain: float = -4.0,
        margin: int = 2,
    ) -> None:
        super().__init__()
        self.certain, self.margin = certain, margin
        wide, narrow = channels
        self.frame = nn.Conv2d(context_channels, wide, 3, padding=1)
        self.cues = nn.Conv2d(self.NUM_CUES, wide, 3, padding=1)
        self.around = nn.Conv2d(wide, wide, 3, padding=2, dilation=2)
        self.rivals = nn.Conv2d(wide, wide, 1)
        self.narrow = nn.Conv2d(wide, narrow, 3, padding=1)
        self.coarse = nn.Conv2d(narrow, 1, 3, padding=1)
        self.blend_4 = nn.Conv2d(narrow, skip_channels[0], 3, padding=1)
        self.refine_4 = nn.Conv2d(skip_channels[0], skip_channels[0], 3, padding=1)
        self.blend_2 = nn.Conv2d(skip_channels[0], skip_channels[1], 3, padding=1)
        self.fine = nn.Conv2d(skip_channels[1], 1, 3, padding=1)
        for conv in (self.coarse, self.fine):
            for parameter in conv.parameters():
                nn.init.zeros_(parameter)
        #: weights of the log odds of the local, prompt and bank reads, of the lead in the scores, and a bias
        self.prior = nn.Parameter(torch.tensor([0.5, 0.3, 0.3, 1.0, 0.0]))

    def forward(self, maps: RecallMaps, recalled: Recalled, rows: ObjectRows, reach: float = 0.0) -> tuple[Tensor, Tensor]:
        """Logits of every object against the background.

        Args:
            maps (RecallMaps): maps of the frames of B videos.
            recalled (Recalled): what their memories say of them.
            rows (ObjectRows): their M objects.
            reach (float): how far an object may be from where it was in the previous frame, see :func:`within_reach`.

        Returns:
            tuple[Tensor, Tensor]: fine logits ``(M, 4 h, 4 w)`` at stride 2, coarse ones ``(M, h, w)`` at stride 8.
        """
        x, coarse = self.decode(maps.context, recalled, rows)
        coarse = within_reach(coarse, rows.own(recalled.previous), reach)
        boxes = Boxes.around(coarse[:, 0], self.certain, self.margin)
        if self.training or not boxes.fit(maps.skips):
            at4, at2 = (rows.of_video(skip) for skip in maps.skips)
            fine = enlarge(coarse, maps.skips[1]) + self.refine(x, at4, at2)
        else:
            fine = boxes.refined(self.refine, x, coarse, maps.skips, rows.videos)
        return fine[:, 0], coarse[:, 0]

    def decode(self, context: Tensor, recalled: Recalled, rows: ObjectRows) -> tuple[Tensor, Tensor]:
        """Maps of the objects ``(M, C, h, w)`` and their coarse logits ``(M, 1, h, w)``, both at stride 8.

        Args:
            context (Tensor): the neck's maps ``(B, C, h, w)`` of B frames at stride 8.
            recalled (Recalled): what was read from the memories.
            rows (ObjectRows): which of the M rows belongs to which frame.
        """
        cues, prior = self._cues(recalled, rows)
        x = F.relu(self.cues(cues) + rows.of_video(self.frame(context)))
        x = x + F.relu(self.around(x))
        x = rows.among_rivals(x, self.rivals)
        x = F.relu(self.narrow(x))
        return x, prior + self.coarse(x)

    def refine(self, x: Tensor, at4: Tensor, at2: Tensor) -> Tensor:
        """Logits ``(M, 1, 4 h, 4 w)`` to be added to the enlarged coarse ones.

        Args:
            x (Tensor): maps ``(M, C, h, w)`` of M objects at stride 8, see :meth:`decode`.
            at4 (Tensor): the frame's maps ``(M, C4, 2 h, 2 w)`` at stride 4, for each object.
            at2 (Tensor): the frame's maps ``(M, C2, 4 h, 4 w)`` at stride 2, for each object.
        """
        y = F.relu(self.blend_4(enlarge(x, at4)) + at4)
        y = F.relu(self.refine_4(y))
        y = F.relu(self.blend_2(enlarge(y, at2)) + at2)
        return self.fine(y)

    def _cues(self, recalled: Recalled, rows: ObjectRows) -> tuple[Tensor, Tensor]:
        """Cues ``(M, NUM_CUES, h, w)`` and the logit that they make by themselves ``(M, 1, h, w)``."""
        own = rows.own(torch.stack(list(recalled), 2))
        rival = rows.strongest_rival(own)
        background = rows.of_video(recalled.scores)[:, 0]
        score, previous = own[:, 3], own[:, 4]
        rival_score = torch.maximum(rows.strongest_rival(score, -1.0), background)
        odds = torch.logit(own[:, :3], 0.01)  # of what is read from the previous frame, the prompts and the bank
        shares = [m[:, i] for i in range(3) for m in (own, rival)]
        cues = [*shares, score, rival_score, background, previous, rival[:, 4], odds[:, 0] / 4]
        evidence = torch.cat([odds, (score - rival_score)[:, None]], 1)
        return torch.stack(cues, 1), self._prior_logit(evidence)

    @in_float32
    def _prior_logit(self, evidence: Tensor) -> Tensor:
        """The logit ``(M, 1, h, w)`` that four pieces of evidence ``(M, 4, h, w)`` make."""
        return F.conv2d(evidence.float(), self.prior[:4].view(1, 4, 1, 1), self.prior[4:])


def _strongest_others(rows: Tensor, none: float) -> Tensor:
    """For each of M rows the maximum of the others; ``none`` where there is no other.

    Maxima from the first row on and from the last row back: whole planes, where a top-k over the first dimension, whose
    numbers lie far apart, takes many times as long on a CPU.
    """
    if len(rows) == 1:
        return torch.full_like(rows, none)
    before, after = list(rows[:-1]), list(rows[1:])  # the maximum of all rows before, and of all after, each row
    for i in range(1, len(before)):
        before[i] = torch.maximum(before[i - 1], before[i])
        after[-1 - i] = torch.maximum(after[-i], after[-1 - i])
    return torch.stack([after[0], *map(torch.maximum, before[:-1], after[1:]), before[-1]])


def within_reach(coarse: Tensor, previous: Tensor, reach: float) -> Tensor:
    """Coarse logits without the cells that are too far from where an object was.

    Args:
        coarse (Tensor): logits ``(M, 1, h, w)``.
        previous (Tensor): shares of the objects in the cells of the previous frame, ``(M, h, w)``. An object that was not
            seen there may be anywhere.
        reach (float): how far it may be, as a share of the frame's shorter side (0: anywhere).
    """
    if not reach:
        return coarse
    cells = max(round(reach * min(coarse.shape[-2:])), 1)
    there = previous[:, None].round()  # 1 from more than a half on
    near = F.max_pool2d(there, (2 * cells + 1, 1), 1, (cells, 0))
    near = F.max_pool2d(near, (1, 2 * cells + 1), 1, (0, cells))
    return coarse.masked_fill(near < there.amax((2, 3), keepdim=True), NOWHERE)
