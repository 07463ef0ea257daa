"""Benchmarks that were added to the table of protocols: what counts, by hand."""

import json
import zipfile

import cv2
import numpy as np
import pytest

from mmvos.evaluation import DAVISSubmission, ProtocolMetric
from mmvos.evaluation.functional import score_objects
from mmvos.evaluation.protocols import PROTOCOLS, validate_submission
from mmvos.registry import DATASETS
from mmvos.structures import write_label_map

SHAPE = (30, 40)


def square(object_id, top, left, side=10):
    """A label map of one object."""
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[top : top + side, left : left + side] = object_id
    return label_map


def merged(*maps):
    return np.max(maps, axis=0)


def write_video(root, name, label_maps, first=0, step=1, digits=5):
    """Frames and label maps ``root/{JPEGImages,Annotations}/<name>/<number>``."""
    for i, label_map in enumerate(label_maps):
        stem = f'{first + i * step:0{digits}d}'
        frame = root / 'JPEGImages' / name / f'{stem}.jpg'
        frame.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(frame), np.full((*SHAPE, 3), 100, np.uint8))
        if label_map is not None:
            write_label_map(root / 'Annotations' / name / f'{stem}.png', label_map)


def write_predictions(root, name, label_maps, first=0, step=1, digits=5):
    for i, label_map in enumerate(label_maps):
        write_label_map(root / name / f'{first + i * step:0{digits}d}.png', label_map)


def zipped(folder, path):
    with zipfile.ZipFile(path, 'w') as archive:
        for file in sorted(folder.rglob('*.png')):
            archive.write(file, file.relative_to(folder))
    return path


def process(metric, dataset, predictions):
    """Feed a metric as the test loop does."""
    for i in range(len(dataset)):
        video = dataset[i]['inputs']
        info = {key: value for key, value in video.metainfo.items() if key != 'annotations'}
        for k in range(len(video)):
            result = dict(
                info,
                video_id=video.video_id,
                frame_index=k,
                frame_name=video.frame_names[k],
                num_frames=len(video),
                is_last=k == len(video) - 1,
                ori_shape=SHAPE,
                object_ids=[2, 5],
                annotation=video.metainfo['annotations'].get(k),
                pred_label_map=predictions[video.video_id][k],
            )
            metric.process(None, [result])
    return metric.evaluate(len(dataset))


# MOSE


@pytest.fixture
def mose(tmp_path):
    """Ids 2 and 5; the prediction of object 5 is moved by two pixels and holds an id 3 that was not given."""
    gt = [merged(square(2, 2, 2 + i), square(5, 15, 20)) for i in range(5)]
    write_video(tmp_path / 'MOSE/train', 'v', gt)
    pred = [merged(square(2, 2, 2 + i), square(5, 15, 22), square(3, 0, 36, 3)) for i in range(5)]
    write_predictions(tmp_path / 'pred', 'v', pred)
    return tmp_path, gt, pred


def test_mose_counts_the_objects_of_the_first_mask_between_the_first_and_the_last_frame(mose):
    root, gt, pred = mose
    report = PROTOCOLS['mose'].evaluate(root / 'MOSE', root / 'pred', 'train')
    assert [(row['object'], row['frames']) for row in report.rows] == [(2, 3), (5, 3)]
    j, f = score_objects(gt[1], pred[1], [2, 5])
    assert [row['J-Mean'] for row in report.rows] == [1, j[1]] and j[1] == 80 / 120
    assert report.metrics['J&F-Mean'] == pytest.approx(np.mean([j, f]), abs=1e-12)


def test_mose_through_the_test_loop_gives_the_same(mose):
    root, _, pred = mose
    folders = dict(img='train/JPEGImages', ann='train/Annotations')
    config = dict(type='mmvos.FolderDataset', data_root=str(root / 'MOSE'), data_prefix=folders, test_mode=True)
    dataset = DATASETS.build(dict(config, pipeline=[dict(type='PackVideo')]))
    expected = PROTOCOLS['mose'].evaluate(root / 'MOSE', root / 'pred', 'train').metrics
    assert process(ProtocolMetric('mose'), dataset, {'v': pred}) == expected


def test_mose_submission(mose, tmp_path):
    root, gt, pred = mose
    write_video(root / 'MOSE/valid', 'v', [gt[0], None, None, None, None])
    path = zipped(root / 'pred', tmp_path / 's.zip')
    problems = list(validate_submission('mose', path, root / 'MOSE'))
    assert problems[0] == 'v/00000.png: holds id 3; given were [2, 5].'
    folders = dict(img='valid/JPEGImages', ann='valid/Annotations')
    config = dict(type='mmvos.FolderDataset', data_root=str(root / 'MOSE'), data_prefix=folders, test_mode=True)
    dataset = DATASETS.build(dict(config, pipeline=[dict(type='PackVideo')]))
    clean = [np.where(label_map == 3, np.uint8(0), label_map) for label_map in pred]
    assert process(DAVISSubmission(str(path)), dataset, {'v': clean}) == {}
    assert list(validate_submission('mose', path, root / 'MOSE')) == []
    assert process(ProtocolMetric('mose'), dataset, {'v': clean}) == {}  # first masks alone: nothing to score


# LVOS


@pytest.fixture
def lvos(tmp_path):
    """``a``: object 2 in frames 1, 6, ..., 26, object 5 from frame 11 on, of which the last mask is empty; ``b``: object 1."""
    root = tmp_path / 'LVOS/valid'
    first, second = [square(2, 2, 2 + i) for i in range(6)], [square(5, 15, 20) for _ in range(6)]
    second[5][:] = 0
    gt = dict(
        a=[merged(first[i], second[i] if i >= 2 else 0 * first[i]) for i in range(6)], b=[square(1, 5, 5 + i) for i in range(4)]
    )
    for name, label_maps in gt.items():
        write_video(root, name, label_maps, first=1, step=5, digits=8)
    objects = dict(
        a={'2': dict(frame_range=dict(start='1', end='26', frame_nums='6')), '5': dict(frame_range=dict(start=11, end=26))},
        b={'1': dict(frame_range=dict(start='00000001', end='00000016'))},
    )
    meta = dict(videos={name: dict(objects=content) for name, content in objects.items()})
    (root / 'valid_meta.json').write_text(json.dumps(meta))
    pred = dict(a=[label_map.copy() for label_map in gt['a']], b=[np.roll(label_map, 2, 1) for label_map in gt['b']])
    pred['a'][3][pred['a'][3] == 5] = 0  # lost in one of the frames that count
    pred['a'][0][:] = pred['a'][5][:] = 9  # do not count
    for name, label_maps in pred.items():
        write_predictions(tmp_path / 'pred', name, label_maps, first=1, step=5, digits=8)
    return tmp_path, gt, pred


def test_lvos_counts_the_range_of_an_object_without_its_ends(lvos):
    root, gt, pred = lvos
    report = PROTOCOLS['lvos'].evaluate(root / 'LVOS', root / 'pred')
    assert [(row['video'], row['object'], row['frames']) for row in report.rows] == [('a', 2, 4), ('a', 5, 2), ('b', 1, 2)]
    scores = [score_objects(gt['b'][i], pred['b'][i], [1]) for i in (1, 2)]
    j, f = np.mean(scores, axis=0)[:, 0]
    assert [row['J-Mean'] for row in report.rows] == pytest.approx([1, 0.5, j], abs=1e-12)
    assert [row['V-Mean'] for row in report.rows] == pytest.approx([0, 0.5, 0], abs=1e-9)
    assert report.metrics['J-Mean'] == pytest.approx((1 + 0.5 + j) / 3, abs=1e-12)
    assert report.metrics['J&F-Mean'] == pytest.approx(((1 + 0.5 + j) + (1 + 0.5 + f)) / 6, abs=1e-12)


def test_lvos_means_of_seen_and_unseen_videos(lvos):
    root, _, _ = lvos
    (root / 'LVOS/valid/unseen_videos.txt').write_text('b\nelsewhere\n')
    metrics = PROTOCOLS['lvos'].evaluate(root / 'LVOS', root / 'pred').metrics
    assert metrics['J-seen-Mean'] == 0.75
    assert metrics['J-Mean'] == pytest.approx((metrics['J-seen-Mean'] + metrics['J-unseen-Mean']) / 2, abs=1e-12)
    assert list(metrics)[:2] == ['J&F-Mean', 'J-Mean']


def test_lvos_through_the_test_loop_gives_the_same(lvos):
    root, _, pred = lvos
    (root / 'LVOS/valid/unseen_videos.txt').write_text('b\n')
    config = dict(type='mmvos.LVOSDataset', data_root=str(root / 'LVOS'), split='valid', test_mode=True)
    dataset = DATASETS.build(dict(config, pipeline=[dict(type='PackVideo')]))
    video = dataset[0]['inputs']
    assert {i: sorted(set(np.unique(video.prompt(i, SHAPE)).tolist()) - {0}) for i in video.prompts} == {0: [2], 2: [5]}
    expected = PROTOCOLS['lvos'].evaluate(root / 'LVOS', root / 'pred').metrics
    assert process(ProtocolMetric('lvos'), dataset, pred) == expected


def test_lvos_submission(lvos, tmp_path):
    root, gt, _ = lvos
    for name, label_maps in gt.items():
        write_predictions(tmp_path / 'good', name, label_maps, first=1, step=5, digits=8)
    assert list(validate_submission('lvos', zipped(tmp_path / 'good', tmp_path / 'good.zip'), root / 'LVOS')) == []
    write_label_map(tmp_path / 'good/a/00000006.png', gt['a'][2])
    (tmp_path / 'good/b/00000011.png').unlink()
    problems = list(validate_submission('lvos', zipped(tmp_path / 'good', tmp_path / 'bad.zip'), root / 'LVOS'))
    assert problems == ['a/00000006.png: holds object 5, which begins in frame 00000011.', 'b/00000011.png: missing.']


@pytest.mark.parametrize(
    'content, message',
    [
        (dict(frame_range=dict(start='x', end=3)), "object 1: start of frame_range is 'x'; expected a number"),
        (dict(frame_range=dict(start=400, end=500)), 'object 1: no frame from 400 to 500; the video has 00000001 to'),
        (dict(), 'object 1: no frame_range'),
        ([], 'found .. where a JSON object belongs'),
    ],
)
def test_broken_meta_files_of_lvos_are_named(lvos, content, message):
    root, _, _ = lvos
    path = root / 'LVOS/valid/valid_meta.json'
    path.write_text(json.dumps(dict(videos=dict(b=dict(objects={'1': content})))))
    with pytest.raises(ValueError, match=f'valid_meta.json: video .b.*{message}'):
        PROTOCOLS['lvos'].evaluate(root / 'LVOS', root / 'pred')
