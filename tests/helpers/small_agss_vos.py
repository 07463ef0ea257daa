"""AGSS-VOS made small."""

import copy

import torch

from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample

TINY = dict(
    type='AGSSVOS',
    encoder=dict(type='MaskedResNet', depth=18, base_channels=8),
    decoder=dict(type='PropagationDecoder', in_channels=(8, 16, 32, 64), channels=16),
    attention=dict(type='AttentionGenerator', in_channels=8, channels=16),
    loss_mask=dict(type='InstanceIoULoss'),
    flow=dict(type='DISFlow', preset='ultrafast'),
)


def build(**settings):
    torch.manual_seed(0)
    model = MODELS.build({**copy.deepcopy(TINY), **settings})
    with torch.no_grad():  # probabilities well inside (0, 1)
        model.decoder.predict2.weight.mul_(0.1)
    return model.eval()


def squares(*corners):
    masks = torch.zeros(len(corners), 64, 96)
    for mask, (top, left) in zip(masks, corners, strict=True):
        mask[top : top + 20, left : left + 20] = 1
    return masks


def clip(frames=5, objects=2):
    """A batch of one training clip with objects that move by 2 pixels a frame."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(1, frames, 3, 64, 96, generator=generator)
    labels = torch.zeros(frames, 64, 96, dtype=torch.uint8)
    for t in range(frames):
        for k in range(objects):
            labels[t, 10 + 22 * k : 28 + 22 * k, 10 + 30 * k + 2 * t : 40 + 30 * k + 2 * t] = k + 1
    return images, [VOSDataSample(gt_label_maps=labels, metainfo=dict(video_id='clip', object_ids=[1, 2]))]


class Collate(torch.nn.Module):
    """Stands for the data preprocessor: data is prepared already."""

    device = torch.device('cpu')

    def forward(self, data, training=False):
        return data

    def pixels(self, image):
        return image * 57 + 114
