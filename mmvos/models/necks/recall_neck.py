"""What RecallVOS compares, fits and decodes, from the maps of a backbone."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from mmvos.registry import MODELS


class RecallMaps(NamedTuple):
    """Maps of B frames.

    ``fine_keys`` ``(B, C, h, w)`` and ``context`` ``(B, M, h, w)`` at stride 8, ``keys`` and ``target``
    ``(B, C or D, h/2, w/2)`` at stride 16; keys have unit length. ``skips``: at strides 4 and 2.
    """

    fine_keys: Tensor
    keys: Tensor
    target: Tensor
    context: Tensor
    skips: tuple[Tensor, Tensor]

    def at(self, time: int, clips: int) -> 'RecallMaps':
        """The frames at one time of clips whose frames lie one after the other in the batch."""

        def frames(maps: Tensor) -> Tensor:
            return maps.unflatten(0, (clips, -1))[:, time]

        skips = frames(self.skips[0]), frames(self.skips[1])
        return RecallMaps(frames(self.fine_keys), frames(self.keys), frames(self.target), frames(self.context), skips)


@MODELS.register_module()
class RecallNeck(nn.Module):
    """Keys and features for the target model are a linear part (which may begin as a projection on principal components)
    plus what a small network learns beside it.

    Args:
        in_channels (Sequence[int]): channels of the backbone's maps at strides 2, 4, 8, 16, 16, 32, 32.
        key_channels (int): channels of the keys.
        target_channels (int): channels of what the target model sees.
        context_channels (int): channels of what the decoder sees at stride 8.
        skip_channels (tuple[int, int]): channels of what it sees at strides 4 and 2.
        width (int): channels of the network's layers.
    """

    scales: Tensor

    def __init__(
        self,
        in_channels: Sequence[int] = (16, 24, 40, 80, 112, 192, 320),
        key_channels: int = 64,
        target_channels: int = 96,
        context_channels: int = 48,
        skip_channels: tuple[int, int] = (32, 16),
        width: int = 64,
    ) -> None:
        super().__init__()
        self.in_channels = tuple(in_channels)
        at8, at16, at32 = in_channels[2], in_channels[3] + in_channels[4], in_channels[5] + in_channels[6]
        self.fine_key_8 = nn.Conv2d(at8, key_channels, 1, bias=False)
        self.fine_key_16 = nn.Conv2d(at16, key_channels, 1, bias=False)
        self.key_16 = nn.Conv2d(at16, key_channels, 1, bias=False)
        self.key_32 = nn.Conv2d(at32, key_channels, 1, bias=False)
        self.target_16 = nn.Conv2d(at16, target_channels, 1, bias=False)
        self.target_32 = nn.Conv2d(at32, target_channels, 1, bias=False)

        self.wide_32 = nn.Conv2d(at32, width, 1)
        self.wide_16 = nn.Conv2d(at16, width, 1)
        self.mix_16 = nn.Conv2d(width, width, 3, padding=1)
        self.wide_8 = nn.Conv2d(at8, width, 1)
        self.up_8 = nn.Conv2d(width, width, 1)
        self.mix_8 = nn.Conv2d(width, width, 3, padding=1)
        self.fine_key_learned = nn.Conv2d(width, key_channels, 1, bias=False)
        self.key_learned = nn.Conv2d(width, key_channels, 1, bias=False)
        self.target_learned = nn.Conv2d(width, target_channels, 1, bias=False)
        for conv in (self.fine_key_learned, self.key_learned, self.target_learned):
            nn.init.zeros_(conv.weight)
        self.context = nn.Conv2d(width, context_channels, 3, padding=1)
        self.skip_4 = nn.Conv2d(in_channels[1], skip_channels[0], 3, padding=1)
        self.skip_2 = nn.Conv2d(in_channels[0], skip_channels[1], 3, padding=1)
        #: factor of each channel from stride 8 on, which brings it to variance 1; not learned
        self.register_buffer('scales', torch.ones(sum(in_channels[2:])))
        self.register_load_state_dict_post_hook(_prepare_again)

    def forward(self, maps: Sequence[Tensor]) -> RecallMaps:
        """What the method needs of a frame.

        Args:
            maps (Sequence[Tensor]): maps of the backbone, ``(B, C, h, w)``, finest first.
        """
        if hasattr(self, 'merged_8'):
            return self._merged_forward(maps)
        scales = self.scales.split(list(self.in_channels[2:]))
        scaled = [m * scale.view(-1, 1, 1) for m, scale in zip(maps[2:], scales, strict=True)]
        at8, at16, at32 = scaled[0], torch.cat(scaled[1:3], 1), torch.cat(scaled[3:], 1)
        wide16 = F.relu(self.wide_16(at16) + enlarge(self.wide_32(at32), at16))
        wide16 = wide16 + F.relu(self.mix_16(wide16))
        wide8 = F.relu(self.wide_8(at8) + enlarge(self.up_8(wide16), at8))
        wide8 = wide8 + F.relu(self.mix_8(wide8))
        keys = self.key_16(at16) + self.key_learned(wide16) + enlarge(self.key_32(at32), at16)
        fine_keys = self.fine_key_8(at8) + self.fine_key_learned(wide8) + enlarge(self.fine_key_16(at16), at8)
        target = self.target_16(at16) + self.target_learned(wide16) + enlarge(self.target_32(at32), at16)
        return self._maps(maps, wide8, keys, fine_keys, target)

    def _maps(self, maps: Sequence[Tensor], wide8: Tensor, keys: Tensor, fine_keys: Tensor, target: Tensor) -> RecallMaps:
        return RecallMaps(
            F.normalize(fine_keys, dim=1),
            F.normalize(keys, dim=1),
            target,
            self.context(wide8),
            (self.skip_4(maps[1]), self.skip_2(maps[0])),
        )

    # Inference

    @torch.no_grad()
    def prepare_for_inference(self) -> None:
        """Join the 1x1 convolutions that see the same map, with its scales; the weights may not change any more."""
        scale8, scale16, scale32 = self.scales.split(
            [self.in_channels[2], sum(self.in_channels[3:5]), sum(self.in_channels[5:])]
        )
        joined = dict(
            merged_32=([self.wide_32, self.key_32, self.target_32], scale32),
            merged_16=([self.wide_16, self.key_16, self.target_16, self.fine_key_16], scale16),
            merged_wide_16=([self.key_learned, self.target_learned, self.up_8], torch.ones_like(self.up_8.weight[0, :, 0, 0])),
            merged_8=([self.wide_8, self.fine_key_8], scale8),
        )
        for name, (layers, scale) in joined.items():
            biases = [layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias for layer in layers]
            weight = torch.cat([layer.weight for layer in layers]) * scale.view(-1, 1, 1)
            self.register_buffer(name, weight, persistent=False)
            self.register_buffer(f'{name}_bias', torch.cat(biases), persistent=False)

    def train(self, mode: bool = True) -> Self:
        if mode:
            for name in [name for name in self._buffers if name.startswith('merged_')]:
                delattr(self, name)
        return super().train(mode)

    def _merged(self, name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, getattr(self, name), getattr(self, f'{name}_bias'))

    def _merged_forward(self, maps: Sequence[Tensor]) -> RecallMaps:
        """:meth:`forward` with joined convolutions: the same sums in another order."""
        width, keys = self.wide_8.out_channels, self.key_16.out_channels
        both = keys + self.target_16.out_channels
        at8, at16, at32 = maps[2], torch.cat([*maps[3:5]], 1), torch.cat([*maps[5:]], 1)
        wide, linear, fine = self._merged('merged_16', at16).split([width, both, keys], 1)
        wide_up, linear_up = enlarge(self._merged('merged_32', at32), at16).split([width, both], 1)
        wide16 = F.relu(wide + wide_up)
        wide16 = wide16 + F.relu(self.mix_16(wide16))
        learned, up = self._merged('merged_wide_16', wide16).split([both, width], 1)
        linear = linear + learned + linear_up
        at8 = self._merged('merged_8', at8) + enlarge(torch.cat([up, fine], 1), at8)
        wide8 = F.relu(at8[:, :width])
        wide8 = wide8 + F.relu(self.mix_8(wide8))
        fine_keys = at8[:, width:] + self.fine_key_learned(wide8)
        return self._maps(maps, wide8, linear[:, :keys], fine_keys, linear[:, keys:])


def _prepare_again(neck: RecallNeck, _: object) -> None:
    """Follow weights that are loaded into a neck that was prepared before."""
    if hasattr(neck, 'merged_8'):
        neck.prepare_for_inference()


def enlarge(maps: Tensor, like: Tensor) -> Tensor:
    """``maps`` at the height and width of ``like``, bilinear."""
    return F.interpolate(maps, like.shape[-2:], mode='bilinear', align_corners=False)
