"""Drawing instances."""

import itertools

import numpy as np
import pycocotools.mask as rle
import pytest
import torch
from mmengine.structures import InstanceData
from vis_data import CLASSES

from mmvos.visualization import draw_instances, instance_colour


class TestDrawing:
    def instances(self, ids=(3, 4), scores=(0.9, 0.2)):
        masks = np.zeros((2, 60, 90), np.uint8)
        masks[0, 10:40, 10:40] = masks[1, 20:50, 50:80] = 1
        return InstanceData(
            masks=rle.encode(np.asfortranarray(masks.transpose(1, 2, 0))),
            bboxes=torch.tensor([[10.0, 10, 40, 40], [50, 20, 80, 50]]),
            labels=torch.tensor([0, 1]),
            scores=torch.tensor(scores),
            instances_id=torch.tensor(ids),
        )

    def test_threshold_and_frame_untouched(self):
        frame = np.full((60, 90, 3), 100, np.uint8)
        drawn = draw_instances(frame, self.instances(), CLASSES)
        assert (frame == 100).all() and (drawn[20:30, 20:30] != 100).any() and (drawn[30:40, 60:70] == 100).all()

    def test_colours_belong_to_ids(self):
        frame = np.zeros((60, 90, 3), np.uint8)
        one = draw_instances(frame, self.instances(ids=(3, 4)), labels=False)
        other = draw_instances(frame, self.instances(ids=(3, 9)), labels=False, score_thr=0)
        assert np.array_equal(one[12:38, 12:38], other[12:38, 12:38])
        colours = [instance_colour(i) for i in range(24)]
        assert len(set(colours)) == 24
        assert min(np.abs(np.subtract(a, b)).sum() for a, b in itertools.pairwise(colours)) > 60

    def test_labels_stay_inside(self):
        corner = self.instances(scores=(0.9, 0.9))
        corner.bboxes = torch.tensor([[-5.0, -5, 40, 40], [85, 55, 90, 60]])
        plain = draw_instances(np.zeros((60, 90, 3), np.uint8), corner, labels=False)
        assert (draw_instances(np.zeros((60, 90, 3), np.uint8), corner, CLASSES) != plain).any()

    def test_a_mask_of_another_size(self):
        with pytest.raises(ValueError, match='90x60 for a frame of 80x60'):
            draw_instances(np.zeros((60, 80, 3), np.uint8), self.instances())
