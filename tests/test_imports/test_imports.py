import json
from base64 import b64encode

import numpy as np
import pytest
from bad_files import huge_png

from mmvos.exports import make_export
from mmvos.exports.base import ExportInfo
from mmvos.imports import open_annotations
from mmvos.interaction import Project, label_map_of, load_annotations
from mmvos.structures import InputError, MissingFileError, write_label_map
from mmvos.videos import FrameArrays, write_image

SIZE = (40, 60)
FRAMES = 4
#: gaps in the ids, a hole, a hidden object, an empty frame
MAPS = []
for _index in range(FRAMES):
    _label_map = np.zeros(SIZE, np.uint8)
    if _index < 3:
        _label_map[5:20, 5 + _index : 25 + _index] = 1
        _label_map[10:12, 10 + _index : 12 + _index] = 0
    if _index not in (2, 3):
        _label_map[25:40, 30:60] = 7
    MAPS.append(_label_map)
NAMES = {1: 'dog', 7: 'person'}


@pytest.fixture
def video():
    return FrameArrays([np.full((*SIZE, 3), 40 + i, np.uint8) for i in range(FRAMES)], video_id='clip')


def no_network(_):
    raise AssertionError('an outline needs no network')


def label_maps(annotations):
    """Label map of every frame."""
    return [
        label_map_of(annotations.prompts(i, SIZE), SIZE, no_network) if i in annotations.marks else np.zeros(SIZE, np.uint8)
        for i in range(FRAMES)
    ]


def write(name, path, video):
    with make_export(name, path, ExportInfo('clip', SIZE, FRAMES, names=NAMES)) as export:
        for index, frame in video:
            export.write(index, video.frame_names[index], frame, MAPS[index])
    return path


@pytest.mark.parametrize(('name', 'file'), [('cvat', 'o.xml'), ('labelme', 'o'), ('masks', 'o')])
def test_what_is_exported_reads_back_to_the_same_masks(name, file, video, tmp_path):
    annotations = open_annotations(write(name, tmp_path / file, video), video)
    assert all(np.array_equal(*pair) for pair in zip(label_maps(annotations), MAPS, strict=True))
    assert annotations.names == (NAMES if name != 'masks' else {1: 'object 1', 7: 'object 7'})
    assert annotations.introduced() == {0: {1, 7}}


def cvat(tmp_path, text):
    (tmp_path / 'cvat.xml').write_text(f'<annotations><version>1.1</version>{text}</annotations>')
    return tmp_path / 'cvat.xml'


def test_a_file_of_cvat_itself(video, tmp_path):
    """Tracks from 0, an object that leaves, shapes above others, a box, a click, a stroke."""
    path = cvat(
        tmp_path,
        """<track id="0" label="car"><polygon frame="1" outside="0" points="10.0,10.0;30.0,10.0;30.0,20.0;10.0,20.0"
             z_order="1"><attribute name="colour">red</attribute></polygon>
           <polygon frame="2" outside="1" points="10.0,10.0;30.0,10.0;30.0,20.0" z_order="1"/></track>
           <track id="1" label="car"><mask frame="1" rle="0, 6" left="28" top="10" width="3" height="2"/></track>
           <track id="2" label="dog"><box frame="3" outside="0" xtl="1" ytl="2" xbr="9" ybr="8.5"/></track>
           <track id="3" label="cat"><points frame="3" points="4.5,6"/><polyline frame="3" points="1,1;5,5"/></track>""",
    )
    annotations = open_annotations(path, video)
    assert annotations.names == {1: 'car', 2: 'car', 3: 'dog', 4: 'cat'}
    first, second = annotations.prompts(1, SIZE)
    assert np.argwhere(first.mask).tolist() == [[y, x] for y in range(10, 20) for x in range(10, 30)]
    assert np.argwhere(second.mask).tolist() == [[10, 30], [11, 30]]  # what the car above it leaves
    box, pointed = annotations.prompts(3, SIZE)
    assert (box.object_id, box.box.x1, box.box.y2) == (3, 1, 8.5)
    assert (pointed.clicks[0].y, pointed.scribbles[0].points) == (6, ((1, 1), (5, 5)))
    assert annotations.introduced() == {1: {1, 2}, 3: {3, 4}}


def test_images_of_cvat_are_found_by_name(video, tmp_path):
    path = cvat(
        tmp_path,
        """<image id="0" name="some/00002.png" width="60" height="40"><tag label="blurred"/>
             <mask label="dog" rle="1, 1" left="0" top="0" width="2" height="1" z_order="0"/>
             <mask label="dog" rle="0, 1" left="9" top="9" width="1" height="1" z_order="0"/></image>
           <image id="1" name="elsewhere.png" width="60" height="40">
             <mask label="dog" rle="0, 1" left="3" top="0" width="1" height="1" z_order="0"/></image>""",
    )
    annotations = open_annotations(path, video)
    assert annotations.frames == [1, 2]
    assert [np.argwhere(m).tolist() for m in label_maps(annotations)[1:3]] == [[[0, 3]], [[0, 1], [9, 9]]]
    assert label_maps(annotations)[2][9, 9] == 2


def test_shapes_of_labelme(video, tmp_path):
    """Groups are one object, the others one each; polygons, circles, boxes, points."""
    shapes = [
        dict(label='dog', group_id=3, shape_type='polygon', points=[[0, 0], [4, 0], [4, 4], [0, 4]]),
        dict(label='dog', group_id=3, shape_type='circle', points=[[20, 20], [20, 25]]),
        dict(label='cat', shape_type='rectangle', points=[[30, 30], [20, 10]]),
        dict(label='cat', group_id=None, shape_type='point', points=[[7, 8]]),
    ]
    (tmp_path / 'one.json').write_text(json.dumps(dict(shapes=shapes)))
    annotations = open_annotations(tmp_path / 'one.json', video, 2)
    assert (annotations.frames, annotations.names) == ([2], {1: 'dog', 2: 'cat', 3: 'cat'})
    dog, cat, other = annotations.prompts(2, SIZE)
    assert dog.mask[:4, :4].all() and dog.mask[20, 20] and abs(dog.mask.sum() - 16 - np.pi * 25) < 8
    assert (cat.box.x1, cat.box.y2, other.clicks[0].x) == (20, 30, 7)


def outline(kind, tmp_path, *points, size=SIZE, frames=(0,)):
    """A polygon of ``dog`` in LabelMe's or CVAT's form, in each of ``frames``."""
    if kind == 'labelme':
        for index in frames:
            shapes = [dict(label='dog', group_id=1, shape_type='polygon', points=points)]
            content = dict(shapes=shapes, imageHeight=size[0], imageWidth=size[1])
            (tmp_path / f'{index:05d}.json').write_text(json.dumps(content))
        return tmp_path
    corners = ';'.join(f'{x},{y}' for x, y in points)
    shapes = ''.join(f'<polygon frame="{index}" points="{corners}"/>' for index in frames)
    stated = f'<original_size><width>{size[1]}</width><height>{size[0]}</height></original_size>'
    return cvat(tmp_path, f'<meta><task>{stated}</task></meta><track id="1" label="dog">{shapes}</track>')


@pytest.mark.parametrize('kind', ['labelme', 'cvat'])
def test_an_outline_beyond_the_frame_is_cut_off_which_is_said_once(kind, video, tmp_path, caplog):
    annotations = open_annotations(outline(kind, tmp_path, (50, 30), (70, 30), (70, 50), (50, 50), frames=(1, 2)), video)
    first = label_maps(annotations)[1]
    assert np.argwhere(first).tolist() == [[y, x] for y in range(30, 40) for x in range(50, 60)]
    (said,) = caplog.messages
    assert said.startswith(annotations.name)
    assert said.endswith("frame 1: the polygon of 'dog' reaches beyond the frame of 60x40 and is cut off at its edge.")


@pytest.mark.parametrize('kind', ['labelme', 'cvat'])
def test_an_outline_up_to_the_edge_is_whole(kind, video, tmp_path, caplog):
    corners = (-0.5, 0), (60.5, 0), (60.5, 40.5), (-0.5, 40)  # no centre of a pixel lies beyond the frame
    odd = SIZE[0] - 1, SIZE[1] - 1  # of a picture; the video has the even size that its encoder made of it
    for size in (SIZE, odd):
        assert label_maps(open_annotations(outline(kind, tmp_path, *corners, size=size), video))[0].all()
    assert not caplog.messages


@pytest.mark.parametrize('kind', ['labelme', 'cvat'])
@pytest.mark.parametrize(
    ('corners', 'size', 'words'),
    [
        ([(70, 1), (80, 1), (80, 9)], SIZE, "polygon of 'dog' holds no pixel of the frame of 60x40; expected one within it"),
        ([(5, 5), (5.2, 5), (5.2, 5.2)], SIZE, "polygon of 'dog' holds no pixel"),
        ([(1, 1), (9, 1), (9, 9)], (80, 120), r'frame 0: made for frames of 120x80, this one is 60x40'),
        ([(1, 1), (9, 1), (9, 9)], (40, 62), r'frame 0: made for frames of 62x40, this one is 60x40'),
    ],
)
def test_outlines_of_other_frames_are_refused(kind, corners, size, words, video, tmp_path):
    with pytest.raises(InputError, match=words):
        label_maps(open_annotations(outline(kind, tmp_path, *corners, size=size), video))


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('<track id="1" label="a"><mask frame="9"/></track>', r'track 1 is in frame 9; the video has 4'),
        ('<track id="x" label="a"><mask frame="0"/></track>', r"id='x'; expected a number"),
        (
            '<track id="1" label="a"><mask frame="0" rle="0, 5" left="0" top="0" width="2" height="2"/></track>',
            'cover 5 pixels',
        ),
        (
            '<track id="1" label="a"><mask frame="0" rle="0, x" left="0" top="0" width="2" height="2"/></track>',
            'cannot be read',
        ),
        (
            '<track id="1" label="a"><box frame="0" outside="0" xtl="1" ytl="1" xbr="9" ybr="9" z_order="x"/></track>',
            "z_order='x'; expected a whole number",
        ),
        ('<image id="0" name="0.jpg"><points label="a" points="1,1" group_id="x"/></image>', "group_id='x'; expected"),
        ('<track id="1" label="a"><mask frame="0" rle="0, 4" left="59" top="0" width="2" height="2"/></track>', 'reaches to'),
        ('<track id="1" label="a"><cuboid frame="0"/></track>', 'not known; expected one of mask'),
        ('<track id="1" label="a"><polygon frame="0" points="1,1;2,2"/></track>', '2 corners'),
        ('<track id="1" label="a"><polygon frame="0" points="1,1;nan,2;3,3"/></track>', 'cannot be read'),
        ('<image id="9" name="b.png"><mask label="a"/></image>', "'b.png' is none of the 4 frames"),
        ('', 'holds no shape'),
        ('<track', 'no XML'),
    ],
)
def test_a_mistake_in_a_file_of_cvat_is_named(text, words, video, tmp_path):
    with pytest.raises(InputError, match=rf'cvat\.xml.*{words}'):
        label_maps(open_annotations(cvat(tmp_path, text), video))


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ([], 'no list of shapes'),
        (dict(shapes=[dict(points=[])]), 'no list of shapes with labels'),
        (
            dict(shapes=[dict(label='a', shape_type='polygon', points=[[0, 0], [1, 1]])]),
            "polygon of 'a': a polygon has 2 corners",
        ),
        (dict(shapes=[dict(label='a', shape_type='mask', points=[[0, 0], [1, 1]])]), "mask of 'a': cannot be read"),
        (dict(shapes=[dict(label='a', shape_type=['mask'], points=[[0, 0]])]), 'this shape is not known'),
        (
            dict(shapes=[dict(label='a', shape_type='mask', points=[[0, 0]], mask=b64encode(huge_png()).decode())]),
            "mask of 'a': declares more pixels",
        ),
        (
            dict(shapes=[dict(label='a', shape_type='mask', points=[[0, 0]], mask='AAAA')]),
            "mask of 'a': cannot be read as an image",
        ),
        (dict(shapes=[dict(label='a', shape_type='star', points=[[0, 0]])]), 'not known; expected one of mask'),
    ],
)
def test_a_mistake_in_a_file_of_labelme_is_named(content, words, video, tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match=words):
        label_maps(open_annotations(tmp_path / 'a.json', video))


def test_files_that_belong_to_no_frame_are_named(video, tmp_path):
    (tmp_path / 'l').mkdir()
    (tmp_path / 'l' / 'img_7.json').write_text('{"shapes": []}')
    with pytest.raises(InputError, match=r'img_7\.json is named as no frame of clip; expected names such as 00000\.json'):
        open_annotations(tmp_path / 'l', video)
    write_label_map(tmp_path / 'm' / '00001.png', np.zeros(SIZE, np.uint8))
    with pytest.raises(InputError, match='all masks are empty'):
        open_annotations(tmp_path / 'm', video)
    with pytest.raises(MissingFileError, match='not found'):
        open_annotations(tmp_path / 'n.xml', video)
    with pytest.raises(InputError, match='expected an XML file of CVAT'):
        open_annotations(tmp_path / 'm' / '00001.png', video)


def test_a_project_takes_the_masks_of_another_program(video, tmp_path):
    for index, frame in video:
        write_image(tmp_path / 'clip' / f'{video.frame_names[index]}.png', frame)
    project = Project.create(tmp_path / 'project', tmp_path / 'clip')
    load_annotations(project, open_annotations(write('cvat', tmp_path / 'o.xml', video), project.video), None)
    again = Project(tmp_path / 'project')
    assert {i: o.name for i, o in again.objects.items()} == NAMES
    assert again.trusted == [0, 1, 2]
    assert all(np.array_equal(again.label_map(i), MAPS[i]) for i in again.trusted)
    again.write_propagated(1, np.zeros(SIZE, np.uint8))
    assert np.array_equal(again.label_map(1), MAPS[1])  # what was set stays
