"""The plain operations give what mmcv's compiled ones give, and what those do not: any memory layout, gradients in double."""

import itertools
import math
import os
import subprocess
import sys

import pytest
import torch
from torch.autograd import gradcheck

import mmvos._mmcv_ext as stand_in
from mmvos.ops import mmcv_ext, nms, roi_align
from mmvos.ops.roi_align import roi_align_backward

needs_compiled = pytest.mark.skipif(not stand_in.compiled(), reason='mmcv came without compiled operations')


def random_rois(count, maps=2, width=320.0, height=192.0):
    """Boxes of all sizes, some of which reach over the border of the image."""
    centres = torch.rand(count, 2) * torch.tensor([1.2 * width, 1.2 * height]) - 0.1 * width
    sides = torch.rand(count, 2) * torch.tensor([width, height]) * torch.rand(count, 1)
    index = torch.randint(0, maps, (count, 1)).float()
    return torch.cat([index, centres - sides / 2, centres + sides / 2], 1)


def random_boxes(count):
    centres, sides = torch.rand(count, 2) * 500, torch.rand(count, 2) * 250
    return torch.cat([centres - sides / 2, centres + sides / 2], 1)


def spread_of(count):
    return torch.randperm(count).float() / count


# RoIAlign


@needs_compiled
@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 1, 2, 5])
@pytest.mark.parametrize('size', [(7, 7), (2, 5), (1, 1)])
def test_roi_align_equals_the_compiled_one(size, sampling_ratio, aligned):
    import mmcv.ops

    torch.manual_seed(0)
    features, rois = torch.randn(2, 8, 12, 20, requires_grad=True), random_rois(60)
    args = (rois, size, 1 / 16, sampling_ratio, 'avg', aligned)
    expected, values = mmcv.ops.roi_align(features, *args), roi_align(features, *args)
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=2e-6)
    grad_output = torch.randn_like(values)
    expected_grad, grad = (torch.autograd.grad(v, features, grad_output)[0] for v in (expected, values))
    torch.testing.assert_close(grad, expected_grad, rtol=1e-5, atol=2e-5)


def sample(plane, y, x):
    """The bilinear sample of one place; nothing beyond a pixel outside the map."""
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = (1 - (x - left)) * plane[top, left] + (x - left) * plane[top, right]
    lower = (1 - (x - left)) * plane[bottom, left] + (x - left) * plane[bottom, right]
    return ((1 - (y - top)) * upper + (y - top) * lower).item()


def mean_of_samples(plane, box, size, sampling_ratio, aligned):
    """RoIAlign as it is defined, sample by sample."""
    x1, y1, x2, y2 = (v - 0.5 * aligned for v in box)
    width, height = x2 - x1, y2 - y1
    if not aligned:
        width, height = max(width, 1.0), max(height, 1.0)
    down, across = height / size[0], width / size[1]
    rows, columns = (sampling_ratio or math.ceil(side) for side in (down, across))
    values = torch.zeros(size, dtype=plane.dtype)
    for i, j, k, m in itertools.product(*map(range, (*size, rows, columns))):
        y, x = y1 + i * down + (k + 0.5) * down / rows, x1 + j * across + (m + 0.5) * across / columns
        values[i, j] += sample(plane, y, x) / (rows * columns)
    return values


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 1, 3])
def test_roi_align_is_the_mean_of_bilinear_samples(sampling_ratio, aligned):
    torch.manual_seed(0)
    plane, rois = torch.randn(1, 1, 9, 13).double(), random_rois(12, maps=1, width=13.0, height=9.0).double()
    rois = torch.cat([rois, torch.tensor([[0, -9.0, -9.0, -4.0, 3.0], [0, 2.0, 2.0, 2.3, 2.4], [0, -2.0, -2.0, 15.0, 11.0]])])
    values = roi_align(plane, rois, (2, 3), 1.0, sampling_ratio, 'avg', aligned)[:, 0]
    expected = [mean_of_samples(plane[0, 0], roi[1:].tolist(), (2, 3), sampling_ratio, aligned) for roi in rois]
    torch.testing.assert_close(values, torch.stack(expected))


@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_roi_align_has_exact_gradients(sampling_ratio):
    torch.manual_seed(0)
    features = torch.randn(2, 2, 6, 8, dtype=torch.float64, requires_grad=True)
    rois = random_rois(5, width=64.0, height=48.0).double()
    assert gradcheck(lambda f: roi_align(f, rois, (2, 3), 1 / 8, sampling_ratio, 'avg', True), (features,))


def test_roi_align_reads_every_memory_layout_the_same():
    torch.manual_seed(0)
    features, rois = torch.randn(2, 8, 12, 20), random_rois(30)
    expected = roi_align(features, rois, 4, 1 / 16)
    turned = features.transpose(2, 3).contiguous().transpose(2, 3)
    for other in (features.contiguous(memory_format=torch.channels_last), turned):
        assert torch.equal(roi_align(other, rois, 4, 1 / 16), expected)


@pytest.mark.parametrize('dtype, tolerance', [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_roi_align_places_its_samples_in_full_precision(dtype, tolerance):
    torch.manual_seed(0)
    features, rois = torch.randn(1, 4, 100, 100), torch.tensor([[0, 1000.3, 1100.7, 1400.2, 1500.9]])
    values = roi_align(features.to(dtype), rois, 7, 1 / 16)
    assert values.dtype == dtype
    torch.testing.assert_close(values.float(), roi_align(features, rois, 7, 1 / 16), rtol=tolerance, atol=tolerance)


def test_no_box_no_size_no_map():
    features = torch.randn(1, 3, 8, 8, requires_grad=True)
    none = roi_align(features, torch.zeros(0, 5), 4)
    assert none.shape == (0, 3, 4, 4)
    none.sum().backward()  # training on a frame without proposals
    assert torch.equal(features.grad, torch.zeros_like(features))
    empty = roi_align(features, torch.tensor([[0, 3.0, 3.0, 3.0, 3.0]]), 4)
    assert torch.equal(empty, torch.zeros_like(empty))


def test_roi_align_refuses_what_it_cannot_do():
    features, roi = torch.randn(1, 3, 8, 8), torch.tensor([[0, 1.0, 1.0, 5.0, 5.0]])
    with pytest.raises(ValueError, match='max'):
        roi_align(features, roi, 2, 1.0, 0, 'max')
    with pytest.raises(ValueError, match=r'\(1, 4\).*\(N, 5\)'):
        roi_align(features, roi[:, 1:], 2)
    with pytest.raises(ValueError, match='ends before it starts'):
        roi_align(features, roi[:, [0, 3, 2, 1, 4]], 2)


def test_the_backward_pass_of_mmcv_gets_the_gradient_of_the_forward_pass():
    torch.manual_seed(0)
    features, rois = torch.randn(2, 3, 12, 20, dtype=torch.float64, requires_grad=True), random_rois(20).double()
    values = roi_align(features, rois, (3, 4), 1 / 16, 0)
    grad_output = torch.randn_like(values)
    (expected,) = torch.autograd.grad(values, features, grad_output)
    torch.testing.assert_close(roi_align_backward(grad_output, rois, features.shape, 1 / 16), expected)


# NMS


@needs_compiled
@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.7])
@pytest.mark.parametrize('count', [1, 40, 700])
def test_nms_keeps_the_boxes_that_the_compiled_one_keeps(count, threshold, offset):
    import mmcv.ops

    torch.manual_seed(count)
    boxes, scores = random_boxes(count), spread_of(count)
    _, expected = mmcv.ops.nms(boxes, scores, threshold, offset)
    assert torch.equal(nms(boxes, scores, threshold, offset), expected)


def greedy(boxes, scores, threshold):
    """NMS as it is defined, box by box."""
    kept = []
    for i in scores.argsort(descending=True).tolist():
        for j in kept:
            sides = (torch.minimum(boxes[i, 2:], boxes[j, 2:]) - torch.maximum(boxes[i, :2], boxes[j, :2])).clamp(min=0)
            areas = [(boxes[k, 2:] - boxes[k, :2]).prod() for k in (i, j)]
            if sides.prod() / (areas[0] + areas[1] - sides.prod()) > threshold:
                break
        else:
            kept.append(i)
    return kept


def test_nms_is_greedy_over_more_boxes_than_a_block():
    torch.manual_seed(0)
    boxes, scores = random_boxes(300).double(), spread_of(300)
    assert nms(boxes, scores, 0.2).tolist() == greedy(boxes, scores, 0.2)


def test_a_chain_of_overlaps_keeps_every_second_box():
    """Box k overlaps box k + 1 alone: the longest way to the fixed point."""
    left = torch.arange(400.0) * 6
    boxes = torch.stack([left, torch.zeros(400), left + 10, torch.full((400,), 10.0)], 1)
    assert nms(boxes, torch.linspace(1, 0, 400), 0.2).tolist() == list(range(0, 400, 2))


def test_nms_of_no_box_and_of_equal_scores():
    assert nms(torch.zeros(0, 4), torch.zeros(0), 0.5).tolist() == []
    apart = torch.tensor([[0.0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10]])
    assert nms(apart, torch.full((3,), 0.5), 0.5).tolist() == [0, 1, 2]


# The stand-in for mmcv._ext


def in_a_process(code, **environment):
    run = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_mmcv_runs_on_the_plain_operations():
    code = """
import mmvos, torch
from mmvos._mmcv_ext import compiled
import mmcv.ops, mmdet.models
assert not compiled()
features = torch.ones(1, 2, 8, 8, requires_grad=True)
mmcv.ops.roi_align(features, torch.tensor([[0, 1., 1., 5., 5.]]), (2, 2), 1.0, 0, 'avg', True).sum().backward()
boxes = torch.tensor([[0., 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
dets, kept = mmcv.ops.batched_nms(boxes, torch.tensor([.5, .9, .7]), torch.zeros(3), dict(type='nms', iou_threshold=.5))
print(round(features.grad.sum().item(), 4), kept.tolist(), dets[:, 4].tolist()[1] == torch.tensor(.7).item())
"""
    assert in_a_process(code, MMVOS_OPS='plain') == '8.0 [1, 2] True'


def test_an_operation_that_is_missing_says_how_to_get_it():
    assert mmcv_ext.softnms  # can be imported
    with pytest.raises(ImportError, match='deform_conv_forward.*make ops'):
        mmcv_ext.deform_conv_forward()


def test_an_unknown_choice_of_operations_is_an_error():
    run = subprocess.run([sys.executable, '-c', 'import mmvos'], env={'MMVOS_OPS': 'fast'}, capture_output=True, text=True)
    assert run.returncode and 'MMVOS_OPS=fast' in run.stderr
