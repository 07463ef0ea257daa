"""What is remembered of a video's frames for labels to be read from, and what is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class FrameKeys(NamedTuple):
    """A frame as it is matched: ``keys`` ``(C, h, w)``, of unit length; ``maps``: the target model's features."""

    keys: Tensor
    maps: tuple[Tensor, ...] = ()


@dataclass
class Reference:
    """Cells that labels are read from: ``keys`` ``(C, ...)`` and ``labels`` ``(N + 1, ...)``, background first, sum 1.

    The cells are a whole frame's ``(h, w)``, or some of them ``(cells,)``.
    """

    keys: Tensor
    labels: Tensor

    def with_labels(self, count: int) -> 'Reference':
        """The same with ``count`` further labels at the end that no cell has."""
        nowhere = torch.zeros_like(self.labels[:1]).expand(count, *self.labels.shape[1:])
        return Reference(self.keys, torch.cat([self.labels, nowhere]))

    def keep_objects(self, indices: Sequence[int]) -> 'Reference':
        """The same with only these objects; what the others covered becomes background."""
        objects = self.labels[[i + 1 for i in indices]]
        background = self.labels.sum(0, keepdim=True) - objects.sum(0, keepdim=True)
        return Reference(self.keys, torch.cat([background, objects]))


@dataclass
class LabelMemory:
    """Frames that labels are read from; constant in size except for the cells of each prompt.

    ``prompts``: first the frame of the first prompt, then of each later one the cells of its objects; ``recent``: the last
    few frames, oldest first.
    """

    prompts: list[Reference]
    recent: list[Reference]


class ReadLabels(NamedTuple):
    """What was read in a frame: ``labels`` ``(N + 1, h, w)``, background first, sum 1.

    With a target model, ``propagated`` are the labels before it was asked, and ``scores`` ``(N + 1, h, w)`` is what it said.
    Without one, ``propagated`` are the labels, and ``scores`` is empty ``(0, h, w)``.
    """

    labels: Tensor
    propagated: Tensor
    scores: Tensor


def label_shares(masks: Tensor, size: Sequence[int]) -> Tensor:
    """Averages of masks ``(N, H, W)`` over the cells of a map of this size, ``(N, h, w)``, float32."""
    return F.adaptive_avg_pool2d(masks.float()[None], (size[0], size[1]))[0]
