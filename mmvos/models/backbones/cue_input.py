"""Cues beside the colours: how a first convolution inherits from one that sees other cues."""

from typing import Any

import torch
from torch import Tensor, nn

from mmvos.structures import InputError

#: cues with one channel per instance
INSTANCE_CUES = ('lta', 'sta')
CUES = ('rgb', 'uof', 'flow', *INSTANCE_CUES)


class CueInput(nn.Module):
    """Part of an encoder whose first convolution sees cues; to be the first base class, before the encoder's own.

    The first convolution inherits from a checkpoint with other cues: RGB is taken as it is; cues that it does not have
    get the mean over the RGB channels, but STA gets a copy of the (trained) LTA where there is one; further instances
    get the mean over the trained ones. Source: MAIN, sections 4.2 and 4.3.
    """

    #: name of the first convolution's weight
    first_weight: str
    #: ``{cue: channels}`` in the order of the input
    cues: dict[str, int]
    cue_channels: Tensor

    def set_cues(self, cues: dict[str, int]) -> None:
        """Declares the cues; they travel with the weights, so that a checkpoint says which channels its first convolution has.

        Args:
            cues (dict[str, int]): ``{cue: channels}`` in the order of the input: ``rgb`` (3), ``uof`` (3) or ``flow`` (2),
                ``lta`` and ``sta`` (one per instance).
        """
        self.cues = check_cues(cues)
        self.register_buffer('cue_channels', torch.tensor([self.cues.get(cue, 0) for cue in CUES]))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        key, layout_key = f'{prefix}{self.first_weight}', f'{prefix}cue_channels'
        weight = state_dict.get(key)
        if weight is not None:
            source = self._layout_of(weight, state_dict.get(layout_key), key)
            state_dict[key] = widen_input(weight, source, self.cues)
            state_dict[layout_key] = self.cue_channels.clone()
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _layout_of(self, weight: Tensor, layout: Tensor | None, key: str) -> dict[str, int]:
        channels = weight.shape[1]
        if layout is not None:
            source = {cue: int(n) for cue, n in zip(CUES, layout, strict=True) if n}
        else:  # a checkpoint of an encoder of images, or of this very layout
            source = dict(rgb=3) if channels == 3 else self.cues
        if sum(source.values()) != channels:
            raise InputError(
                f'{key} of the checkpoint has {channels} input channels, which is neither RGB (3) nor '
                f'{source} ({sum(source.values())}).'
            )
        return source


def check_cues(cues: dict[str, int]) -> dict[str, int]:
    """The cues, copied.

    Raises:
        InputError: an unknown cue, or not three channels of colour.
    """
    unknown = [cue for cue in cues if cue not in CUES]
    if unknown or cues.get('rgb') != 3:
        raise InputError(f'cues are {dict(cues)}; expected rgb with 3 channels and any of {CUES[1:]}.')
    return dict(cues)


def widen_input(weight: Tensor, source: dict[str, int], target: dict[str, int]) -> Tensor:
    """A first convolution for other cues.

    Args:
        weight (Tensor): ``(out, sum(source), k, k)``.
        source, target (dict[str, int]): ``{cue: channels}`` in the order of the channels; see :class:`CueInput` for the rules.

    Returns:
        ``(out, sum(target), k, k)``; ``weight`` itself if the layouts are equal.
    """
    if list(source.items()) == list(target.items()):
        return weight
    have = dict(zip(source, weight.split(list(source.values()), 1), strict=True))
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
    """Weights for another number of instances: the first ones kept, further ones the mean over the old.

    Args:
        weight (Tensor): of any shape, one row per instance along ``dim``.
        count (int): new number of instances.
        dim (int): dimension of the instances.
    """
    old = weight.shape[dim]
    if count <= old:
        return weight.narrow(dim, 0, count)
    return torch.cat((weight, weight.mean(dim, keepdim=True).repeat_interleave(count - old, dim)), dim)
