import base64
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as rle

from mmvos.datasets import FolderDataset
from mmvos.exports import EXPORTS, make_export
from mmvos.exports.annotation_tools import runs
from mmvos.exports.base import ExportInfo
from mmvos.structures import InputError, read_label_map
from mmvos.videos import LabelSource, open_video

SIZE = (40, 60)
INFO = ExportInfo('clip', SIZE, 4, fps=10.0, names={1: 'dog', 7: 'person'})


def frames():
    for index in range(4):
        frame = np.full((*SIZE, 3), 40 + 20 * index, np.uint8)
        label_map = np.zeros(SIZE, np.uint8)
        label_map[5:20, 5 + index : 25 + index] = 1
        label_map[10:12, 10 + index : 12 + index] = 0  # a hole
        if index != 2:
            label_map[25:40, 30:60] = 7
        yield index, f'{index:05d}', frame, label_map


def export(name, path):
    with make_export(name, path, INFO) as out:
        for one in frames():
            out.write(*one)


def target(name, folder):
    cls = EXPORTS[name]
    return folder / name if cls.is_folder else folder / f'out{cls.suffix}'


@pytest.mark.parametrize('name', sorted(EXPORTS))
def test_an_error_leaves_nothing_under_a_final_file_name(name, tmp_path):
    with pytest.raises(RuntimeError, match='stop'), make_export(name, target(name, tmp_path), INFO) as out:
        out.write(*next(frames()))
        raise RuntimeError('stop')
    if not EXPORTS[name].is_folder:
        assert list(tmp_path.iterdir()) == []


def test_masks_read_back(tmp_path):
    export('masks', tmp_path / 'm')
    for _, name, _, label_map in frames():
        assert np.array_equal(read_label_map(tmp_path / 'm' / f'{name}.png'), label_map)


def test_youtube_vis_codes_are_the_masks(tmp_path):
    export('youtube-vis', tmp_path / 'o.json')
    content = json.loads((tmp_path / 'o.json').read_text())
    assert [c['name'] for c in content['categories']] == ['dog', 'person']
    assert content['videos'][0]['file_names'] == [f'clip/{i:05d}.jpg' for i in range(4)]
    first, second = content['annotations']
    assert (first['object_id'], second['object_id']) == (1, 7)
    assert second['segmentations'][2] is None
    for index, _, _, label_map in frames():
        assert np.array_equal(rle.decode(first['segmentations'][index]) == 1, label_map == 1)
        assert first['areas'][index] == (label_map == 1).sum()


def test_coco_has_an_image_per_frame_and_ids_as_tracks(tmp_path):
    export('coco', tmp_path / 'o.json')
    content = json.loads((tmp_path / 'o.json').read_text())
    assert [image['frame_id'] for image in content['images']] == [0, 1, 2, 3]
    assert [(a['image_id'], a['track_id']) for a in content['annotations']] == [
        (1, 1),
        (1, 7),
        (2, 1),
        (2, 7),
        (3, 1),
        (4, 1),
        (4, 7),
    ]
    maps = {index + 1: label_map for index, _, _, label_map in frames()}
    for annotation in content['annotations']:
        mask = rle.decode(annotation['segmentation']) == 1
        assert np.array_equal(mask, maps[annotation['image_id']] == annotation['track_id'])


def test_labelme_masks_are_exact(tmp_path):
    export('labelme', tmp_path / 'o')
    for _, name, _, label_map in frames():
        content = json.loads((tmp_path / 'o' / f'{name}.json').read_text())
        found = np.zeros(SIZE, np.uint8)
        for shape in content['shapes']:
            (left, top), (right, bottom) = shape['points']
            png = np.frombuffer(base64.b64decode(shape['mask']), np.uint8)
            crop = cv2.imdecode(png, cv2.IMREAD_GRAYSCALE) > 0
            found[top : bottom + 1, left : right + 1][crop] = shape['group_id']
        assert np.array_equal(found, label_map)
        assert (tmp_path / 'o' / content['imagePath']).exists()


def test_cvat_tracks_are_exact_and_end_where_an_object_is_hidden(tmp_path):
    export('cvat', tmp_path / 'o.xml')
    root = ElementTree.parse(tmp_path / 'o.xml').getroot()
    tracks = {track.get('label'): list(track) for track in root.findall('track')}
    assert [(s.get('frame'), s.get('outside')) for s in tracks['person']] == [('0', '0'), ('1', '0'), ('2', '1'), ('3', '0')]
    for shape in tracks['dog']:
        left, top, width, height = (int(shape.get(key)) for key in ('left', 'top', 'width', 'height'))
        lengths = [int(v) for v in shape.get('rle').split(',')]
        assert sum(lengths) == width * height
        values = np.repeat(np.arange(len(lengths)) % 2, lengths).reshape(height, width)
        truth = list(frames())[int(shape.get('frame'))][3] == 1
        found = np.zeros(SIZE, bool)
        found[top : top + height, left : left + width] = values == 1
        assert np.array_equal(found, truth)


@pytest.mark.parametrize(
    ('mask', 'expected'), [([[1, 1]], [0, 2]), ([[0, 1], [1, 0]], [1, 2, 1]), ([[0, 0]], [2]), ([[1, 0, 1]], [0, 1, 1, 1])]
)
def test_runs_begin_with_background(mask, expected):
    assert runs(np.array(mask, bool)) == expected


@pytest.mark.parametrize(('name', 'width'), [('overlay', 60), ('side-by-side', 120), ('green-screen', 60)])
def test_videos_play(name, width, tmp_path):
    export(name, tmp_path / 'o.mp4')
    video = open_video(tmp_path / 'o.mp4')
    read = [frame for _, frame in video]
    assert len(read) == 4
    assert read[0].shape == (40, width, 3)
    if name == 'green-screen':
        assert np.abs(read[0][30, 5].astype(int) - (0, 255, 0)).max() < 40


def test_cutouts_are_transparent_outside(tmp_path):
    export('cutouts', tmp_path / 'o')
    picture = cv2.imread(str(tmp_path / 'o' / '007' / '00000.png'), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (40, 60, 4)
    assert picture[0, 0, 3] == 0
    assert picture[35, 45, 3] == 255
    assert not (tmp_path / 'o' / '007' / '00002.png').exists()


def test_training_folders_hold_the_frames_with_an_object(tmp_path):
    with make_export('training', tmp_path / 'o', INFO) as out:
        for index, name, frame, label_map in frames():
            out.write(index, name, frame, label_map * (index != 1))
    dataset = FolderDataset(data_root=str(tmp_path / 'o'), data_prefix=dict(img='JPEGImages/480p', ann='Annotations/480p'))
    (video,) = dataset.load_data_list()
    assert [Path(path).stem for path in video['frames']] == ['00000', '00002', '00003']
    truth = [label_map for index, _, _, label_map in frames() if index != 1]
    assert all(np.array_equal(LabelSource.of(video['annotations'][i]).read(), truth[i]) for i in range(3))


def test_wrong_names_are_one_line(tmp_path):
    with pytest.raises(InputError, match='expected one of .*coco'):
        make_export('cocoo', tmp_path / 'o', INFO)
    with pytest.raises(InputError, match='ends with .json'):
        make_export('coco', tmp_path / 'o.txt', INFO)
