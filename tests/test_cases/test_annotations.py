"""Cases from public reports of bugs, about what labelling tools and scripts write, on its way to YouTube-VIS."""

import base64
import json

import numpy as np
import pycocotools.mask as rle
import pytest
from bad_files import encoded

from mmvos.structures import write_label_map
from mmvos.structures.run_length import encode_mask
from mmvos.structures.youtube_vis import load_youtube_vis


@pytest.fixture
def convert(run, tmp_path):
    """``convert(frames, labels) -> annotation file``, of two frames ``clip/0000N.jpg`` of 100 x 60 pixels."""
    (tmp_path / 'frames/clip').mkdir(parents=True)
    (tmp_path / 'ann/clip').mkdir(parents=True)
    for index in range(2):
        (tmp_path / f'frames/clip/{index:05d}.jpg').write_bytes(encoded(np.zeros((60, 100, 3), np.uint8), 'JPEG'))

    def ended(name='labelme_cvat_to_ytvis', labels='ann', *options):
        code, _, errors = run(name, tmp_path / 'frames', tmp_path / labels, tmp_path / 'out.json', *options)
        assert code == 0, errors
        return load_youtube_vis(tmp_path / 'out.json')

    return ended


def write_labelme(path, *shapes, size=(60, 100)):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = dict(version='5.4.1', shapes=list(shapes), imageHeight=size[0], imageWidth=size[1])
    path.write_text(json.dumps(content))


def track_of(data, name):
    """``areas, bboxes`` of the only track of a category."""
    ids = {category['name']: category['id'] for category in data['categories']}
    (track,) = (a for a in data['annotations'] if a['category_id'] == ids[name])
    return track['areas'], track['bboxes']


def test_04_masks_of_labelmes_ai(convert, tmp_path):
    """A base64 PNG in a box whose corners are part of it."""
    inside = np.ones((20, 20), np.uint8)
    inside[:5, :5] = 0
    mask = base64.b64encode(encoded(inside * 255)).decode()
    for index, left in enumerate((10, 13)):
        shape = dict(label='cube', shape_type='mask', group_id=1, points=[[left, 15], [left + 19, 34]], mask=mask)
        write_labelme(tmp_path / f'ann/clip/{index:05d}.json', shape)
    assert track_of(convert(), 'cube') == ([375, 375], [[10, 15, 20, 20], [13, 15, 20, 20]])


def test_05_rectangles_of_x_anylabeling(convert, tmp_path):
    """Four corners, and turned ones with ``shape_type`` rotation."""
    for index in range(2):
        corners = [[10, 15], [30, 15], [30, 35], [10, 35]]
        turned = [[70, 20], [80, 30], [70, 40], [60, 30]]
        write_labelme(
            tmp_path / f'ann/clip/{index:05d}.json',
            dict(label='cube', shape_type='rectangle', group_id=1, points=corners),
            dict(label='turned', shape_type='rotation', group_id=2, points=turned, direction=0.785),
        )
    data = convert()
    assert track_of(data, 'cube') == ([400, 400], [[10, 15, 20, 20]] * 2)
    areas, boxes = track_of(data, 'turned')
    assert areas == [200, 200] and np.abs(np.subtract(boxes[0], [60, 20, 20, 20])).max() <= 1


def test_06_rotation_in_cvat(convert, tmp_path):
    (tmp_path / 'ann/clip.xml').write_text("""<annotations><version>1.1</version>
<meta><task><original_size><width>100</width><height>60</height></original_size></task></meta>
<track id="0" label="stick">
<box frame="0" outside="0" xtl="20.00" ytl="28.00" xbr="80.00" ybr="32.00" rotation="90.00"></box>
<box frame="1" outside="0" xtl="20.00" ytl="28.00" xbr="80.00" ybr="32.00" rotation="45.00"></box></track>
<track id="1" label="egg"><ellipse frame="0" outside="0" cx="50.00" cy="30.00" rx="28.00" ry="6.00" rotation="90.00"/>
</track></annotations>""")
    data = convert()
    areas, boxes = track_of(data, 'stick')
    assert (areas[0], boxes[0]) == (240, [48, 0, 4, 60])
    assert abs(areas[1] - 240) < 30  # the diagonal, from the upper left to the lower right: turned clockwise
    (stick,) = (a for a in data['annotations'] if a['areas'][1])
    diagonal = rle.decode(stick['segmentations'][1])
    assert diagonal[30 - 18, 50 - 18] and diagonal[30 + 18, 50 + 18] and not diagonal[30 - 18, 50 + 18]
    areas, boxes = track_of(data, 'egg')
    assert abs(areas[0] - np.pi * 28 * 6) < 25 and np.abs(np.subtract(boxes[0], [44, 2, 12, 56])).max() <= 1


@pytest.mark.parametrize('name', ['labelme_cvat_to_ytvis', 'masks_to_ytvis'])
def test_07_sizes_of_photographs_that_are_stored_turned(convert, tmp_path, name):
    for index in range(2):
        stored = encoded(np.zeros((60, 100, 3), np.uint8), 'JPEG', orientation=6)
        (tmp_path / f'frames/clip/{index:05d}.jpg').write_bytes(stored)
        shape = dict(label='cube', shape_type='rectangle', points=[[40, 10], [55, 40]])
        write_labelme(tmp_path / f'ann/clip/{index:05d}.json', shape, size=(100, 60))
        label_map = np.zeros((100, 60), np.uint8)
        label_map[10:40, 40:55] = 1
        write_label_map(tmp_path / f'masks/clip/{index:05d}.png', label_map)
    data = convert(name) if name.startswith('labelme') else convert(name, 'masks', '--category', 'cube')
    assert [(video['width'], video['height']) for video in data['videos']] == [(60, 100)]
    assert track_of(data, 'cube') == ([450, 450], [[40, 10, 15, 30]] * 2)


def test_08_a_byte_order_mark_and_another_encoding(convert, run, tmp_path):
    content = dict(
        shapes=[dict(label='狗', shape_type='rectangle', points=[[10, 15], [30, 35]])], imageHeight=60, imageWidth=100
    )
    text = json.dumps(content, ensure_ascii=False)
    path = tmp_path / 'ann/clip/00000.json'
    path.write_bytes(b'\xef\xbb\xbf' + text.encode())
    assert track_of(convert(), '狗') == ([400, None], [[10, 15, 20, 20], None])
    (tmp_path / 'out.json').unlink()
    path.write_bytes(text.encode('gbk'))
    code, _, errors = run('labelme_cvat_to_ytvis', tmp_path / 'frames', tmp_path / 'ann', tmp_path / 'out.json')
    assert code == 2 and errors.count('\n') == 1 and f'{path}: ' in errors and 'UTF-8' in errors
    assert not (tmp_path / 'out.json').exists()


# annotation files of people's own scripts


def own_file():
    """Two tracks of a video; what YouTube-VIS has, and no more."""
    masks = np.zeros((2, 60, 100), np.uint8)
    masks[0, 5:25, 10:30], masks[1, 30:50, 40:80] = 1, 1
    tracks = [
        dict(id=k + 1, video_id=1, category_id=k + 1, segmentations=[encode_mask(mask), None]) for k, mask in enumerate(masks)
    ]
    video = dict(id=1, width=100, height=60, length=2, file_names=['v/00000.jpg', 'v/00001.jpg'])
    return dict(videos=[video], categories=[dict(id=1, name='a'), dict(id=2, name='b')], annotations=tracks)


@pytest.mark.parametrize('form', ['only masks', 'segmentation', 'given'])
def test_15_what_follows_from_masks_need_not_be_there(tmp_path, form):
    data = own_file()
    for track in data['annotations']:
        if form == 'segmentation':
            track['segmentation'] = track.pop('segmentations')
        if form == 'given':
            track.update(iscrowd=0, areas=[1, None], bboxes=[[0, 0, 1, 1], None])
    (tmp_path / 'gt.json').write_text(json.dumps(data))
    read = load_youtube_vis(tmp_path / 'gt.json')
    assert [track['iscrowd'] for track in read['annotations']] == [0, 0]
    if form != 'given':  # what a file says of itself stays
        assert [track['areas'] for track in read['annotations']] == [[400, None], [800, None]]
        assert [track['bboxes'][0] for track in read['annotations']] == [[10, 5, 20, 20], [40, 30, 40, 20]]


def coco_video(data, leave_out=()):
    """The same in the format of COCO-video: an annotation for each frame, ``track_id``."""
    images = [dict(id=7 + i, video_id=1, frame_id=i, file_name=f'v/{i:05d}.jpg', width=100, height=60) for i in range(2)]
    annotations = [
        dict(id=10 + k, image_id=7, track_id=k, video_id=1, category_id=k + 1, segmentation=track['segmentations'][0], area=1)
        for k, track in enumerate(data['annotations'])
    ]
    for entry in [*images, *annotations]:
        for key in leave_out:
            if not (key == 'video_id' and entry in images):
                entry.pop(key, None)
    return dict(videos=[dict(id=1, name='v')], categories=data['categories'], images=images, annotations=annotations)


@pytest.mark.parametrize('leave_out', [(), ('area',), ('video_id',), ('frame_id',)])
def test_15_the_format_of_coco_video(tmp_path, leave_out):
    (tmp_path / 'gt.json').write_text(json.dumps(coco_video(own_file(), leave_out)))
    read = load_youtube_vis(tmp_path / 'gt.json')
    (video,) = read['videos']
    assert video['file_names'] == ['v/00000.jpg', 'v/00001.jpg'] and len(read['annotations']) == 2
    assert [[m is not None for m in track['segmentations']] for track in read['annotations']] == [[True, False]] * 2


@pytest.mark.parametrize('key', ['video_id', 'category_id'])
def test_15_what_cannot_be_guessed_is_named(run, tmp_path, key):
    data = own_file()
    del data['annotations'][1][key]
    (tmp_path / 'gt.json').write_text(json.dumps(data))
    (tmp_path / 'r.json').write_text('[]')
    command = ('evaluate', 'youtube-vis', '--gt', tmp_path / 'gt.json', '--pred', tmp_path / 'r.json', '--quiet')
    code, _, errors = run(*command)
    assert code == 2 and errors.count('\n') == 1 and 'gt.json' in errors and key in errors
