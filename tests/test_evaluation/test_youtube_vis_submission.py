"""Archives of results for the YouTube-VIS server."""

import json
import zipfile

import bad_files
import numpy as np
import pycocotools.mask as rle
import pytest
import torch
from submissions import FRAMES, SIZE, label_map, make_zip, problems

from mmvos.evaluation import YouTubeVISSubmission, write_youtube_vis_zip


@pytest.fixture
def youtube_vis(tmp_path):
    path = tmp_path / 'valid.json'
    path.write_text(
        json.dumps(
            dict(
                videos=[dict(id=1, width=SIZE[1], height=SIZE[0], length=4, file_names=[f'v1/{f}.jpg' for f in FRAMES])],
                categories=[dict(id=1, name='a'), dict(id=2, name='b')],
            )
        )
    )
    return path


def mask(*ids):
    return rle.encode(np.asfortranarray(label_map(*ids) > 0, np.uint8))


def test_youtube_vis(youtube_vis, tmp_path):
    """From tracks of frames: score and category over the frames where the instance was found."""
    path = tmp_path / 'results.zip'
    writer = YouTubeVISSubmission(str(path))
    for i in range(4):
        tracks = dict(
            instances_id=torch.tensor([7, 3]),
            labels=torch.tensor([1, int(i == 0)]),
            scores=torch.tensor([0.5, 0.25 * i]),
            bboxes=torch.zeros(2, 4),
            masks=[mask(1), mask(0, 1)],
        )
        if i == 2:
            tracks = {key: value[:1] for key, value in tracks.items()}
        writer.process(
            None,
            [
                dict(
                    video_id='v1',
                    vis_id=1,
                    frame_index=i,
                    frame_name=FRAMES[i],
                    num_frames=4,
                    is_last=i == 3,
                    ori_shape=SIZE,
                    pred_track_instances=tracks,
                )
            ],
        )
    assert writer.evaluate(1) == {}
    assert problems('youtube-vis', path, youtube_vis) == []
    results = json.loads(zipfile.ZipFile(path).read('results.json'))
    by_score = sorted(results, key=lambda r: r['score'])
    assert [(r['category_id'], [s is None for s in r['segmentations']]) for r in by_score] == [
        (1, [False, False, True, False]),
        (2, [False] * 4),
    ]
    assert by_score[0]['score'] == pytest.approx((0 + 0.25 + 0.75) / 3)
    np.testing.assert_array_equal(rle.decode(by_score[0]['segmentations'][1]), label_map(0, 1))


def result(**changes):
    good = dict(video_id=1, category_id=1, score=0.5, segmentations=[mask(1), None, None, None])
    return dict(good, **changes)


def test_youtube_vis_zip(youtube_vis, tmp_path):
    for name in ('a.zip', 'b.zip'):
        write_youtube_vis_zip([result(score=np.float32(0.5), bboxes=[])], tmp_path / name)
    assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes()
    assert problems('youtube-vis', tmp_path / 'a.zip', youtube_vis) == []
    with pytest.raises(ValueError, match='no results'):
        write_youtube_vis_zip([], tmp_path / 'c.zip')
    with pytest.raises(ValueError):
        write_youtube_vis_zip([result(score=float('nan'))], tmp_path / 'c.zip')
    assert not (tmp_path / 'c.zip').exists()


@pytest.mark.parametrize(
    'content, message',
    [
        ({'sub/results.json': '[]'}, 'it must hold results.json at its top level, alone'),
        ({'results.json': '[]'}, 'the list is empty'),
        ({'results.json': '[{'}, 'broken JSON'),
        ({'results.json': '{}'}, 'expected a list'),
        ({'results.json': '[{"video_id": 1}]'}, 'result 0: no category_id, score, segmentations'),
        ({'results.json': '[1]'}, 'result 0: expected an object, got int'),
    ],
)
def test_faults_of_a_youtube_vis_archive(youtube_vis, tmp_path, content, message):
    found = problems('youtube-vis', make_zip(tmp_path / 'results.zip', content), youtube_vis)
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(video_id=2), 'video_id 2 is not in the annotation file'),
        (dict(category_id=0), 'category_id 0 is not in the annotation file'),
        (dict(segmentations=[None]), '1 segmentations, the video has 4 frames'),
        (dict(segmentations=[dict(size=[1, 2], counts='02'), None, None, None]), 'RLE of size [1, 2], the video is [12, 16]'),
        (dict(segmentations=[dict(mask(1), counts=mask(1)['counts'] + b'3'), None, None, None]), 'does not add up'),
        (dict(segmentations=[dict(mask(1), counts=b''), None, None, None]), 'not a compressed RLE'),
        (dict(segmentations=[dict(mask(1), counts=b'zz'), None, None, None]), 'not a compressed RLE'),
    ],
)
def test_faults_of_youtube_vis_results(youtube_vis, tmp_path, changes, message):
    write_youtube_vis_zip([result(**changes)], tmp_path / 'results.zip')
    found = problems('youtube-vis', tmp_path / 'results.zip', youtube_vis)
    assert len(found) == 1 and message in found[0]


def test_rle_of_random_masks_is_accepted(youtube_vis, tmp_path):
    rng = np.random.default_rng(0)
    masks = [rle.encode(np.asfortranarray(rng.random(SIZE) < p, np.uint8)) for p in np.linspace(0, 1, 40)]
    write_youtube_vis_zip([result(segmentations=masks[i : i + 4]) for i in range(0, 40, 4)], tmp_path / 'results.zip')
    assert problems('youtube-vis', tmp_path / 'results.zip', youtube_vis) == []


@pytest.mark.parametrize(
    'text, expected',
    [
        ('[' * 100_000, 'results.json: JSON nested too deeply'),
        ('[{"video_id": 1, "category_id": 1, "score": NaN, "segmentations": []}]', 'results.json: broken JSON'),
        ('[{"video_id": [], "category_id": {}, "score": [], "segmentations": {}}]', 'results.json: result 0: video_id []'),
        (b'\xff\xfe[]', 'results.json: byte 0 is not UTF-8'),
    ],
)
def test_odd_results_are_named(youtube_vis, tmp_path, text, expected):
    data = text if isinstance(text, bytes) else text.encode()
    found = problems('youtube-vis', bad_files.make_zip(tmp_path / 'a.zip', {'results.json': data}), youtube_vis)
    assert len(found) == 1 and found[0].startswith(expected), found


def test_a_bomb_of_results_is_not_unpacked(youtube_vis, tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('results.json', b' ' * 60_000_000)
    assert 'results.json: ' in problems('youtube-vis', tmp_path / 'a.zip', youtube_vis)[0]
