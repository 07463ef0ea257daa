"""A model of two layers that learns a colour online, and its videos."""

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import mmvos.datasets  # noqa: F401  (registers)
import mmvos.engine  # noqa: F401  (registers)
from mmvos.models.segmentors import PER_OBJECT, CausalVOSModel
from mmvos.structures import one_hot
from mmvos.videos import FrameArrays

PIPELINE = [dict(type='SelectObjects'), dict(type='PackVOSInputs')]
SGD = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=0.02))


@dataclass
class Masks:
    previous: torch.Tensor = field(metadata=PER_OBJECT)


class TinyVOS(CausalVOSModel):
    """A few convolutions of the frame, with or without the previous mask: learns a colour, unless it knows it already."""

    def __init__(self, recurrent=True, **kwargs):
        super().__init__(**kwargs)
        self.recurrent = recurrent
        self.conv = nn.Conv2d(4 if recurrent else 3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.head = nn.Conv2d(8, 1, 1)

    def logits(self, image, previous):
        image = image.expand(len(previous), -1, -1, -1)
        x = torch.cat([image, previous[:, None]], 1) if self.recurrent else image
        return self.head(self.bn(self.conv(x)).relu())[:, 0]

    def loss(self, inputs, data_samples):
        losses = []
        for clip, sample in zip(inputs, data_samples, strict=True):
            masks = one_hot(sample.gt_label_maps, sample.object_ids)
            known = sample.gt_label_maps != 255
            for t in range(len(clip)):
                logits = self.logits(clip[t : t + 1], masks[:, max(t - 1, 0)])
                losses.append(F.binary_cross_entropy_with_logits(logits, masks[:, t], known[t].float().expand_as(logits)))
        return dict(loss_seg=torch.stack(losses).mean())

    def init_state(self, frame, masks):
        return Masks(masks)

    def add_objects(self, frame, masks, state):
        return Masks(torch.cat([state.previous, masks]))

    def step(self, frame, state):
        p = self.logits(frame.image, state.previous).sigmoid()
        return torch.cat([1 - p.amax(0, keepdim=True), p]), Masks((p > 0.5).float())


def toy_video(colour=(200, 60, 60), objects=1, frames=8, seed=0, name='toy'):
    """Coloured squares that move over noise."""
    rng = np.random.default_rng(seed)
    images, label_maps = [], []
    for t in range(frames):
        image = rng.integers(0, 120, (48, 64, 3), dtype=np.uint8)
        label_map = np.zeros((48, 64), np.uint8)
        for k in range(objects):
            top, left = 6 + 20 * k, 4 + 4 * t
            image[top : top + 16, left : left + 16] = np.roll(colour, k)
            label_map[top : top + 16, left : left + 16] = k + 1
        images.append(image)
        label_maps.append(label_map)
    video = FrameArrays(
        images, video_id=name, prompts={0: label_maps[0]}, metainfo=dict(annotations=dict(enumerate(label_maps)))
    )
    return video, label_maps


def stage(**kwargs):
    return dict(
        dict(
            max_iters=30,
            batch_size=2,
            pipeline=PIPELINE,
            optim_wrapper=SGD,
            synthesis=dict(type='FirstFrameSynthesis', min_size=8),
        ),
        **kwargs,
    )


def model(recurrent=True):
    torch.manual_seed(0)
    return TinyVOS(recurrent).eval()


def score(results, truth):
    values = []
    for result, gt in list(zip(results, truth, strict=True))[1:]:
        union = ((result.pred_label_map > 0) | (gt > 0)).sum()
        values.append(((result.pred_label_map == gt) & (gt > 0)).sum() / union)
    return np.mean(values)
