"""The fast J and F against literal ones, and the protocols' rules that golden vectors do not reach."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvos.evaluation.functional import (
    DAVIS2016Sequence,
    DAVISSemiSequence,
    DAVISUnsupSequence,
    MeanIoUVideo,
    boundary_map,
    boundary_radius,
    contour_of,
    davis_summary,
    dilate_disc,
    f_measure,
    jaccard,
    mean_iou_summary,
    score_objects,
    score_pairs,
    statistics,
    temporal_instability,
    youtube_vos_summary,
)
from mmvos.evaluation.functional.contours import _are_holes, trace_loops

REPRODUCIBLE = settings(deadline=None, derandomize=True, database=None)


def literal_boundary(mask):
    """Pixel by pixel from the definition."""
    height, width = mask.shape
    contour = np.zeros(mask.shape, bool)
    for r in range(height):
        for c in range(width):
            neighbours = [(r, c + 1), (r + 1, c), (r + 1, c + 1)]
            contour[r, c] = any(mask[r, c] != mask[i, j] for i, j in neighbours if i < height and j < width)
    return contour


def literal_f(gt, pred, radius):
    """Every contour pixel looks for a partner."""
    points = [np.argwhere(literal_boundary(mask)) for mask in (gt, pred)]
    if not len(points[0]) or not len(points[1]):
        return float(len(points[0]) == len(points[1]))
    near = ((points[0][:, None] - points[1][None]) ** 2).sum(-1) <= radius * radius
    recall, precision = near.any(1).mean(), near.any(0).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@st.composite
def label_maps(draw):
    """Two label maps of one size: empty, full, single pixels, borders, noise, boxes, void (255)."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = np.array([0, 1, 2, 3, 255], np.uint8)

    def one():
        kind = draw(st.sampled_from(['empty', 'full', 'pixel', 'border', 'noise', 'boxes']))
        label_map = np.zeros((height, width), np.uint8)
        if kind == 'full':
            label_map[:] = rng.choice(values[1:])
        elif kind == 'pixel':
            label_map[rng.integers(height), rng.integers(width)] = rng.choice(values[1:])
        elif kind == 'border':
            label_map[rng.choice([0, -1])] = rng.choice(values[1:])
            label_map[:, rng.choice([0, -1])] = rng.choice(values[1:])
        elif kind == 'noise':
            label_map = rng.choice(values, (height, width), p=[0.6, 0.1, 0.1, 0.1, 0.1])
        elif kind == 'boxes':
            for _ in range(4):
                top, left = rng.integers(height), rng.integers(width)
                label_map[top : top + rng.integers(1, 12), left : left + rng.integers(1, 12)] = rng.choice(values)
        return label_map

    return one(), one()


@settings(REPRODUCIBLE, max_examples=120)
@given(maps=label_maps(), radius=st.integers(1, 6))
def test_j_and_f_equal_literal_ones(maps, radius):
    """Void is masked, as in the unsupervised protocol."""
    gt, pred = maps
    pred = np.where(gt == 255, np.uint8(0), pred)
    j, f = score_objects(gt, pred, [1, 2, 3], bound_th=radius)
    pairs_j, pairs_f = score_pairs(gt, pred, 3, 3, bound_th=radius)
    for i in range(3):
        one_gt, one_pred = gt == i + 1, pred == i + 1
        union = (one_gt | one_pred).sum()
        assert j[i] == ((one_gt & one_pred).sum() / union if union else 1)
        assert abs(f[i] - literal_f(one_gt, one_pred, radius)) < 1e-12
        for other in range(3):
            assert pairs_j[other, i] == jaccard(one_gt, pred == other + 1)
            assert pairs_f[other, i] == f_measure(one_gt, pred == other + 1, bound_th=radius)
        assert f[i] == f_measure(one_gt, maps[1] == i + 1, void=gt == 255, bound_th=radius)
        assert j[i] == jaccard(one_gt, maps[1] == i + 1, void=gt == 255)


@settings(REPRODUCIBLE, max_examples=60)
@given(maps=label_maps(), radius=st.integers(0, 9))
def test_boundary_and_dilation_equal_literal_ones(maps, radius):
    mask = maps[0] > 0
    np.testing.assert_array_equal(boundary_map(mask), literal_boundary(mask))
    planes = (maps[0] == 1) | (maps[1] > 0).astype(np.uint8) << 7
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    expected = np.zeros_like(planes)
    for r, c in np.argwhere(planes > 0):
        expected |= np.where((y - r) ** 2 + (x - c) ** 2 <= radius * radius, planes[r, c], np.uint8(0))
    np.testing.assert_array_equal(dilate_disc(planes, radius), expected)


@pytest.mark.parametrize('size, radius', [((480, 854), 8), ((480, 910), 9), ((720, 1280), 12), ((1080, 1920), 18)])
def test_radius(size, radius):
    assert boundary_radius(*size) == radius


def test_bad_radius_is_named():
    for bound_th in (0, -1, 2.5):
        with pytest.raises(ValueError, match='bound_th'):
            boundary_radius(480, 854, bound_th)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match='5x4, the annotation is 4x4'):
        score_objects(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), [1])


def test_davis2016_leaves_out_first_and_last_frame_and_takes_any_value_as_foreground():
    gt = np.zeros((6, 20, 30), np.uint8)
    gt[:, 5:15, 5:15] = 255
    pred = (gt > 0).astype(np.uint8)
    pred[[0, -1]] = 0
    scorer = DAVIS2016Sequence(6, temporal=True)
    for index in range(6):
        scorer.update(index, gt[index], pred[index])
    (row,) = scorer.result()
    assert (row['J-Mean'], row['F-Mean'], row['frames']) == (1, 1, 4)
    assert row['T-Mean'] == 0
    assert np.flatnonzero(~np.isnan(scorer.t)).tolist() == [1, 2, 3]  # pairs of frames 1..4


def test_davis2016_scores_a_prediction_that_starts_at_frame_1():
    scorer = DAVIS2016Sequence(3)
    assert [scorer.needs_prediction(i) for i in range(3)] == [False, True, False]


def test_semi_supervised_extra_id():
    gt = np.zeros((3, 8, 8), np.uint8)
    gt[:, 2:6, 2:6] = 1
    pred = gt.copy()
    pred[1, 0, 0] = 2
    strict = DAVISSemiSequence(3)
    strict.update(0, gt[0], None)
    with pytest.raises(ValueError, match='object 2, the first annotation only objects 1..1'):
        strict.update(1, gt[1], pred[1])
    lenient = DAVISSemiSequence(3, strict=False)
    lenient.update(0, gt[0], None)
    lenient.update(1, gt[1], pred[1])
    assert lenient.result()[0]['J-Mean'] == 1


def test_unsupervised_proposals():
    """More than 20 are an error; one that appears late has been empty before."""
    gt = np.zeros((3, 8, 24), np.uint8)
    gt[:, 2:6, 2:8] = 1
    gt[:, 2:6, 12:18] = 2
    pred = np.zeros_like(gt)
    pred[2][gt[2] == 2] = 5
    pred[:, 2:6, 2:8] = 3
    scorer = DAVISUnsupSequence(3)
    for index in range(3):
        scorer.update(index, gt[index], pred[index])
    rows = scorer.result()
    assert [row['proposal'] for row in rows] == [3, 5]
    assert rows[0]['J-Mean'] == 1 and math.isclose(rows[1]['J-Mean'], 1 / 3)
    pred[2, 0, 0] = 21
    with pytest.raises(ValueError, match='at most 20 proposals'):
        DAVISUnsupSequence(3).update(0, gt[2], pred[2])


@pytest.mark.parametrize('scorer', [DAVIS2016Sequence, DAVISSemiSequence])
def test_short_sequences_are_refused(scorer):
    with pytest.raises(ValueError, match='2 frames; this protocol needs at least 3'):
        scorer(2)


def test_summaries_of_nothing_are_refused():
    for summary in (davis_summary, youtube_vos_summary, mean_iou_summary):
        with pytest.raises(ValueError, match='no object was scored'):
            summary([])


def test_statistics_need_a_value():
    with pytest.raises(ValueError, match='at least one frame'):
        statistics([])


def test_mean_iou_of_a_late_object():
    """It counts in all frames: before it appears, nothing predicted is right and anything predicted is wrong."""
    gt = np.zeros((4, 4, 4), np.uint8)
    gt[:, 0] = 1
    gt[2:, 3] = 2
    pred = gt.copy()
    pred[1, 2, 2] = 2
    video = MeanIoUVideo('each', skip_first=False)
    for index in range(4):
        video.update(index, gt[index], pred[index])
    assert [(row['object'], row['J-Mean']) for row in video.result()] == [(1, 1.0), (2, 0.75)]
    video = MeanIoUVideo('each', skip_first=True)
    for index in range(4):
        video.update(index, gt[index], pred[index])
    assert [row['frames'] for row in video.result()] == [3, 3]


def test_mean_iou_of_the_union():
    video = MeanIoUVideo('union')
    video.update(0, np.array([[1, 2, 255, 0]], np.uint8), np.array([[3, 0, 7, 7]], np.uint8))
    assert video.result()[0]['J-Mean'] == 0.5


def test_means_of_means():
    rows = [
        dict(video='a', object=1, frames=1, **{'class': 'cat', 'J-Mean': 1.0}),
        dict(video='b', object=1, frames=3, **{'class': 'cat', 'J-Mean': 0.5}),
        dict(video='c', object=1, frames=4, **{'class': 'dog', 'J-Mean': 0.25}),
    ]
    summary = mean_iou_summary(rows)
    assert summary['mIoU'] == summary['class_mean'] == 0.5
    assert summary['cat'] == 0.75 and summary['dog'] == 0.25
    assert math.isclose(summary['video_mean'], 1.75 / 3) and summary['frame_mean'] == 3.5 / 8
    assert math.isclose(mean_iou_summary(rows, 'object')['mIoU'], 1.75 / 3)


def test_temporal_instability_does_not_see_translation():
    y, x = np.mgrid[:80, :90]
    mask = (y - 40) ** 2 + (x - 35) ** 2 < 400 + 100 * np.sin(x / 4)
    first, moved = contour_of(mask), contour_of(np.roll(mask, (3, 7), (0, 1)))
    grown = contour_of((y - 40) ** 2 + (x - 35) ** 2 < 500 + 300 * np.sin(y / 3))
    assert temporal_instability(first, moved) == 0
    assert temporal_instability(first, grown) > 0.001
    assert math.isnan(temporal_instability(first, contour_of(np.zeros((80, 90), bool))))


@settings(REPRODUCIBLE, max_examples=40)
@given(maps=label_maps())
def test_contours_enclose_the_mask(maps):
    """Every crack is walked once, and the loops' signed areas add up to the number of pixels."""
    mask = maps[0] > 0
    loops = trace_loops(mask)
    padded = np.pad(mask, 1)
    cracks = np.count_nonzero(padded[1:] != padded[:-1]) + np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    assert sum(len(loop) - 1 for loop in loops) == cracks
    for loop in loops:
        assert (loop[0] == loop[-1]).all()
        assert (np.abs(np.diff(loop, axis=0)).sum(1) == 1).all()
    area = 0
    for loop, hole in zip(loops, _are_holes(loops), strict=True):
        row, column = loop.T
        enclosed = abs(np.sum(column[:-1] * np.diff(row)))
        area += -enclosed if hole else enclosed
    assert area == mask.sum()
