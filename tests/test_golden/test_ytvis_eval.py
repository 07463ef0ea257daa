"""AP of YouTube-VIS against the official evaluation."""

import copy
import json

import numpy as np
import pytest
from golden import GOLDEN_DIR, load_golden

from mmvos.evaluation.functional import youtube_vis_ap
from mmvos.evaluation.functional.youtube_vis import STATS

DESCRIPTION, ARRAYS = load_golden('ytvis_eval')
TOLERANCE = 1e-9


@pytest.fixture(scope='module')
def ground_truth():
    return json.loads((GOLDEN_DIR / DESCRIPTION['cases'][0]['inputs']['ground_truth']).read_text())


@pytest.fixture(scope='module')
def results():
    return json.loads((GOLDEN_DIR / DESCRIPTION['cases'][0]['inputs']['results']).read_text())


def test_golden(ground_truth, results):
    before = copy.deepcopy((ground_truth, results))
    actual = youtube_vis_ap(ground_truth, results)
    assert (ground_truth, results) == before
    for i, name in enumerate(STATS):
        assert abs(actual[name] - DESCRIPTION['stats'][name]) < TOLERANCE
        assert abs(actual[name] - ARRAYS['stats'][i]) < TOLERANCE
    for key in ('precision', 'recall', 'scores'):
        np.testing.assert_allclose(actual[key], ARRAYS[key], rtol=0, atol=TOLERANCE)
    for pair, key in DESCRIPTION['cases'][0]['outputs']['ious'].items():
        ious = actual['ious'][tuple(map(int, pair.split('_')))]
        np.testing.assert_allclose(ious, ARRAYS[key], rtol=0, atol=TOLERANCE)


def test_golden_without_the_all_null_result(ground_truth, results):
    kept = [r for r in results if any(s is not None for s in r['segmentations'])]
    assert len(kept) == len(results) - 1
    actual = youtube_vis_ap(ground_truth, kept)
    for name, expected in DESCRIPTION['extra']['without_the_all_null_result'].items():
        assert abs(actual[name] - expected) < TOLERANCE


def test_per_category_mean_is_ap(ground_truth, results):
    actual = youtube_vis_ap(ground_truth, results)
    found = [v for v in actual['per_category'].values() if v >= 0]
    assert len(actual['per_category']) == 4 and len(found) == 3  # one category has nothing to find
    assert abs(np.mean(found) - actual['AP']) < TOLERANCE


def test_empty_results_score_zero(ground_truth):
    actual = youtube_vis_ap(ground_truth, [])
    assert all(actual[name] == 0 for name in STATS)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(video_id=99), 'video_id 99 is not'),
        (dict(category_id=0), 'category_id 0 is not'),
        (dict(score=float('nan')), 'not a finite number'),
        (dict(segmentations=[None]), '1 segmentations, the video has'),
        (dict(segmentations=None), 'segmentations is not a list'),
    ],
)
def test_bad_results_are_named(ground_truth, results, change, message):
    with pytest.raises(ValueError, match=message):
        youtube_vis_ap(ground_truth, [dict(results[0], **change)])


def test_wrong_mask_size_is_named(ground_truth, results):
    masks = [None if s is None else dict(s, size=[1, 1]) for s in results[0]['segmentations']]
    with pytest.raises(ValueError, match=r'RLE of size \[1, 1\]'):
        youtube_vis_ap(ground_truth, [dict(results[0], segmentations=masks)])
