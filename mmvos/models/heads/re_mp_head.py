"""Recurrent mask propagation (Re-MP), the module of DyeNet that carries masks from frame to frame, on RoIs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn
from typing_extensions import override

from mmvos.registry import MODELS
from mmvos.structures import InputError, settings_from

from ..flow.roi_warp import warp_roi_state

#: unit features ``(N, C, m, m)`` and mask ``(N, 1, m, m)`` in [0, 1] of RoIs of an earlier frame
Reference: TypeAlias = tuple[Tensor, Tensor]


class RoIState(NamedTuple):
    """What N objects carry from frame to frame, on the grid of each object's box.

    Attributes:
        hidden (Tensor): hidden state ``(N, d, m, m)``. With a carried mask, d is one more than the network's, and the last
            channel is the mask, in [0, 1].
        references (tuple[Reference, ...]): RoIs of earlier frames whose masks are read by similarity: the starting one, then
            that of the frame before.
    """

    hidden: Tensor
    references: tuple[Reference, ...] = ()

    def rows(self, indices: Tensor) -> 'RoIState':
        """The state of these objects."""
        return RoIState(self.hidden[indices], tuple((f[indices], m[indices]) for f, m in self.references))

    @staticmethod
    def joined(states: Sequence['RoIState']) -> 'RoIState':
        """One state of all objects of several states, which hold equally many references."""
        references = zip(*(state.references for state in states), strict=True)
        return RoIState(
            torch.cat([state.hidden for state in states]),
            tuple((torch.cat([f for f, _ in same]), torch.cat([m for _, m in same])) for same in references),
        )

    def warped(self, boxes_prev: Tensor, boxes: Tensor, flow: Tensor) -> 'RoIState':
        """The hidden state carried along the flow to new boxes, see :func:`~mmvos.models.flow.roi_warp.warp_roi_state`."""
        return self._replace(hidden=warp_roi_state(self.hidden, boxes_prev, boxes, flow))


class NoAttention(nn.Module):
    """The hidden state as it is, instead of a :class:`RegionAttention`."""

    def forward(self, *states: Tensor) -> Tensor:
        """The states ``(N, d, m, m)`` of the frame before and of this one; returns the latter."""
        return states[-1]


@dataclass(frozen=True)
class MaskReader:
    """A cue besides the carried mask: the masks of the starting RoI and of the RoI before, read by the similarity of features.

    Args:
        temperature, topk (float, int): see :func:`read_masks`.
    """

    temperature: float = 0.05
    topk: int = 10
    num_cues: ClassVar[int] = 1

    def remember(self, rois: Tensor, masks: Tensor) -> tuple[Reference, ...]:
        """What later frames read of RoI features ``(N, C, m, m)`` with masks ``(N, 1, m, m)`` in [0, 1]."""
        return ((F.normalize(rois, dim=1), masks),)

    def read(self, rois: Tensor, references: Sequence[Reference]) -> list[Tensor]:
        """Masks ``(N, 1, m, m)`` of RoI features ``(N, C, m, m)``."""
        return [read_masks(F.normalize(rois, dim=1), references, self.temperature, self.topk)]


@dataclass(frozen=True)
class NoReader(MaskReader):
    """A :class:`MaskReader` that remembers and reads nothing."""

    num_cues: ClassVar[int] = 0

    @override
    def remember(self, rois: Tensor, masks: Tensor) -> tuple[Reference, ...]:
        """No reference."""
        return ()

    @override
    def read(self, rois: Tensor, references: Sequence[Reference]) -> list[Tensor]:
        """No cue."""
        return []


@MODELS.register_module()
class ReMPHead(BaseModule):
    """Recurrent mask propagation (DyeNet, section 3.3, equations 1 and 2).

    h_j = N_R(warped h_{j-1}, x_j); y_j = N_O(attention(warped h_{j-1}) * h_j).

    ``carry_mask`` and ``matching`` are not in the paper: they are for small networks that see little data. The logits of N_O
    are then corrections of what the two cues say; untrained, the module passes masks on as they are.

    Args:
        layers (dict): config of N_R, which keeps the RoI's resolution.
        in_channels (int): channels of RoI features.
        state_channels (int): d.
        combine (str): how the state enters N_R: ``'add'`` (a 1x1 convolution that starts at zero, so that pretrained layers see
            what they know) or ``'concat'``.
        attention (dict | None): config of the region attention (None: the ablation without it). It reads one channel more with
            ``carry_mask``.
        hidden_channels (int): channels of N_O's three convolutions.
        carry_mask (bool): the state that a step passes on is seen through the predicted mask, as the starting state is through
            the given one, and either carries its mask as one more channel.
        matching (dict | None): settings of a :class:`MaskReader` (None: masks are not read). Needs ``carry_mask``.
        init_cfg (dict | None): config of the weights' initialisation.

    Raises:
        InputError: ``combine`` is not known, or ``matching`` comes without ``carry_mask``.
    """

    def __init__(
        self,
        layers: dict,
        in_channels: int = 1024,
        state_channels: int = 2048,
        combine: str = 'add',
        attention: dict | None = None,
        hidden_channels: int = 256,
        carry_mask: bool = False,
        matching: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if combine not in ('add', 'concat'):
            raise InputError(f"ReMPHead: combine is {combine!r}; expected 'add' or 'concat'.")
        if matching and not carry_mask:
            raise InputError('ReMPHead: matching needs carry_mask=True.')
        self.combine, self.carry_mask = combine, carry_mask
        self.layers = MODELS.build(layers)
        carried = state_channels + carry_mask
        if combine == 'add':
            self.state_in = nn.Conv2d(carried, in_channels, 1, bias=False)
            nn.init.zeros_(self.state_in.weight)
        else:
            self.state_in = nn.Conv2d(in_channels + carried, in_channels, 1)
        self.attention = MODELS.build(attention) if attention else NoAttention()
        self.reader: MaskReader = settings_from(MaskReader, matching, 'ReMPHead.matching') if matching else NoReader()
        cues = int(carry_mask) + self.reader.num_cues
        last = nn.Conv2d(hidden_channels, 1, 1)
        if cues:
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]  # the layer has a bias
            self.cue_gain = nn.Parameter(torch.full((cues, 1, 1), 3.0 / cues))  # together, cues that are sure give logit 3
        self.output = nn.Sequential(
            nn.Conv2d(state_channels + cues, hidden_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, hidden_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            last,
        )

    def init_state(self, rois: Tensor, masks: Tensor) -> RoIState:
        """State at a starting point.

        The mask is the only thing that says which object of the box is meant.

        Args:
            rois (Tensor): RoI features ``(N, C, m, m)``.
            masks (Tensor): ``(N, m, m)`` in [0, 1].
        """
        masks = masks[:, None]
        return RoIState(self._through(self.layers(rois), masks), self.reader.remember(rois, masks))

    def forward(self, state: RoIState, rois: Tensor) -> tuple[Tensor, RoIState]:
        """One step.

        Args:
            state (RoIState): state of the frame before, warped to the new boxes.
            rois (Tensor): features of the new boxes, ``(N, C, m, m)``.

        Returns:
            Logits ``(N, m, m)`` and the new state, before attention.
        """
        warped = state.hidden
        if self.combine == 'add':
            hidden = self.layers(rois + self.state_in(warped))
        else:
            hidden = self.layers(self.state_in(torch.cat([rois, warped], 1)))
        attended = self.attention(warped, hidden)
        if not self.carry_mask:
            return self.output(attended)[:, 0], RoIState(hidden)
        cues = 2 * torch.cat([warped[:, -1:], *self.reader.read(rois, state.references)], 1) - 1
        logits = self.output(torch.cat([attended, cues], 1)) + (self.cue_gain * cues).sum(1, keepdim=True)
        masks = logits.sigmoid()
        references = state.references[:1] + self.reader.remember(rois, masks)
        return logits[:, 0], RoIState(self._through(hidden, masks), references)

    def _through(self, hidden: Tensor, masks: Tensor) -> Tensor:
        hidden = hidden * masks
        return torch.cat([hidden, masks], 1) if self.carry_mask else hidden


def read_masks(queries: Tensor, references: Sequence[Reference], temperature: float = 0.05, topk: int = 10) -> Tensor:
    """Every cell reads the mask of the reference cells that look like it: the mean over the ``topk`` most similar cells of all
    references, weighted by the softmax of (cosine similarity / temperature).

    Args:
        queries (Tensor): unit features of N RoIs, ``(N, C, m, m)``.
        references (Sequence[tuple[Tensor, Tensor]]): for each RoI unit features ``(N, C, m, m)`` and masks ``(N, 1, m, m)`` in
            [0, 1].
        temperature (float): > 0; the smaller, the more the most similar cell decides.
        topk (int): number of cells that are read.

    Returns:
        ``(N, 1, m, m)`` in [0, 1].
    """
    keys = torch.cat([_cells(features) for features, _ in references], 1)  # (N, R m m, C)
    masks = torch.cat([masks.flatten(1) for _, masks in references], 1)  # (N, R m m)
    topk = min(topk, masks.shape[1])
    # on a CPU the similarities of one RoI at a time, which fit into its cache (a quarter of the time)
    batch = 1 if queries.device.type == 'cpu' else max(len(queries), 1)
    read = []
    for own, known, values in zip(
        (_cells(queries) / temperature).split(batch), keys.split(batch), masks.split(batch), strict=True
    ):
        similarity, index = (own @ known.transpose(1, 2)).topk(topk, dim=2, sorted=False)  # (n, m m, topk)
        found = values.gather(1, index.flatten(1)).view_as(index)
        read.append((similarity.softmax(2) * found).sum(2))
    return torch.cat(read).view(len(queries), 1, *queries.shape[-2:])


def _cells(maps: Tensor) -> Tensor:
    """``(N, C, m, m)`` as one row for each cell: ``(N, m m, C)``."""
    return maps.flatten(2).transpose(1, 2)
