"""What RecallVOS compares, fits and decodes, from the maps of a frozen backbone."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

    def forward(self, maps: Sequence[Tensor]) -> RecallMaps:
        """Maps of the backbone, finest first, to what the method needs of a frame."""
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
        return RecallMaps(
            F.normalize(fine_keys, dim=1),
            F.normalize(keys, dim=1),
            target,
            self.context(wide8),
            (self.skip_4(maps[1]), self.skip_2(maps[0])),
        )


def enlarge(maps: Tensor, like: Tensor) -> Tensor:
    """``maps`` at the height and width of ``like``, bilinear."""
    return F.interpolate(maps, like.shape[-2:], mode='bilinear', align_corners=False)
