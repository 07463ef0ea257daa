"""J, F, T, their statistics and the DAVIS protocols against the official evaluators."""

import numpy as np
import pytest
from golden import load_golden

from mmvos.evaluation import DAVISMetric
from mmvos.evaluation.functional import (
    DAVIS2016Sequence,
    DAVISSemiSequence,
    DAVISUnsupSequence,
    boundary_map,
    davis_summary,
    f_measure,
    jaccard,
    score_pairs,
    statistics,
)
from mmvos.evaluation.functional.temporal import contour_of, match, matching_costs, simplified_loops, temporal_instability

DESCRIPTION, ARRAYS = load_golden('davis_metrics')
CASES = {case['name']: case for case in DESCRIPTION['cases']}
EXACT = DESCRIPTION['tolerance']['J']


def named(*kinds):
    return [name for name, case in CASES.items() if case['kind'] in kinds]


def read(case, kind, key):
    return ARRAYS[case[kind][key]]


def assert_equal(actual, expected, tolerance=EXACT):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, equal_nan=True)


def play(scorer, gt, pred):
    for index in range(len(gt)):
        scorer.update(index, gt[index], pred[index])
    return scorer


def assert_summary(rows, expected, order):
    for measure in 'JF':
        for short, kind in (('M', 'Mean'), ('R', 'Recall'), ('D', 'Decay')):
            assert_equal([row[f'{measure}-{kind}'] for row in rows], np.array(expected[f'{measure}_{short}'])[order])
    summary = davis_summary(rows)
    assert_equal(summary['J&F-Mean'], expected['JF_mean'])
    for measure in 'JF':
        for kind in ('mean', 'recall', 'decay'):
            assert_equal(summary[f'{measure}-{kind.title()}'], expected[f'{measure}_{kind}'])


@pytest.mark.parametrize('name', [n for n in named('protocol') if CASES[n]['task'] == 'semi-supervised'])
def test_semi_supervised(name):
    case = CASES[name]
    gt, pred = read(case, 'inputs', 'gt'), read(case, 'inputs', 'pred')
    scorer = play(DAVISSemiSequence(len(gt)), gt, pred)
    assert_equal(scorer.j[:, 1:-1], read(case, 'outputs', 'J'))
    assert_equal(scorer.f[:, 1:-1], read(case, 'outputs', 'F'))
    rows = scorer.result()
    assert_summary(rows, case['summary'], np.arange(len(rows)))


@pytest.mark.parametrize('name', [n for n in named('protocol') if CASES[n]['task'] == 'unsupervised'])
def test_unsupervised(name):
    case = CASES[name]
    gt, pred = read(case, 'inputs', 'gt'), read(case, 'inputs', 'pred')
    scorer = play(DAVISUnsupSequence(len(gt)), gt, pred)
    rows = scorer.result()
    # official rows are in the order of proposals, ours in the order of objects
    proposal, obj = read(case, 'outputs', 'match_proposal'), read(case, 'outputs', 'match_object')
    order = np.argsort(obj)
    first = min(obj.min(), proposal.min())
    assert [row['proposal'] for row in rows] == [int(p) + 1 - first for p in proposal[order]]
    j, f = scorer.scores()
    assert_equal(j.mean(2), read(case, 'outputs', 'J_matrix'))
    assert_equal(f.mean(2), read(case, 'outputs', 'F_matrix'))
    chosen = np.array([row['proposal'] - 1 for row in rows]), np.array([row['object'] - 1 for row in rows])
    assert_equal(j[chosen], read(case, 'outputs', 'J')[order])
    assert_equal(f[chosen], read(case, 'outputs', 'F')[order])
    assert_summary(rows, case['summary'], order)


def frames_of(case):
    if 'gt_bits' in case['inputs']:
        unpack = [np.unpackbits(read(case, 'inputs', key), axis=-1, count=854) for key in ('gt_bits', 'pred_bits')]
        return *unpack, [None] * len(unpack[0])
    gt, pred = read(case, 'inputs', 'gt'), read(case, 'inputs', 'pred')
    return gt, pred, read(case, 'inputs', 'void') if 'void' in case['inputs'] else [None] * len(gt)


@pytest.mark.parametrize('name', named('frames'))
def test_frames(name):
    case = CASES[name]
    gt, pred, void = frames_of(case)
    for key, path in case['outputs'].items():
        if key == 'J':
            actual = [jaccard(*triple) for triple in zip(gt, pred, void, strict=True)]
        elif key.startswith('F'):
            bound_th = float(key[2:] or 0.008)
            actual = [f_measure(*triple, bound_th=bound_th) for triple in zip(gt, pred, void, strict=True)]
        else:
            actual = [boundary_map(mask) for mask in (gt if key == 'boundary_gt' else pred)]
        assert_equal(actual, ARRAYS[path])


@pytest.mark.parametrize('name', named('frames'))
def test_frames_as_pairs(name):
    """The batched scores of the unsupervised protocol are those of single masks."""
    gt, pred, void = frames_of(CASES[name])
    for one_gt, one_pred, one_void in zip(gt, pred, void, strict=True):
        counted = 1 if one_void is None else 1 - one_void.astype(np.uint8)
        j, f = score_pairs(one_gt * counted, one_pred * counted, 1, 1)
        assert j.item() == jaccard(one_gt, one_pred, one_void)
        assert f.item() == f_measure(one_gt, one_pred, one_void)


@pytest.mark.parametrize('name', named('statistics'))
def test_statistics(name):
    case = CASES[name]
    values, expected = read(case, 'inputs', 'values'), read(case, 'outputs', 'mean_recall_decay')
    for row, length, wanted in zip(values, case['lengths'], expected, strict=True):
        assert_equal(statistics(row[:length]), wanted)


def test_decay_of_long_sequence():
    assert_equal(statistics(np.linspace(1, 0, 300)), CASES['decay_long_sequence']['expected_int'])


@pytest.mark.parametrize('name', named('protocol'))
def test_metric(name):
    """The metric of tools/test.py, fed frame by frame."""
    case = CASES[name]
    gt, pred = read(case, 'inputs', 'gt'), read(case, 'inputs', 'pred')
    metric = DAVISMetric('davis2017-semi' if case['task'] == 'semi-supervised' else 'davis2017-unsup')
    for index in range(len(gt)):
        metric.process(
            None,
            [
                dict(
                    video_id=name,
                    frame_index=index,
                    frame_name=f'{index:05d}',
                    num_frames=len(gt),
                    is_last=index == len(gt) - 1,
                    annotation=gt[index],
                    pred_label_map=pred[index],
                )
            ],
        )
    metrics = metric.evaluate(1)
    assert_equal(metrics['J&F-Mean'], case['summary']['JF_mean'])


@pytest.mark.parametrize('name', named('t_pair'))
def test_temporal(name):
    case = CASES[name]
    first, second = (contour_of(read(case, 'inputs', key)) for key in ('mask_t', 'mask_t1'))
    assert_equal(temporal_instability(first, second), read(case, 'outputs', 'T_pair'), DESCRIPTION['tolerance']['T'])
    if 'n_points' in case:
        assert [len(c.corners) for c in (first, second)] == case['n_points']
        assert [len(c.points) for c in (first, second)] == case['n_upsampled']


def test_temporal_intermediate_results():
    """So that a deviation can be located."""
    case = CASES['t_blackswan']
    masks = [read(case, 'inputs', key) for key in ('mask_t', 'mask_t1')]
    assert [len(simplified_loops(mask)) for mask in masks] == case['n_contours']
    contours = [contour_of(mask) for mask in masks]
    for contour, suffix in zip(contours, ('t', 't1'), strict=True):
        np.testing.assert_array_equal(contour.corners, read(case, 'outputs', f'contour_{suffix}'))
        np.testing.assert_array_equal(contour.points, read(case, 'outputs', f'upsampled_{suffix}'))
    histograms = read(case, 'outputs', 'shape_context_t_first8')
    assert_equal(contours[0].shape_context[:8], histograms / histograms.sum(1, keepdims=True))
    costs = matching_costs(contours[0].shape_context, contours[1].shape_context)
    assert_equal(costs, read(case, 'outputs', 'costmat'))
    np.testing.assert_array_equal(match(costs), read(case, 'outputs', 'pairs'))


@pytest.mark.parametrize('key', ['pred', 'gt'])
def test_temporal_of_a_sequence(key):
    """As the protocol measures it; the sequence holds a pair whose value hangs on the order of ties."""
    case = CASES['t_sequence']
    masks, expected = read(case, 'inputs', key), read(case, 'outputs', f'T_{key}')
    scorer = play(DAVIS2016Sequence(len(masks), temporal=True), masks, masks)
    assert_equal(scorer.t[: len(expected)], expected, DESCRIPTION['tolerance']['T'])
    assert_equal(scorer.result()[0]['T-Mean'], case['summary'][f'T_mean_{key}'], DESCRIPTION['tolerance']['T'])
