"""Benchmarks that were added to the table of protocols: what counts, by hand."""

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
