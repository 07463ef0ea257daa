"""People's own annotations to the format of YouTube-VIS."""

import base64
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pycocotools.mask as rle
import pytest
from video_files import HEIGHT, WIDTH, label_map, write_video

from mmvos.datasets.youtube_vis_writer import YouTubeVISWriter
from mmvos.structures import write_label_map
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.utils.command_line import CommandEnded


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


def png(height, width):
    """A mask of the upper row, as LabelMe stores it."""
    mask = np.zeros((height, width), np.uint8)
    mask[0] = 255
    return base64.b64encode(cv2.imencode('.png', mask)[1].tobytes()).decode()


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
        ('00000', [dict(label='dog', points=[[0, 0]], shape_type='point')], {}, "a 'point' of 1 points is not an area"),
        ('00000', [dict(label='dog', points=box(0, 0, 5, float('nan')))], {}, r'00000\.json: broken JSON \(NaN'),
        (
            '00000',
            [dict(label='dog', points=box(0, 0, 5, 1e9))],
            {},
            r'the point \(5, 1e\+09\) is not in or near the frame of 40x24',
        ),
        ('00000', [dict(label='dog', points=[['a', 0], [1, 1], [2, 2]])], {}, r"00000\.json, shape 'dog': points are \[\['a'"),
        (
            '00000',
            [dict(points=box(0, 0, 5, 5))],
            {},
            r'00000\.json, shape 0: expected a JSON object with "label" and "points"',
        ),
        ('00000', [dict(label='dog', points=[[0, 0], [4, 4]], shape_type='mask', mask='no')], {}, 'its mask is not a picture'),
        (
            '00000',
            [dict(label='dog', points=[[0, 0], [4, 4]], shape_type='mask', mask=png(3, 3))],
            {},
            'mask is 3x3, its box 5x5',
        ),
        ('00000', [], dict(imageWidth=99), r'00000\.json: made for frames of 99x24, but they are 40x24'),
        ('00007', [], {}, "annotates frame '00007', which the video does not have"),
    ],
)
def test_labelme_errors(run, tmp_path, name, shapes, more, says):
    write_labelme(tmp_path / f'labels/a/{name}.json', shapes, **more)
    with pytest.raises(CommandEnded, match=says):
        run('labelme_cvat_to_ytvis')
    assert not (tmp_path / 'out.json').exists()


@pytest.mark.parametrize('content, says', [(b'\xff\xfe', 'not UTF-8'), (b'[1]', 'a list of "shapes"'), (b'{', 'JSON')])
def test_a_file_that_is_not_labelmes_is_named(run, tmp_path, content, says):
    (tmp_path / 'labels/a').mkdir()
    (tmp_path / 'labels/a/00000.json').write_bytes(content)
    with pytest.raises(CommandEnded, match=rf'00000\.json.*{says}'):
        run('labelme_cvat_to_ytvis')


def test_masks_of_labelme_and_the_rectangles_of_x_anylabeling(run, tmp_path):
    shapes = [
        dict(label='mask', points=[[4, 6], [8, 9]], shape_type='mask', mask=png(4, 5)),  # the corners are inside
        dict(label='outside', points=[[38, 6], [42, 9]], shape_type='mask', mask=png(4, 5)),
        dict(label='corners', points=box(10, 2, 16, 8), shape_type='rectangle'),
        dict(label='turned', points=[[20, 10], [25, 5], [30, 10], [25, 15]], shape_type='rotation'),
    ]
    write_labelme(tmp_path / 'labels/a/00000.json', shapes)
    data = run('labelme_cvat_to_ytvis')
    np.testing.assert_array_equal(masks_of(data, 'mask')[0], label_map(o1=(4, 6, 9, 7)))
    np.testing.assert_array_equal(masks_of(data, 'outside')[0], label_map(o1=(38, 6, 40, 7)))
    np.testing.assert_array_equal(masks_of(data, 'corners')[0], label_map(o1=(10, 2, 16, 8)))
    assert masks_of(data, 'turned')[0].sum() == 50


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
        ('cx="20"', 'cx="abc"', r"a\.xml, track 2, <ellipse>: cx: 'abc' is not a number"),
        ('cx="20"', 'cx="nan"', "cx: 'nan' is not a number"),
        ('frame="2"', '', 'track 1: frame: None is not a number'),
        ('points="0,0;5,0;5,5;0,5"', 'points="0,0;5,0;5,1e12;0,5"', r'the point \(5, 1e\+12\) is not in or near the frame'),
        ('points="0,0;5,0;5,5;0,5"', 'points="0,0;5;5,5"', r'a\.xml, track 0, <polygon>: points are'),
        ('width="3"\nheight="2"', 'width="100000"\nheight="100000"', 'a mask of 100000x100000 pixels in a frame of 40x24'),
        ('rle="1, 2, 3"', 'rle="1, -2, 7"', 'a mask of 3x2 pixels'),
        ('left="4"', 'left="-99999"', r'begins at \(-99999, 6\) .*outside the frame'),
        ('<track id="0" label="dog">', '<track id="0">', 'track 0: <track> has no label'),
    ],
)
def test_cvat_errors(run, tmp_path, old, new, says):
    assert old in CVAT_VIDEO
    (tmp_path / 'labels/a.xml').write_text(CVAT_VIDEO.replace(old, new))
    with pytest.raises(CommandEnded, match=says):
        run('labelme_cvat_to_ytvis')


def test_turned_shapes_of_cvat_and_masks_over_the_border(run, tmp_path):
    (tmp_path / 'labels/a.xml').write_text(
        '<annotations><track id="0" label="stick"><box frame="0" xtl="10" ytl="11" xbr="30" ybr="13" rotation="90.0"/>'
        '<box frame="1" xtl="10" ytl="11" xbr="30" ybr="13" rotation="30"/></track>'
        '<track id="1" label="egg"><ellipse frame="0" cx="20" cy="12" rx="10" ry="3" rotation="90"/></track>'
        '<track id="2" label="edge"><mask frame="0" rle="0,12" left="-2" top="22" width="4" height="3"/></track></annotations>'
    )
    data = run('labelme_cvat_to_ytvis')
    stick = masks_of(data, 'stick')
    np.testing.assert_array_equal(stick[0], label_map(o1=(19, 2, 21, 22)))
    rows, columns = np.nonzero(stick[1])
    assert abs(int(stick[1].sum()) - 40) <= 6 and np.corrcoef(rows, columns)[0, 1] > 0.9  # clockwise: down to the right
    egg = masks_of(data, 'egg')[0]
    assert np.flatnonzero(egg.any(0))[[0, -1]].tolist() == [17, 22] and np.flatnonzero(egg.any(1))[[0, -1]].tolist() == [2, 21]
    np.testing.assert_array_equal(masks_of(data, 'edge')[0], label_map(o1=(0, 22, 2, 24)))


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
