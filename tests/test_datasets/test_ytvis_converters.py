"""People's own annotations to the format of YouTube-VIS."""

import json
import sys
from pathlib import Path

import numpy as np
import pycocotools.mask as rle
import pytest
from video_files import HEIGHT, WIDTH, label_map, write_video

from mmvos.datasets.youtube_vis_writer import YouTubeVISWriter
from mmvos.structures import write_label_map
from mmvos.structures.youtube_vis import load_youtube_vis


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a converter on ``tmp_path/frames`` and ``tmp_path/labels``; returns the annotation file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / 'tools/dataset_converters'))
    write_video(tmp_path / 'frames/a', 3)
    (tmp_path / 'labels').mkdir()

    def call(name, *options):
        out = tmp_path / 'out.json'
        monkeypatch.setattr(sys, 'argv', [name, str(tmp_path / 'frames'), str(tmp_path / 'labels'), str(out), *options])
        __import__(name).main()
        return load_youtube_vis(str(out))

    return call


def masks_of(data, category):
    """Decoded masks of the only instance of a category; None where it has none."""
    ids = {c['name']: c['id'] for c in data['categories']}
    (found,) = [a for a in data['annotations'] if a['category_id'] == ids[category]]
    return [None if s is None else rle.decode(s) for s in found['segmentations']]


# label maps


@pytest.mark.parametrize(
    'table',
    [
        {'a': {'1': 'dog', '4': 'cat'}},
        {'1': 'dog', '4': 'cat'},
        {'videos': {'a': {'objects': {'1': {'category': 'dog', 'frames': []}, '4': {'category': 'cat'}}}}},
    ],
)
def test_label_maps_with_each_form_of_categories(run, tmp_path, table):
    first, last = label_map(o1=(0, 0, 5, 5)), label_map(o1=(3, 0, 8, 5), o4=(20, 4, 30, 9))
    write_label_map(tmp_path / 'labels/a/00000.png', first)
    write_label_map(tmp_path / 'labels/a/00002.png', last)
    (tmp_path / 'names.json').write_text(json.dumps(table))
    data = run('masks_to_ytvis', '--categories', str(tmp_path / 'names.json'))
    assert [c['name'] for c in data['categories']] == ['cat', 'dog']
    dog, cat = masks_of(data, 'dog'), masks_of(data, 'cat')
    np.testing.assert_array_equal(dog[0], first == 1)
    np.testing.assert_array_equal(dog[2], last == 1)
    assert dog[1] is None and cat[0] is None and cat[2].sum() == 50
    track = [a for a in data['annotations'] if a['category_id'] == 1][0]
    assert track['bboxes'] == [None, None, [20, 4, 10, 5]] and track['areas'] == [None, None, 50]
    assert data['videos'][0]['file_names'] == ['a/00000.jpg', 'a/00001.jpg', 'a/00002.jpg']


def test_classes_fix_the_ids(run, tmp_path):
    write_label_map(tmp_path / 'labels/a/00000.png', label_map(o3=(0, 0, 5, 5)))
    data = run('masks_to_ytvis', '--category', 'dog', '--classes', 'zebra', 'dog')
    assert data['annotations'][0]['category_id'] == 2


def test_label_map_errors(run, tmp_path):
    write_label_map(tmp_path / 'labels/a/00000.png', label_map(o1=(0, 0, 5, 5)))
    (tmp_path / 'names.json').write_text('{"a": {"2": "dog"}}')
    with pytest.raises(SystemExit, match="object 1 of video 'a' has no category"):
        run('masks_to_ytvis', '--categories', str(tmp_path / 'names.json'))
    (tmp_path / 'names.json').write_text('{"a": {')
    with pytest.raises(SystemExit, match=r'names\.json: broken JSON'):
        run('masks_to_ytvis', '--categories', str(tmp_path / 'names.json'))
    with pytest.raises(SystemExit, match="the category 'dog'; expected one of: cat"):
        run('masks_to_ytvis', '--category', 'dog', '--classes', 'cat')
    write_label_map(tmp_path / 'labels/a/00001.png', label_map(o1=(0, 0, 5, 5))[:, 1:])
    with pytest.raises(SystemExit, match=r'00001\.png: the mask is 39x24'):
        run('masks_to_ytvis', '--category', 'dog')
    assert masks_of(run('masks_to_ytvis', '--category', 'dog', '--resize-masks'), 'dog')[1].shape == (HEIGHT, WIDTH)
    write_label_map(tmp_path / 'labels/a/00009.png', label_map(o1=(0, 0, 5, 5)))
    with pytest.raises(SystemExit, match=r'00009\.jpg: frame not found'):
        run('masks_to_ytvis', '--category', 'dog')


# LabelMe


def write_labelme(path, shapes, **more):
    path.parent.mkdir(exist_ok=True)
    shapes = [dict(dict(shape_type='polygon', group_id=None), **shape) for shape in shapes]
    path.write_text(json.dumps(dict(dict(shapes=shapes, imageHeight=HEIGHT, imageWidth=WIDTH), **more)))


def box(x1, y1, x2, y2):
    return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]


def test_labelme(run, tmp_path):
    folder = tmp_path / 'labels/a'
    write_labelme(
        folder / '00000.json',
        [
            dict(label='dog', group_id=1, points=box(0, 0, 5, 5)),
            dict(label='dog', group_id=1, points=box(10, 0, 15, 5)),
            dict(label='dog', group_id=2, points=box(20, 10, 26, 20)),
            dict(label='ball', points=[[30, 2], [36, 8]], shape_type='rectangle'),
        ],
    )
    write_labelme(
        folder / '00002.json',
        [
            dict(label='dog', group_id=2, points=box(22, 10, 28, 20)),
            dict(label='ball', points=[[20, 12], [25, 12]], shape_type='circle'),
        ],
    )
    data = run('labelme_cvat_to_ytvis')
    assert [c['name'] for c in data['categories']] == ['ball', 'dog']
    ball = masks_of(data, 'ball')
    np.testing.assert_array_equal(ball[0], label_map(o1=(30, 2, 36, 8)))
    assert ball[1] is None and abs(int(ball[2].sum()) - np.pi * 25) < 8
    dogs = [a for a in data['annotations'] if a['category_id'] == 2]
    assert [[a is not None for a in d['areas']] for d in dogs] == [[True, False, False], [True, False, True]]
    np.testing.assert_array_equal(
        rle.decode(dogs[0]['segmentations'][0]), label_map(o1=(0, 0, 5, 5)) | label_map(o1=(10, 0, 15, 5))
    )


@pytest.mark.parametrize(
    'name, shapes, more, says',
    [
        ('00000', [dict(label='dog', points=box(0, 0, 5, 5))] * 2, {}, r"00000\.json: two shapes 'dog' without group_id"),
        ('00000', [dict(label='dog', points=[[0, 0], [5, 5]])], {}, 'a polygon with 2 points'),
        ('00000', [dict(label='dog', points=[[0, 0]], shape_type='point')], {}, "type 'point' are not areas"),
        ('00000', [], dict(imageWidth=99), r'00000\.json: made for frames of 99x24, but they are 40x24'),
        ('00007', [], {}, "annotates frame '00007', which the video does not have"),
    ],
)
def test_labelme_errors(run, tmp_path, name, shapes, more, says):
    write_labelme(tmp_path / f'labels/a/{name}.json', shapes, **more)
    with pytest.raises(ValueError, match=says):
        run('labelme_cvat_to_ytvis')


# CVAT

CVAT_VIDEO = """<annotations><version>1.1</version><meta><task><original_size><width>40</width><height>24</height>
</original_size></task></meta>
<track id="0" label="dog"><polygon frame="0" outside="0" points="0,0;5,0;5,5;0,5"/>
<polygon frame="1" outside="1" points="0,0;5,0;5,5;0,5"/></track>
<track id="1" label="dog"><box frame="2" outside="0" xtl="20" ytl="10" xbr="26" ybr="20"><attribute
name="x"/></box></track> <track id="2" label="ball"><mask frame="0" outside="0" rle="1, 2, 3" left="4" top="6" width="3"
height="2"/> <ellipse frame="1" outside="0" cx="20" cy="12" rx="6" ry="4"/></track></annotations>"""


def test_cvat_for_video(run, tmp_path):
    (tmp_path / 'labels/a.xml').write_text(CVAT_VIDEO)
    data = run('labelme_cvat_to_ytvis')
    ball = masks_of(data, 'ball')
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[6, 5:7] = 1
    np.testing.assert_array_equal(ball[0], expected)
    assert abs(int(ball[1].sum()) - np.pi * 24) < 8
    dogs = [a for a in data['annotations'] if a['category_id'] == 2]
    assert [[a is not None for a in d['areas']] for d in dogs] == [[True, False, False], [False, False, True]]
    np.testing.assert_array_equal(rle.decode(dogs[1]['segmentations'][2]), label_map(o1=(20, 10, 26, 20)))


def test_cvat_for_images(run, tmp_path):
    (tmp_path / 'labels/a.xml').write_text(
        '<annotations><image id="0" name="a/00001.jpg" width="40" height="24"><tag label="x"/>'
        '<polygon label="dog" group_id="4" points="0,0;5,0;5,5;0,5"/></image></annotations>'
    )
    assert masks_of(run('labelme_cvat_to_ytvis'), 'dog')[1].sum() == 25


@pytest.mark.parametrize(
    'old, new, says',
    [
        ('</annotations>', '', 'broken XML'),
        ('<width>40', '<width>44', 'made for frames of 44x24'),
        ('frame="2"', 'frame="3"', 'track 1 has frame 3, but the video has 3 frames'),
        ('rle="1, 2, 3"', 'rle="1, 2"', 'runs of a mask add up to 3, its box has 6'),
        ('<ellipse', '<points', '<points> is not an area'),
    ],
)
def test_cvat_errors(run, tmp_path, old, new, says):
    (tmp_path / 'labels/a.xml').write_text(CVAT_VIDEO.replace(old, new))
    with pytest.raises(ValueError, match=says):
        run('labelme_cvat_to_ytvis')


def test_nothing_to_convert(run):
    with pytest.raises(SystemExit, match='no <video>/<frame>.json or <video>.xml'):
        run('labelme_cvat_to_ytvis')


def test_writer_checks_its_input():
    with pytest.raises(ValueError, match="'dog' occurs twice"):
        YouTubeVISWriter(['dog', 'dog'])
    writer = YouTubeVISWriter(['dog'])
    with pytest.raises(ValueError, match='1 label maps for 2 frames'):
        writer.add_video(['v/0.jpg', 'v/1.jpg'], (HEIGHT, WIDTH), [label_map()], {})
    with pytest.raises(ValueError, match='the label map is 40x24, the video is 40x25'):
        writer.add_video(['v/0.jpg'], (HEIGHT + 1, WIDTH), [label_map()], {})
    assert not writer.videos
