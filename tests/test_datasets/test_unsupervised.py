"""FBMS-59, YouTube-Objects, SegTrack v2 and the saliency sets, each on a tiny folder in its own layout."""

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from unsupervised_files import SHAPE, box, build, frame, save

from mmvos.datasets.fbms import read_definition

# FBMS-59


def definition(regions, total, labelled, newline='\n'):
    lines = ['Total number of regions:', len(regions), '']
    for k, value in enumerate(regions):
        lines += [f'Scale of region {k}:', value]
    lines += [
        'Confusion penalty matrix:',
        *(' '.join('1' * len(regions)) for _ in regions),
        'Total number of frames in this shot:',
        total,
        'Total number of labeled frames for this shot:',
        len(labelled),
    ]
    for position, name in labelled:
        lines += ['Frame number:', position, 'File name:', name, 'Input file name:', name.replace('pgm', 'ppm')]
    return newline.join(str(line) for line in lines) + newline


@pytest.fixture
def fbms(tmp_path):
    """A newer sequence (colours, 4-digit names, uncertainty maps) and an older one with a background region of its
    own."""
    new, old = tmp_path / 'Testset' / 'camel01', tmp_path / 'Testset' / 'marple7'
    for i in range(5):
        save(new / f'camel01_{i + 1:04d}.jpg', frame(i))
        save(old / f'marple7_{i:02d}.jpg', frame(10 + i))
    colours = np.full((*SHAPE, 3), 255, np.uint8)
    colours[box(2, 3, 5, 6)] = (0, 0, 255)  # BGR: red
    colours[box(10, 3, 4, 6)] = (0, 200, 10)
    colours[0, 0] = (1, 2, 3)  # not listed
    for position in (0, 4):
        save(new / 'GroundTruth' / f'camel01_{position + 1:04d}_gt.ppm', colours)
        save(new / 'GroundTruth' / f'camel01_{position + 1:04d}PROB_gt.ppm', np.zeros_like(colours))
    (new / 'GroundTruth' / 'camel01Def.dat').write_bytes(
        definition(
            [255 * 65536 + 255 * 256 + 255, 255 * 65536, 10 * 65536 + 200 * 256],
            5,
            [(0, 'camel01_0001_gt.ppm'), (4, 'camel01_0005_gt.ppm')],
            '\r\n',
        ).encode()
    )
    grey = np.zeros(SHAPE, np.uint8)
    grey[box(1, 1, 3, 4)], grey[box(8, 8, 5, 5)] = 100, 200
    save(old / 'GroundTruth' / 'marple7_02.pgm', grey)
    (old / 'GroundTruth' / 'marple7Def.dat').write_text(definition([0, 100, 200], 5, [(2, 'elsewhere.pgm')]))
    (tmp_path / 'Testset' / 'camel01' / 'camel01.bmf').write_text('5 1\n')
    return tmp_path


def test_fbms_regions_and_sparse_masks(fbms):
    dataset = build(type='FBMSDataset', data_root=str(fbms), split='test')
    camel, marple = (dataset.get_data_info(i) for i in range(2))
    assert [camel['video_id'], marple['video_id']] == ['camel01', 'marple7']
    assert len(camel['frames']) == 5 and sorted(camel['annotations']) == [0, 4] and not camel['prompts']
    np.testing.assert_array_equal(camel['annotations'][4].read(), box(2, 3, 5, 6) | box(10, 3, 4, 6))
    assert sorted(marple['annotations']) == [2]
    np.testing.assert_array_equal(marple['annotations'][2].read(), box(1, 1, 3, 4))  # region 2 of marple7 is background


def test_fbms_keeps_regions_apart_where_asked(fbms):
    dataset = build(type='FBMSDataset', data_root=str(fbms), split='test', merge=False, background_regions={})
    label_map = dataset.get_data_info(0)['annotations'][0].read()
    np.testing.assert_array_equal(label_map, box(2, 3, 5, 6) + 2 * box(10, 3, 4, 6))
    assert set(np.unique(dataset.get_data_info(1)['annotations'][2].read())) == {0, 1, 2}


def test_fbms_train_folder_has_two_names_and_its_absence_is_named(fbms):
    with pytest.raises(FileNotFoundError, match='Trainingset'):
        build(type='FBMSDataset', data_root=str(fbms), split='train')
    (fbms / 'Testset').rename(fbms / 'Trainset')
    assert len(build(type='FBMSDataset', data_root=str(fbms), split='train')) == 2


@pytest.mark.parametrize(
    'text, message',
    [
        ('nonsense', 'cannot be read'),
        (
            'Total number of regions:\n3\nScale of region 0:\n0\nTotal number of frames in this shot:\n2\nFrame number:\n0\n'
            'File name:\na.pgm\n',
            '3 regions announced and 1 given',
        ),
    ],
)
def test_fbms_broken_definition_is_named(tmp_path, text, message):
    path = tmp_path / 'catsDef.dat'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_definition(str(path))
    assert 'catsDef.dat' in str(error.value)


def test_fbms_missing_ground_truth_is_named(fbms):
    (fbms / 'Testset' / 'marple7' / 'GroundTruth' / 'marple7_02.pgm').unlink()
    with pytest.raises(FileNotFoundError, match='elsewhere.pgm'):
        build(type='FBMSDataset', data_root=str(fbms), split='test')


# YouTube-Objects


@pytest.fixture(params=['', 'images'], ids=['v1.0', 'nested'])
def youtube_objects(tmp_path, request):
    for category, video, shot, labels in (
        ('cat', '0001', '001', (1, 11)),
        ('cat', '0002', '003', (2, 12)),
        ('cow', '0019', '001', (5,)),
    ):
        for number in range(1, 13):
            folder = tmp_path / 'images' / category / 'data' / video / 'shots' / shot / request.param
            save(folder / f'frame{number:04d}.jpg', frame(number, (40, 60)))
        for number in labels:
            mask = cv2.GaussianBlur(box(5, 5, 8, 9).astype(np.uint8) * 255, (3, 3), 0)  # soft, and half the size
            labels_folder = tmp_path / 'youtube_masks' / category / 'data' / video / 'shots' / shot / 'labels'
            save(labels_folder / f'{number:05d}.jpg', mask)
    return tmp_path


def test_youtube_objects_groups_and_labels(youtube_objects):
    dataset = build(type='YouTubeObjectsDataset', data_root=str(youtube_objects))
    videos = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [(v['video_id'], v['group']) for v in videos] == [
        ('cat_0001_001', 'cat'),
        ('cat_0002_003', 'cat'),
        ('cow_0019_001', 'cow'),
    ]
    assert sorted(videos[1]['annotations']) == [1, 11] and len(videos[1]['frames']) == 12
    label_map = videos[0]['annotations'][0].read()
    assert label_map.shape == SHAPE and set(np.unique(label_map)) == {0, 1}
    assert abs(int(label_map.sum()) - 72) <= 4
    assert len(build(type='YouTubeObjectsDataset', data_root=str(youtube_objects), min_labels=2)) == 2


def test_youtube_objects_label_without_frame_is_named(youtube_objects):
    save(youtube_objects / 'youtube_masks/cat/data/0001/shots/001/labels/00021.jpg', box(1, 1, 2, 2) * np.uint8(255))
    with pytest.raises(FileNotFoundError, match='frame0021.jpg'):
        build(type='YouTubeObjectsDataset', data_root=str(youtube_objects))


def test_youtube_objects_are_scored_at_the_size_of_the_labels_and_by_class(youtube_objects):
    from mmvos.evaluation.metrics import MeanIoUMetric

    dataset = build(type='YouTubeObjectsDataset', data_root=str(youtube_objects))
    metric = MeanIoUMetric()
    for i in range(len(dataset)):
        video = dataset[i]['inputs']
        for t in range(len(video)):
            right = (
                np.kron(video.metainfo['annotations'][t].read(), np.ones((2, 2), np.uint8))
                if (t in video.metainfo['annotations'] and i != 2)
                else np.zeros((40, 60), np.uint8)
            )
            metric.process(
                None,
                [
                    dict(
                        video_id=video.video_id,
                        frame_index=t,
                        frame_name=str(t),
                        is_last=t == len(video) - 1,
                        num_frames=len(video),
                        pred_label_map=right,
                        object_ids=[1],
                        group=video.metainfo['group'],
                        annotation=video.metainfo['annotations'].get(t),
                        eval_frames=video.metainfo.get('eval_frames'),
                    )
                ],
            )
    metrics = metric.evaluate(len(dataset))
    assert metrics['class_mean'] == pytest.approx(0.5) and metrics['video_mean'] == pytest.approx(2 / 3)


# SegTrack v2


@pytest.fixture
def segtrack(tmp_path):
    (tmp_path / 'ImageSets').mkdir()
    (tmp_path / 'ImageSets' / 'all.txt').write_text('*birdfall\n*cheetah\n')
    (tmp_path / 'ImageSets' / 'birdfall.txt').write_text('birdfall\nbirdfall2_00018\nbirdfall2_00019\n')
    (tmp_path / 'ImageSets' / 'cheetah.txt').write_text('cheetah\n0001\n0002\n')

    def rgb(mask, value=255):
        return np.repeat((mask * np.uint8(value))[..., None], 3, 2)

    for i in (18, 19, 20):  # one more than is listed
        save(tmp_path / 'JPEGImages' / 'birdfall' / f'birdfall2_{i:05d}.png', frame(i))
    (tmp_path / 'JPEGImages' / 'birdfall' / 'Thumbs.db').write_bytes(b'x')
    for i in (18, 19):
        save(
            tmp_path / 'GroundTruth' / 'birdfall' / f'birdfall2_{i:05d}.png',
            np.maximum(rgb(box(2, 2, 4, 4)), rgb(box(10, 10, 4, 4), 90)),
        )
    for i in (1, 2):
        save(tmp_path / 'JPEGImages' / 'cheetah' / f'{i:04d}.bmp', frame(i))
        save(tmp_path / 'GroundTruth' / 'cheetah' / '1' / f'{i:04d}.bmp', rgb(box(0, 0, 5, 5)))
        save(tmp_path / 'GroundTruth' / 'cheetah' / '2' / f'{i:04d}.png', rgb(box(10, 10, 5, 5)))
    return tmp_path


def test_segtrack_unions_and_objects(segtrack):
    bird, cheetah = (build(type='SegTrackV2Dataset', data_root=str(segtrack)).get_data_info(i) for i in range(2))
    assert bird['video_id'] == 'birdfall' and len(bird['frames']) == 2
    np.testing.assert_array_equal(bird['annotations'][1].read(), box(2, 2, 4, 4))  # 90 is a soft edge
    np.testing.assert_array_equal(cheetah['annotations'][0].read(), box(0, 0, 5, 5) | box(10, 10, 5, 5))
    each = build(type='SegTrackV2Dataset', data_root=str(segtrack), merge=False, first_mask_prompt=True)
    np.testing.assert_array_equal(each.get_data_info(1)['annotations'][1].read(), box(0, 0, 5, 5) + 2 * box(10, 10, 5, 5))
    assert sorted(np.unique(each[1]['inputs'].prompts[0])) == [0, 1, 2]


def test_segtrack_missing_mask_is_named(segtrack):
    (segtrack / 'GroundTruth' / 'cheetah' / '2' / '0002.png').unlink()
    with pytest.raises(FileNotFoundError, match='cheetah/0002'):
        build(type='SegTrackV2Dataset', data_root=str(segtrack))


# The flat layout


@pytest.mark.parametrize('youtube_objects', [''], indirect=True)
def test_flat_layout_holds_the_same(youtube_objects, tmp_path, monkeypatch):
    tool = Path(__file__).parents[2] / 'tools' / 'dataset_converters' / 'unsupervised_to_flat.py'
    out = tmp_path / 'flat'
    monkeypatch.setattr(sys, 'argv', [str(tool), 'youtube_objects', str(youtube_objects), str(out), '--link'])
    runpy.run_path(str(tool), run_name='__main__')
    flat = build(type='YouTubeObjectsDataset', data_root=str(out), layout='flat')
    own = build(type='YouTubeObjectsDataset', data_root=str(youtube_objects))
    for i in range(3):
        a, b = flat.get_data_info(i), own.get_data_info(i)
        assert a['video_id'] == b['video_id'] and a['group'] == b['group'] and len(a['frames']) == len(b['frames'])
        assert sorted(a['annotations']) == sorted(b['annotations'])
        for t, source in a['annotations'].items():
            np.testing.assert_array_equal(source.read(), b['annotations'][t].read())
