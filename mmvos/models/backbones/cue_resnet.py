"""A ResNet that sees further cues beside the colours, and returns its finest features too."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.backbones import ResNet
from torch import Tensor

from mmvos.registry import MODELS

#: cues with one channel per instance
INSTANCE_CUES = ('lta', 'sta')
CUES = ('rgb', 'uof', 'flow', *INSTANCE_CUES)


@MODELS.register_module()
class CueResNet(ResNet):
    """ResNet with input cues and five levels of side outputs.

    Level 1 is what the stem gives before the max pooling (stride 2); levels 2 to 5 are the four stages.

    The first convolution inherits from a checkpoint with other cues: RGB is taken as it is; cues that it does not have
    get the mean over the RGB channels, but STA gets a copy of the (trained) LTA where there is one; further instances
    get the mean over the trained ones. Source: MAIN, sections 4.2 and 4.3.

    Args:
        cues (dict[str, int]): ``{cue: channels}`` in the order of the input: ``rgb`` (3), ``uof`` (3) or ``flow`` (2), ``lta``
            and ``sta`` (one per instance).
        out_levels (Sequence[int]): which levels are returned, ascending.
        kwargs (dict): arguments of mmdet's ``ResNet``.
    """

    def __init__(
        self, cues: dict[str, int], out_levels: Sequence[int] = (1, 2, 3, 4, 5), depth: int = 50, **kwargs: Any
    ) -> None:
        unknown = [cue for cue in cues if cue not in CUES]
        if unknown or cues.get('rgb') != 3:
            raise ValueError(f'cues are {dict(cues)}; expected rgb with 3 channels and any of {CUES[1:]}.')
        self.cues, self.out_levels = dict(cues), tuple(out_levels)
        super().__init__(depth, in_channels=sum(cues.values()), out_indices=(0, 1, 2, 3), **kwargs)
        # travels with the weights, so that a checkpoint says which channels its first convolution has
        self.register_buffer('cue_channels', torch.tensor([self.cues.get(cue, 0) for cue in CUES]))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """``(B, C, H, W)`` to the levels asked for, finest first."""
        x = self.relu(self.norm1(self.conv1(x)))
        levels = [x]
        x = self.maxpool(x)
        for name in self.res_layers:
            x = getattr(self, name)(x)
            levels.append(x)
        return tuple(levels[i - 1] for i in self.out_levels)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        key, layout_key = f'{prefix}conv1.weight', f'{prefix}cue_channels'
        weight = state_dict.get(key)
        if weight is not None:
            source = self._layout_of(weight, state_dict.get(layout_key), key)
            state_dict[key] = widen_input(weight, source, self.cues)
            state_dict[layout_key] = self.cue_channels.clone()
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _layout_of(self, weight: Tensor, layout: Tensor | None, key: str) -> dict[str, int]:
        channels = weight.shape[1]
        if layout is not None:
            source = {cue: int(n) for cue, n in zip(CUES, layout) if n}
        else:  # a checkpoint of a plain ResNet, or of this very layout
            source = dict(rgb=3) if channels == 3 else self.cues
        if sum(source.values()) != channels:
            raise ValueError(
                f'{key} of the checkpoint has {channels} input channels, which is neither RGB (3) nor '
                f'{source} ({sum(source.values())}).'
            )
        return source


def widen_input(weight: Tensor, source: dict[str, int], target: dict[str, int]) -> Tensor:
    """A first convolution for other cues.

    Args:
        weight (Tensor): ``(out, sum(source), k, k)``.
        source, target (dict[str, int]): ``{cue: channels}`` in the order of the channels; see :class:`CueResNet` for the rules.

    Returns:
        ``(out, sum(target), k, k)``; ``weight`` itself if the layouts are equal.
    """
    if list(source.items()) == list(target.items()):
        return weight
    have = dict(zip(source, weight.split(list(source.values()), 1)))
    mean = have['rgb'].mean(1, keepdim=True)
    parts = []
    for cue, channels in target.items():
        donor = have.get(cue)
        if cue == 'sta' and donor is None:
            donor = have.get('lta')
        if donor is None:
            parts.append(mean.repeat(1, channels, 1, 1))
        elif cue in INSTANCE_CUES:
            parts.append(widen_instances(donor, channels, 1))
        else:
            parts.append(donor)
    return torch.cat(parts, 1)


def widen_instances(weight: Tensor, count: int, dim: int) -> Tensor:
    """Weights of another number of instances along ``dim``: the first ones kept, further ones the mean over the old."""
    old = weight.shape[dim]
    if count <= old:
        return weight.narrow(dim, 0, count)
    return torch.cat((weight, weight.mean(dim, keepdim=True).repeat_interleave(count - old, dim)), dim)
