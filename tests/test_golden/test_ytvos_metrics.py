"""YouTube-VOS scores against the public conventions, from masks."""

import numpy as np
import pytest
from golden import load_golden

from mmvos.evaluation import YouTubeVOSMetric
from mmvos.evaluation.functional import SEEN_CATEGORIES, YouTubeVOSVideo, category_group, score_objects

DESCRIPTION, ARRAYS = load_golden('ytvos_metrics')
EXACT = DESCRIPTION['tolerance']
VIDEOS = DESCRIPTION['meta']['videos']
CONVENTIONS = {
    'after_first_appearance': {},
    'after_first_appearance_drop_last': dict(last='exclude'),
    'from_first_appearance': dict(first='include'),
}


def masks(video):
    return ARRAYS[f'{video}/gt'], ARRAYS[f'{video}/pred']


@pytest.mark.parametrize('video', VIDEOS)
def test_every_frame_of_every_object(video):
    ids = [int(i) for i in VIDEOS[video]['objects']]
    for index, (gt, pred) in enumerate(zip(*masks(video), strict=True)):
        j, f = score_objects(gt, pred, ids)
        for i, object_id in enumerate(ids):
            assert abs(j[i] - ARRAYS[f'{video}/{object_id}/J'][index]) < EXACT
            assert abs(f[i] - ARRAYS[f'{video}/{object_id}/F'][index]) < EXACT


@pytest.mark.parametrize('convention', DESCRIPTION['expected'])
@pytest.mark.parametrize('stride', [1, 5])
def test_scores(convention, stride, tmp_path):
    """The metric, fed frame by frame: annotated frames only, and every 5th frame of a longer video."""
    expected = DESCRIPTION['expected'][convention]
    metric = YouTubeVOSMetric(**CONVENTIONS[convention], csv_file=str(tmp_path / 'objects.csv'))
    for video, content in VIDEOS.items():
        gt, pred = masks(video)
        frames = (len(gt) - 1) * stride + 3  # some frames without an annotation follow
        for index in range(frames):
            annotated = index % stride == 0 and index // stride < len(gt)
            metric.process(
                None,
                [
                    dict(
                        video_id=video,
                        frame_index=index,
                        frame_name=f'{index:05d}',
                        num_frames=frames,
                        is_last=index == frames - 1,
                        categories={i: o['category'] for i, o in content['objects'].items()},
                        annotation=gt[index // stride] if annotated else None,
                        pred_label_map=pred[index // stride] if annotated else np.full_like(pred[0], 99),
                    )
                ],
            )
    scores = metric.evaluate(len(VIDEOS))
    assert set(scores) == set(expected['scores'])
    for name, value in expected['scores'].items():
        assert abs(scores[name] - value) < EXACT


@pytest.mark.parametrize('convention', DESCRIPTION['expected'])
def test_objects(convention):
    rows = {}
    for video, content in VIDEOS.items():
        scorer = YouTubeVOSVideo({int(i): o['category'] for i, o in content['objects'].items()}, **CONVENTIONS[convention])
        for index, (gt, pred) in enumerate(zip(*masks(video), strict=True)):
            scorer.update(index, gt, pred)
        rows.update({f'{video}/{row["object"]}': row for row in scorer.result()})
    for name, expected in DESCRIPTION['expected'][convention]['objects'].items():
        if expected['n_frames'] == 0:
            assert name not in rows
            continue
        row = rows.pop(name)
        assert (row['frames'], row['group']) == (expected['n_frames'], expected['group'])
        assert abs(row['J-Mean'] - expected['J']) < EXACT and abs(row['F-Mean'] - expected['F']) < EXACT
    assert not rows


def test_categories():
    assert len(SEEN_CATEGORIES) == 65
    assert category_group('gaint_panda') == category_group('Giant panda') == 'seen'
    assert category_group('kangaroo') == 'unseen'
