"""Space-time memory networks (Oh et al., "Video Object Segmentation using Space-Time Memory Networks", ICCV 2019).

A small reading of the paper: the frame encoder serves the query and the memory, an object's mask enters its memory value
through a shallow mask encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.inference import Frame
from mmvos.models.segmentors import PER_OBJECT, CausalVOSModel
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample, one_hot


@dataclass
class Memory:
    """Keys and values of the memorised frames; ``frames_seen`` tells when the next one is due."""

    keys: Tensor  # (T, Ck, h, w)
    values: list[Tensor] = field(metadata=PER_OBJECT)  # per object (T, Cv, h, w)
    frames_seen: int = 1


@MODELS.register_module()
class SpaceTimeMemory(CausalVOSModel):
    """Memory of past frames, read by similarity.

    Args:
        backbone: gives maps of strides 4, 8 and 16.
        channels: of those maps.
        read: config of the read-out.
        key_channels, value_channels: of the memory.
        memorize_every: every how many frames one is memorised (section 3.4: 5).
        max_memory: how many frames are kept: the first and the newest ones.
    """

    def __init__(
        self,
        backbone: dict,
        channels: Sequence[int],
        read: dict,
        key_channels: int = 64,
        value_channels: int = 128,
        memorize_every: int = 5,
        max_memory: int = 5,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone = MODELS.build(backbone)
        self.read = MODELS.build(read)
        self.key = nn.Conv2d(channels[2], key_channels, 3, padding=1)
        self.query_value = nn.Conv2d(channels[2], value_channels, 3, padding=1)
        # an object's mask and that of all others, in 16 x 16 cells
        self.mask_encoder = nn.Conv2d(2, value_channels, 16, stride=16)
        self.memory_value = nn.Sequential(
            nn.Conv2d(channels[2] + value_channels, value_channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(value_channels, value_channels, 3, padding=1),
        )
        self.fuse = nn.Conv2d(2 * value_channels, value_channels, 3, padding=1)
        self.skips = nn.ModuleList(nn.Conv2d(c, value_channels, 1) for c in (channels[1], channels[0]))
        self.refine = nn.ModuleList(nn.Conv2d(value_channels, value_channels, 3, padding=1) for _ in self.skips)
        self.predict_mask = nn.Conv2d(value_channels, 1, 3, padding=1)
        self.memorize_every, self.max_memory = memorize_every, max_memory

    def init_state(self, frame: Frame, masks: Tensor) -> Memory:
        key, values = self.memorize(self.backbone(frame.image), masks)
        return Memory(key[None], [v[None] for v in values])

    def add_objects(self, frame: Frame, masks: Tensor, state: Memory) -> Memory:
        """A new object fills the memory from its first frame on: what came before repeats that frame's value."""
        key, values = self.memorize(self.backbone(frame.image), masks)
        repeats = len(state.keys)
        values = [v[None].expand(repeats + 1, -1, -1, -1) for v in values]
        old = [torch.cat([v, v[-1:]]) for v in state.values]
        return self.forget(Memory(torch.cat([state.keys, key[None]]), old + values, state.frames_seen))

    def step(self, frame: Frame, state: Memory) -> tuple[Tensor, Memory]:
        maps = self.backbone(frame.image)
        logits = self.segment(maps, state)
        scores = self.aggregate(logits)
        state.frames_seen += 1
        if state.frames_seen % self.memorize_every == 0:
            key, values = self.memorize(maps, scores[1:])
            values = [torch.cat([old, new[None]]) for old, new in zip(state.values, values, strict=True)]
            state = self.forget(Memory(torch.cat([state.keys, key[None]]), values, state.frames_seen))
        return scores, state

    def memorize(self, maps: Sequence[Tensor], masks: Tensor) -> tuple[Tensor, Tensor]:
        """Key ``(Ck, h, w)`` of a frame and values ``(N, Cv, h, w)`` of its objects; masks ``(N, H, W)``."""
        others = (masks.sum(0, keepdim=True) - masks).clamp(0, 1)
        encoded = self.mask_encoder(torch.stack([masks, others], 1))
        image = maps[2].expand(len(masks), -1, -1, -1)
        encoded = F.interpolate(encoded, image.shape[-2:], mode='bilinear', align_corners=False)
        return self.key(maps[2])[0], self.memory_value(torch.cat([image, encoded], 1))

    def segment(self, maps: Sequence[Tensor], memory: Memory) -> Tensor:
        """Logits ``(N, H, W)`` of every object on its own."""
        read = self.read(self.key(maps[2])[0], memory.keys, torch.stack(memory.values, 1))
        query = self.query_value(maps[2]).expand(len(read), -1, -1, -1)
        x = self.fuse(torch.cat([read, query], 1).relu())
        for skip, refine, feature in zip(self.skips, self.refine, (maps[1], maps[0]), strict=True):
            x = F.interpolate(x, feature.shape[-2:], mode='bilinear', align_corners=False) + skip(feature)
            x = x + refine(x.relu())
        return F.interpolate(self.predict_mask(x.relu()), scale_factor=4, mode='bilinear', align_corners=False)[:, 0]

    @staticmethod
    def aggregate(logits: Tensor) -> Tensor:
        """Probabilities ``(N + 1, H, W)``: softmax over the objects' logits and the background's (section 3.5)."""
        outside = F.logsigmoid(-logits).sum(0)  # log of the probability that no object is here
        outside = outside - torch.log(-torch.expm1(outside.clamp(max=-1e-6)))
        return torch.cat([outside[None], logits]).softmax(0)

    def forget(self, memory: Memory) -> Memory:
        """Keep the first memorised frame and the newest ones."""
        surplus = len(memory.keys) - self.max_memory
        if surplus > 0:
            keep = [0, *range(1 + surplus, len(memory.keys))]
            memory = Memory(memory.keys[keep], [v[keep] for v in memory.values], memory.frames_seen)
        return memory

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Cross entropy over a clip; the memory holds the first frame's truth and the model's own masks after it."""
        losses = []
        for clip, sample in zip(inputs, data_samples, strict=True):
            maps = self.backbone(clip)
            frame = [tuple(m[t : t + 1] for m in maps) for t in range(len(clip))]
            masks = one_hot(sample.gt_label_maps, sample.object_ids)  # (N, T, H, W)
            key, values = self.memorize(frame[0], masks[:, 0])
            memory = Memory(key[None], [v[None] for v in values])
            for t in range(1, len(clip)):
                scores = self.aggregate(self.segment(frame[t], memory))
                truth = torch.cat([1 - masks[:, t].amax(0, keepdim=True), masks[:, t]]).argmax(0)
                losses.append(F.nll_loss(scores.clamp(1e-6).log()[None], truth[None]))
                key, values = self.memorize(frame[t], scores[1:])
                memory = Memory(
                    torch.cat([memory.keys, key[None]]),
                    [torch.cat([old, new[None]]) for old, new in zip(memory.values, values, strict=True)],
                )
        return dict(loss_seg=torch.stack(losses).mean())
