"""Grids of boxes against the libraries' own operations."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import roi_align

from mmvos.structures.roi_grid import box_shares, box_targets, paste, roi_features


def boxes_of_all_kinds(generator, count=24):
    """Small and large boxes, inside, across and outside a frame of 80 x 120, and one without area."""
    centre = torch.rand(count, 2, generator=generator) * torch.tensor([120.0, 80.0])
    size = torch.rand(count, 2, generator=generator) * torch.tensor([110.0, 70.0])
    boxes = torch.cat([centre - size / 2, centre + size / 2], 1)
    boxes[:3] = torch.tensor([[-40, -30, 200, 150], [130, 90, 150, 99], [20, 20, 20, 45]])
    return boxes


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('size, stride', [(7, 8), (14, 4), (28, 8)])
def test_roi_features_are_roi_align(layout, size, stride):
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(3, 5, 80 // stride, 120 // stride, generator=generator)
    boxes, frames = boxes_of_all_kinds(generator), torch.arange(24) % 3
    rois = torch.cat([frames[:, None].float(), boxes], 1)
    ours, theirs = (maps.clone().contiguous(memory_format=f).requires_grad_() for f in (layout, torch.contiguous_format))
    found = roi_features(ours, boxes, frames, size, stride)
    wanted = roi_align(theirs, rois, (size, size), 1 / stride, 0, 'avg', True)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    weights = torch.randn(found.shape, generator=generator)
    (found * weights).sum().backward()
    (wanted * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-4)


def test_no_boxes_give_no_features():
    assert roi_features(torch.zeros(1, 5, 8, 8), torch.zeros(0, 4), torch.zeros(0), 7, 8).shape == (0, 5, 7, 7)


def test_shares_are_roi_align_of_the_mask():
    generator = torch.Generator().manual_seed(0)
    boxes = boxes_of_all_kinds(generator)
    masks = (torch.rand(24, 80, 120, generator=generator) > 0.5).float()
    rois = torch.cat([torch.arange(24.0)[:, None], boxes], 1)
    wanted = roi_align(masks[:, None].contiguous(), rois, (14, 14), 1.0, 0, 'avg', True)[:, 0]
    torch.testing.assert_close(box_shares(masks, boxes, 14), wanted, atol=1e-5, rtol=1e-4)
    exact = torch.zeros(1, 28, 28)
    exact[0, 7:21, :14] = 1
    assert torch.equal(box_targets(exact, torch.tensor([[0.0, 0, 28, 28]]), 28), exact)


def test_paste_samples_the_grid_at_the_centres_of_pixels():
    generator = torch.Generator().manual_seed(0)
    boxes = boxes_of_all_kinds(generator)[[0, 1, *range(3, 24)]]
    values = torch.rand(len(boxes), 14, 14, generator=generator)
    x, y = torch.arange(120) + 0.5, torch.arange(80) + 0.5
    x = (x - boxes[:, 0, None]) / (boxes[:, 2] - boxes[:, 0])[:, None] * 2 - 1
    y = (y - boxes[:, 1, None]) / (boxes[:, 3] - boxes[:, 1])[:, None] * 2 - 1
    grid = torch.stack([x[:, None].expand(-1, 80, -1), y[:, :, None].expand(-1, -1, 120)], -1)
    wanted = F.grid_sample(values[:, None], grid, align_corners=False)[:, 0]
    whole = paste(values, boxes, (0, 0, 120, 80))
    torch.testing.assert_close(whole, wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(paste(values, boxes, (30, 10, 75, 62)), whole[:, 10:62, 30:75])
    assert not paste(values[:1], torch.tensor([[20.0, 20, 20, 45]]), (0, 0, 120, 80)).any()  # a box without area
