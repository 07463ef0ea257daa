"""DyeNet with parts that know objects by their colours."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import nn

from mmvos.inference import VOSSession
from mmvos.models.heads.re_mp_head import RoIState
from mmvos.models.segmentors import DyeNet
from mmvos.registry import MODELS


@MODELS.register_module(force=True)
class ColourBackbone(nn.Module):
    """Features of stride 2: the colour, in [0, 1]."""

    def forward(self, x):
        return (F.avg_pool2d(x, 2),)


@MODELS.register_module(force=True)
class ColourRPN(nn.Module):
    """Proposals: connected regions of one saturated colour."""

    def predict(self, features, samples, rescale):
        found = []
        for image in features[0]:
            boxes = []
            for channel in range(3):
                others = [c for c in range(3) if c != channel]
                region = ((image[channel] > 0.7) & (image[others] < 0.4).all(0)).numpy().astype(np.uint8)
                _, _, stats, _ = cv2.connectedComponentsWithStats(region)
                boxes += [[2 * x, 2 * y, 2 * (x + w), 2 * (y + h)] for x, y, w, h, _ in stats[1:]]
            found.append(InstanceData(bboxes=torch.tensor(boxes, dtype=torch.float32).view(-1, 4)))
        return found


@MODELS.register_module(force=True)
class ColourReID(nn.Module):
    """Embedding: the direction of the colour in the middle of the box. Mask: what has the colour of the middle."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(1, 3)

    @staticmethod
    def colour(rois):
        m = rois.shape[-1]
        return rois[:, :, m // 3 : -m // 3, m // 3 : -m // 3].mean((2, 3))

    def embeddings(self, rois):
        return F.normalize(self.colour(rois) - 0.4, dim=1)

    def masks(self, rois):
        return 40 * (0.3 - (rois - self.colour(rois)[:, :, None, None]).norm(dim=1))


@MODELS.register_module(force=True)
class ColourReMP(nn.Module):
    """The state is the colour under the mask; a step finds it in the new box."""

    def init_state(self, rois, masks):
        colour = (rois * masks[:, None]).sum((2, 3)) / masks.sum((1, 2))[:, None].clamp(min=1e-6)
        return RoIState(colour[:, :, None, None].expand_as(rois).contiguous())

    def forward(self, state, rois):
        colour = state.hidden.flatten(2).amax(2)[:, :, None, None]  # zeros came from outside the old box
        return 40 * (0.3 - (rois - colour).norm(dim=1)), RoIState(colour.expand_as(rois).contiguous())


def model(reid_head='ColourReID', re_mp_head='ColourReMP', parts=('rpn', 'dyenet'), train_cfg=None, **test_cfg):
    return DyeNet(
        backbone=dict(type='ColourBackbone'),
        flow=dict(type='ZeroFlow'),
        rpn_head=dict(type='ColourRPN'),
        reid_head=dict(type=reid_head),
        re_mp_head=dict(type=re_mp_head),
        loss_reid=dict(type='OIMLoss', num_identities=2, channels=3),
        roi_size=14,
        stride=2,
        parts=parts,
        train_cfg=train_cfg,
        data_preprocessor=dict(type='VOSDataPreprocessor', mean=(0.0,) * 3, std=(255.0,) * 3),
        test_cfg=dict(dict(min_area=16, min_box_side=2, enlarge=0.3), **test_cfg),
    )


def segment(net, video):
    """Results of all frames, and the model's report."""
    session = VOSSession(net)
    return list(session.run(video)), session.report


def behind_a_pillar(frames=60):
    """A red square passes behind a grey pillar and is hidden for 20 frames; a blue one stays."""
    images, label_maps = [], []
    for t in range(frames):
        image, label_map = np.full((64, 128, 3), 90, np.uint8), np.zeros((64, 128), np.uint8)
        left = 4 + 2 * t
        image[10:26, left : left + 16], label_map[10:26, left : left + 16] = (0, 0, 255), 7
        image[:, 34:90] = 120  # the pillar
        label_map[:, 34:90] = 0
        image[40:56, 100:116], label_map[40:56, 100:116] = (255, 0, 0), 2
        images.append(image)
        label_maps.append(label_map)
    return images, label_maps


def j_after(results, truth, object_id, first):
    """Mean J of an object from a frame on, where enough of it is seen."""
    pairs = [(r.pred_label_map == object_id, g == object_id) for r, g in list(zip(results, truth, strict=True))[first:]]
    values = [(a & b).sum() / (a | b).sum() for a, b in pairs if b.sum() > 100]
    assert values
    return np.mean(values)
