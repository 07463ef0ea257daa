"""Masks of objects from a frame's maps and what a user pointed at."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS

from .prompt_encoder import PromptEncoder, PromptTensors


class _Block(nn.Sequential):
    """3x3 convolution, group norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.GroupNorm(8, out_channels),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(_Block(channels, channels, dilation), nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


@MODELS.register_module()
class ClickDecoder(BaseModule):
    """Logits of every object from a frame's maps and the objects' prompts.

    The frame's maps at strides 4, 8, 16 and 32 are projected once per frame. Every object's prompts join at stride 16,
    where residual blocks with growing dilation see the whole object, and again on the way up to stride 4. What the clicks
    say of places far away enters as similarity: each cell's embedding against those at the clicks on and beside the object.

    Args:
        in_channels (tuple): channels of the frame's maps at strides 4, 8, 16, 32.
        channels (tuple): channels inside at strides 4, 8, 16.
        embed_channels (int): channels of the embedding that is compared.
        prompt_channels (int): channels of the encoded prompts.
        dilations (tuple): dilations of the residual blocks at stride 16.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (24, 40, 192, 512),
        channels: Sequence[int] = (32, 48, 96),
        embed_channels: int = 32,
        prompt_channels: int = PromptEncoder.channels,
        dilations: Sequence[int] = (1, 2, 4, 1),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        c4, c8, c16 = channels
        self.lateral4 = nn.Conv2d(in_channels[0], c4, 1)
        self.lateral8 = nn.Conv2d(in_channels[1], c8, 1)
        self.lateral16 = nn.Conv2d(in_channels[2], c16, 1)
        self.lateral32 = nn.Conv2d(in_channels[3], c16, 1)
        self.embed = nn.Conv2d(in_channels[1] + in_channels[2], embed_channels, 1)
        extra = prompt_channels + 2
        self.join16 = _Block(c16 + extra, c16)
        self.context = nn.Sequential(*(_Residual(c16, d) for d in dilations))
        self.global_context = nn.Linear(c16, c16)
        self.up8 = nn.Conv2d(c16, c8, 1)
        self.join8 = nn.Sequential(_Block(c8 + extra, c8), _Residual(c8))
        self.up4 = nn.Conv2d(c8, c4, 1)
        self.join4 = nn.Sequential(_Block(c4 + extra, c4), _Block(c4, c4))
        self.predictor = nn.Conv2d(c4, 1, 1)

    def project(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What is computed once per frame from its maps ``(B, C, h, w)`` at strides 4, 8, 16, 32."""
        s4, s8, s16, s32 = maps
        deep = self.lateral16(s16) + _resize(self.lateral32(s32), s16)
        embedding = F.normalize(self.embed(torch.cat([s8, _resize(s16, s8)], 1)), dim=1)
        return self.lateral4(s4), self.lateral8(s8), deep, embedding

    def forward(self, projected: tuple[Tensor, ...], prompts: PromptTensors, encoded: Tensor, owner: Tensor) -> Tensor:
        """Logits ``(N, h, w)`` at stride 4.

        Args:
            projected (tuple[Tensor, ...]): what :meth:`project` gave for the frames of the batch.
            prompts (PromptTensors): prompts of N objects.
            encoded (Tensor): the prompts as maps, ``(N, P, h, w)`` at stride 4.
            owner (Tensor): frame of each object in the batch, ``(N,)``.
        """
        s4, s8, s16, embedding = (m if len(m) == 1 else m[owner] for m in projected)
        similar = _similarity(embedding, prompts)
        maps4 = torch.cat([encoded, _resize(similar, encoded)], 1)
        maps8 = torch.cat([_resize(encoded, s8), similar], 1)
        maps16 = _resize(maps8, s16)
        x = self.join16(torch.cat([s16.expand(len(encoded), -1, -1, -1), maps16], 1))
        x = self.context(x)
        weight = maps16[:, :1] + maps16[:, -3:-2] + 1e-3  # clicks and the mask before
        summary = (x * weight).sum((2, 3)) / weight.sum((2, 3))
        x = F.relu(x + self.global_context(summary)[..., None, None])
        x = F.relu(_resize(self.up8(x), s8) + s8)
        x = self.join8(torch.cat([x, maps8], 1))
        x = F.relu(_resize(self.up4(x), s4) + s4)
        return self.predictor(self.join4(torch.cat([x, maps4], 1)))[:, 0]


def _resize(x: Tensor, like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    if x.shape[-2] > height:
        return F.adaptive_avg_pool2d(x, (height, width))
    return F.interpolate(x, (height, width), mode='bilinear', align_corners=False)


def _similarity(embedding: Tensor, prompts: PromptTensors, stride: int = 8) -> Tensor:
    """``(N, 2, h, w)``: largest cosine of each cell with the cells of the clicks on, and beside, the object (-1: no click)."""
    count, (height, width) = len(prompts.signs), embedding.shape[-2:]
    if not prompts.signs.shape[1]:
        return embedding.new_full((count, 2, height, width), -1.0)
    columns = (prompts.clicks[..., 0] / stride).long().clamp(0, width - 1)
    rows = (prompts.clicks[..., 1] / stride).long().clamp(0, height - 1)
    embedding = embedding.expand(count, -1, -1, -1)
    cells = torch.arange(count, device=embedding.device)[:, None]
    keys = embedding[cells, :, rows, columns]  # (N, K, C)
    cosines = torch.einsum('nkc,nchw->nkhw', keys, embedding)
    result = [cosines.masked_fill((prompts.signs != s)[..., None, None], -1.0).amax(1) for s in (1, -1)]
    return torch.stack(result, 1)
