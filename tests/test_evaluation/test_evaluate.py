"""Scoring files: every protocol, folders and archives, several processes, and faults named."""

import json

import numpy as np
import pytest
from golden import load_golden
from PIL import Image
from scored_videos import boxes, expected_of, make_archive, score

from mmvos.evaluation.protocols import MASK_PROTOCOLS
from mmvos.structures import write_label_map
from mmvos.videos.archive import MaskFiles
from mmvos.videos.layouts import YOUTUBE_VOS, read_davis


@pytest.mark.parametrize('protocol', ['davis2016', 'davis2017-semi', 'davis2017-unsup'])
def test_davis(root, protocol):
    (root / 'gt/ImageSets/2016').mkdir()
    (root / 'gt/ImageSets/2016/val.txt').write_text(
        ''.join(
            f'/JPEGImages/480p/{name}/{i:05d}.jpg /Annotations/480p/{name}/{i:05d}.png\n'
            for name in ('train', 'bear')
            for i in range(5)
        )
    )
    report = score(root, protocol)
    assert [row['video'] for row in report.rows] == sorted([row['video'] for row in report.rows], reverse=True)
    assert report.metrics == pytest.approx(expected_of(root, protocol, ['train', 'bear']), abs=1e-12)
    assert 0.3 < report.metrics['J-Mean'] < 0.95
    archive = make_archive(root / 'pred', root / 'pred.zip')
    assert score(root, protocol, archive, num_workers=2) == report
    videos = MASK_PROTOCOLS[protocol].source.videos(root / 'gt', 'all')
    assert [video.video_id for video in videos] == ['bear', 'bus', 'train']


def test_annotations_against_themselves(root):
    for protocol in ('davis2017-semi', 'davis2017-unsup'):
        metrics = score(root, protocol, root / 'gt').metrics
        assert metrics['J&F-Mean'] == metrics['J-Recall'] == metrics['F-Recall'] == 1


def test_progress_counts_frames(root):
    told = []
    score(root, progress=lambda *counts: told.append(counts))
    assert told == [(6, 11), (11, 11)]  # the longest video comes first


@pytest.mark.parametrize(
    'convention, options',
    [
        ('after_first_appearance', {}),
        ('after_first_appearance_drop_last', dict(last='exclude')),
        ('from_first_appearance', dict(first='include')),
    ],
)
def test_youtube_vos(tmp_path, convention, options):
    """The golden masks as files, every 5th frame's name, in an archive as the server takes it."""
    description, arrays = load_golden('ytvos_metrics')
    for video in description['meta']['videos']:
        for kind in ('gt', 'pred'):
            for index, label_map in enumerate(arrays[f'{video}/{kind}']):
                folder = tmp_path / ('valid/Annotations' if kind == 'gt' else 'pred') / video
                write_label_map(folder / f'{5 * index:05d}.png', label_map)
    (tmp_path / 'valid/meta.json').write_text(json.dumps(description['meta']))
    videos, below = YOUTUBE_VOS.videos(tmp_path), YOUTUBE_VOS.videos(tmp_path / 'valid')
    assert [str(a) for a in below[0].annotations] == [str(a) for a in videos[0].annotations]
    archive = make_archive(tmp_path / 'pred', tmp_path / 'pred.zip', 'Annotations/')
    report = MASK_PROTOCOLS['youtube-vos'].evaluate(tmp_path, archive, options=options)
    scores, rows = report.metrics, report.rows
    assert scores == pytest.approx(description['expected'][convention]['scores'], abs=1e-12)
    assert len(rows) == (6 if options.get('last') == 'exclude' else 7)
    (tmp_path / 'valid/Annotations/c3/00030.png').unlink()
    with pytest.raises(FileNotFoundError, match='c3/00030.png: not found, but meta.json lists this frame'):
        YOUTUBE_VOS.videos(tmp_path)


def faulty(root, frame, change):
    path = root / 'pred' / 'train' / f'{frame}.png'
    change(path)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        score(root, num_workers=2)
    return str(error.value)


def test_faults_are_named(root):
    path = str(root / 'pred/train/00002.png')
    gt = boxes(1)
    assert faulty(root, '00002', lambda p: p.unlink()) == f'{path}: not found. Expected a mask.'
    message = faulty(root, '00002', lambda p: write_label_map(p, gt[2][:, 1:]))
    assert message.startswith(f'{path}: the mask is 39x30, its frame is 40x30')
    message = faulty(root, '00002', lambda p: write_label_map(p, np.where(gt[2] == 2, np.uint8(7), gt[2])))
    annotation = root / 'gt/Annotations/480p/train/00002.png'
    assert message == (f'{path}, annotation {annotation}: the prediction has object 7, the first annotation only objects 1..2.')
    message = faulty(root, '00002', lambda p: Image.new('RGB', (40, 30)).save(p))
    assert message.startswith(f'{path}: this mask is a RGB image')


def test_missing_videos_are_named_before_the_work_begins(root):
    for video in ('train', 'bear'):
        (root / 'pred' / video).rename(root / f'{video}-elsewhere')
    with pytest.raises(FileNotFoundError, match="no predictions of video 'train'.* 1 more: bear"):
        score(root)
    with pytest.raises(FileNotFoundError, match='nowhere: not found'):
        MaskFiles(root / 'nowhere')
    with pytest.raises(ValueError, match='not a zip file'):
        MaskFiles(root / 'gt/ImageSets/2017/val.txt')


def test_an_unknown_split_is_an_error(root):
    with pytest.raises(FileNotFoundError, match='ImageSets/2017/test-dev.txt: list of the split .test-dev. not found'):
        score(root, split='test-dev')
    (root / 'empty.txt').write_text('\n')
    with pytest.raises(ValueError, match='empty.txt: the list is empty'):
        read_davis(root / 'empty.txt', root, root)
