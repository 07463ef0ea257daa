"""The FlowNet 2.0 family (Ilg et al., CVPR 2017): C, S, SD, the stacks CS and CSS, and the full network.

Layers keep the names of the official implementation. Flow inside the networks is in pixels / 20 (``div_flow``) at a
quarter of the size.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError

from .base import FlowEstimator
from .correlation import correlation
from .warp import warp

DIV_FLOW = 20.0


def conv(in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution of odd kernel size that keeps the size of maps (but for its stride), then a leaky ReLU of slope 0.1."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, (kernel_size - 1) // 2), nn.LeakyReLU(0.1, inplace=True)
    )


def linear_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """3x3 convolution without activation, between the upsampled flow and the next prediction."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1))


def deconv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Transposed convolution to maps of twice the height and width, then a leaky ReLU of slope 0.1."""
    return nn.Sequential(nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1), nn.LeakyReLU(0.1, inplace=True))


def predict_flow(in_channels: int) -> nn.Conv2d:
    """3x3 convolution from maps to a flow field ``(B, 2, h, w)``."""
    return nn.Conv2d(in_channels, 2, 3, padding=1)


def upsample_flow(bias: bool = True) -> nn.ConvTranspose2d:
    """Transposed convolution of a flow field ``(B, 2, h, w)`` to ``(B, 2, 2 h, 2 w)``."""
    return nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=bias)


class FlowNetBody(nn.Module):
    """What C, S and SD share: the encoder from conv4 on, and the decoder with a flow at every level.

    Args:
        inter_conv (bool): one more linear convolution in front of each level's flow (SD).
        upsample_bias (bool): bias of the layers that enlarge flow.
    """

    LEVELS = (5, 4, 3, 2)  # strides 32 .. 4

    def __init__(self, inter_conv: bool = False, upsample_bias: bool = True) -> None:
        super().__init__()
        self.conv4, self.conv4_1 = conv(256, 512, stride=2), conv(512, 512)
        self.conv5, self.conv5_1 = conv(512, 512, stride=2), conv(512, 512)
        self.conv6, self.conv6_1 = conv(512, 1024, stride=2), conv(1024, 1024)
        self.predict_flow6 = predict_flow(1024)
        channels = 1024
        for level, skip, width in zip(self.LEVELS, (512, 512, 256, 128), (512, 256, 128, 64), strict=True):
            setattr(self, f'deconv{level}', deconv(channels, width))
            setattr(self, f'upsampled_flow{level + 1}_to_{level}', upsample_flow(upsample_bias))
            channels = skip + width + 2
            if inter_conv:
                setattr(self, f'inter_conv{level}', linear_conv(channels, width))
            setattr(self, f'predict_flow{level}', predict_flow(width if inter_conv else channels))
        self.inter_conv = inter_conv

    def flows(self, conv2: Tensor, conv3: Tensor) -> list[Tensor]:
        """Flows from coarse to fine (strides 64 .. 4), each ``(B, 2, h, w)``, from the features at strides 4 and 8."""
        conv4 = self.conv4_1(self.conv4(conv3))
        conv5 = self.conv5_1(self.conv5(conv4))
        features = self.conv6_1(self.conv6(conv5))
        flows = [self.predict_flow6(features)]
        for level, skip in zip(self.LEVELS, (conv5, conv4, conv3, conv2), strict=True):
            enlarged = getattr(self, f'upsampled_flow{level + 1}_to_{level}')(flows[-1])
            features = torch.cat([skip, getattr(self, f'deconv{level}')(features), enlarged], 1)
            last = getattr(self, f'inter_conv{level}')(features) if self.inter_conv else features
            flows.append(getattr(self, f'predict_flow{level}')(last))
        return flows


class FlowNetC(FlowNetBody):
    """Two streams that meet in a correlation; ``forward(pair (B, 6, H, W))`` -> flow at stride 4, in pixels / 20."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = conv(3, 64, 7, 2), conv(64, 128, 5, 2), conv(128, 256, 5, 2)
        self.conv_redir, self.conv3_1 = conv(256, 32, 1), conv(473, 256)

    def forward(self, pair: Tensor) -> Tensor:
        first, second = pair.chunk(2, 1)
        conv2 = self.conv2(self.conv1(first))
        conv3, other = self.conv3(conv2), self.conv3(self.conv2(self.conv1(second)))
        matches = F.leaky_relu(correlation(conv3, other), 0.1)
        return self.flows(conv2, self.conv3_1(torch.cat([self.conv_redir(conv3), matches.to(conv3.dtype)], 1)))[-1]


class FlowNetS(FlowNetBody):
    """One stream over the stacked pair (6 channels), or over the pair and what is known already (12, in the stacks)."""

    def __init__(self, in_channels: int = 12) -> None:
        super().__init__(upsample_bias=False)
        self.conv1, self.conv2 = conv(in_channels, 64, 7, 2), conv(64, 128, 5, 2)
        self.conv3, self.conv3_1 = conv(128, 256, 5, 2), conv(256, 256)

    def forward(self, x: Tensor) -> Tensor:
        conv2 = self.conv2(self.conv1(x))
        return self.flows(conv2, self.conv3_1(self.conv3(conv2)))[-1]


class FlowNetSD(FlowNetBody):
    """S for small displacements: small kernels, a first layer at full size."""

    def __init__(self) -> None:
        super().__init__(inter_conv=True)
        self.conv0 = conv(6, 64)
        self.conv1, self.conv1_1 = conv(64, 64, stride=2), conv(64, 128)
        self.conv2, self.conv2_1 = conv(128, 128, stride=2), conv(128, 128)
        self.conv3, self.conv3_1 = conv(128, 256, stride=2), conv(256, 256)

    def forward(self, pair: Tensor) -> Tensor:
        conv2 = self.conv2_1(self.conv2(self.conv1_1(self.conv1(self.conv0(pair)))))
        return self.flows(conv2, self.conv3_1(self.conv3(conv2)))[-1]


class FlowNetFusion(nn.Module):
    """Chooses between two flows: ``(B, 11, H, W)`` -> final flow ``(B, 2, H, W)`` in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = conv(11, 64)
        self.conv1, self.conv1_1 = conv(64, 64, stride=2), conv(64, 128)
        self.conv2, self.conv2_1 = conv(128, 128, stride=2), conv(128, 128)
        self.deconv1, self.deconv0 = deconv(128, 32), deconv(162, 16)
        self.inter_conv1, self.inter_conv0 = linear_conv(162, 32), linear_conv(82, 16)
        self.predict_flow2, self.predict_flow1 = predict_flow(128), predict_flow(32)
        self.predict_flow0 = predict_flow(16)
        self.upsampled_flow2_to_1, self.upsampled_flow1_to_0 = upsample_flow(), upsample_flow()

    def forward(self, x: Tensor) -> Tensor:
        conv0 = self.conv0(x)
        conv1 = self.conv1_1(self.conv1(conv0))
        conv2 = self.conv2_1(self.conv2(conv1))
        enlarged = self.upsampled_flow2_to_1(self.predict_flow2(conv2))
        level1 = torch.cat([conv1, self.deconv1(conv2), enlarged], 1)
        enlarged = self.upsampled_flow1_to_0(self.predict_flow1(self.inter_conv1(level1)))
        level0 = torch.cat([conv0, self.deconv0(level1), enlarged], 1)
        return self.predict_flow0(self.inter_conv0(level0))


class _Guess(NamedTuple):
    """A flow ``(B, 2, H, W)`` in pixels, and how well it explains the first image ``(B, 1, H, W)``."""

    flow: Tensor
    warped: Tensor
    error: Tensor


def _length(x: Tensor) -> Tensor:
    """Euclidean norm over the channels; its gradient at 0 is 0."""
    return torch.linalg.vector_norm(x, dim=1, keepdim=True)


@MODELS.register_module()
class FlowNet2(FlowEstimator):
    """A member of the FlowNet 2.0 family.

    Official checkpoints are converted under the name ``flownet2``; their licence allows research only. Differentiable
    with regard to frames and parameters unless frozen.

    Args:
        variant (str): ``'C'``, ``'S'``, ``'SD'``, ``'CS'``, ``'CSS'``, or ``'2'`` (the full network: CSS and SD, fused).
        frozen (bool): no trainable parameters, no gradient at all (also none to the frames), and always in eval mode.
        align_corners (bool): ``align_corners`` of the bilinear enlargement of flow. False is what every PyTorch since 0.4
            computes for the official code; its first versions computed True.
        init_cfg (dict | None): e.g. ``dict(type='Pretrained', checkpoint=...)`` with a converted checkpoint.

    Raises:
        InputError: unknown ``variant``.
    """

    STACKS = dict(
        C=('flownetc',),
        S=('flownets',),
        SD=('flownets_d',),
        CS=('flownetc', 'flownets_1'),
        CSS=('flownetc', 'flownets_1', 'flownets_2'),
        **{'2': ('flownetc', 'flownets_1', 'flownets_2', 'flownets_d', 'flownetfusion')},
    )

    def __init__(
        self, variant: str = '2', frozen: bool = True, align_corners: bool = False, init_cfg: dict | None = None
    ) -> None:
        super().__init__(divisor=64, init_cfg=init_cfg)
        if variant not in self.STACKS:
            raise InputError(f'variant {variant!r} is not known; expected one of {sorted(self.STACKS)}.')
        build = dict(
            flownetc=FlowNetC,
            flownets=lambda: FlowNetS(6),
            flownets_1=FlowNetS,
            flownets_2=FlowNetS,
            flownets_d=FlowNetSD,
            flownetfusion=FlowNetFusion,
        )
        for name in self.STACKS[variant]:
            setattr(self, name, build[name]())
        self.variant, self.frozen, self.align_corners = variant, frozen, align_corners
        if frozen:
            self.requires_grad_(False)
            self.eval()

    def train(self, mode: bool = True) -> 'FlowNet2':
        return super().train(mode and not self.frozen)

    def estimate(self, frames_from: Tensor, frames_to: Tensor) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            first, second = self.normalise(frames_from, frames_to)
            pair = torch.cat([first, second], 1)
            if self.variant in ('C', 'S', 'SD'):
                return self._enlarge(DIV_FLOW * getattr(self, self.STACKS[self.variant][0])(pair))
            refine = self.STACKS[self.variant][1:3]
            nearest = self.variant == '2'
            guess = self._explain(first, second, self._enlarge(DIV_FLOW * self.flownetc(pair)))
            for name in refine:
                known = torch.cat([pair, guess.warped, guess.flow / DIV_FLOW, guess.error], 1)
                flow = DIV_FLOW * getattr(self, name)(known)
                last = name == refine[-1]
                guess = self._explain(first, second, self._enlarge(flow, nearest and last))
            if self.variant != '2':
                return guess.flow
            # the official code divides here, where the other networks multiply
            small = self._explain(first, second, self._enlarge(self.flownets_d(pair) / DIV_FLOW, nearest=True))
            return self.flownetfusion(
                torch.cat(
                    [first, small.flow, guess.flow, _length(small.flow), _length(guess.flow), small.error, guess.error], 1
                )
            )

    @staticmethod
    def normalise(frames_from: Tensor, frames_to: Tensor) -> tuple[Tensor, Tensor]:
        """Both frames, ``(B, 3, H, W)`` each, of about -0.5..0.5: minus the mean colour of the pair, divided by 255.

        Args:
            frames_from, frames_to (Tensor): float ``(B, 3, H, W)``, RGB, 0..255.
        """
        mean = torch.stack([frames_from, frames_to], 2).mean((2, 3, 4)).view(-1, 3, 1, 1)
        return (frames_from - mean) / 255, (frames_to - mean) / 255

    def _enlarge(self, flow: Tensor, nearest: bool = False) -> Tensor:
        if nearest:
            return F.interpolate(flow, scale_factor=4, mode='nearest')
        return F.interpolate(flow, scale_factor=4, mode='bilinear', align_corners=self.align_corners)

    @staticmethod
    def _explain(first: Tensor, second: Tensor, flow: Tensor) -> _Guess:
        warped = warp(second, flow, padding_mode='border')
        return _Guess(flow, warped, _length(first - warped))
