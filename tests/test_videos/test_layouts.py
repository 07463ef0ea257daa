"""Lists and meta files of benchmarks: what is read, and what is refused."""

import json

import numpy as np
import pytest
from video_files import label_map, write_video

from mmvos.structures import InputError, folder_names, write_label_map
from mmvos.videos.layouts import DAVIS2017, YOUTUBE_VOS, frames_of, masks_by_frame, masks_in, read_davis, read_list, read_meta


def test_a_line_of_a_list_is_a_name(tmp_path):
    (tmp_path / 'l.txt').write_bytes('\ufeffmy cat\r\nmy dog\r\n\r\n'.encode())
    assert [entry.video_id for entry in read_davis(tmp_path / 'l.txt', 'f', 'm')] == ['my cat', 'my dog']
    assert read_list(tmp_path / 'l.txt') == ['my cat', 'my dog']


def test_a_line_of_two_paths_is_a_frame_and_its_mask(tmp_path):
    lines = [f'/JPEGImages/480p/my cat/{i}.jpg /Annotations/480p/my cat/{i}.png' for i in (9, 10)]
    (tmp_path / 'l.txt').write_text('\n'.join(lines))
    (entry,) = read_davis(tmp_path / 'l.txt', 'f', 'm', tmp_path)
    assert entry.video_id == 'my cat'
    assert entry.pairs[1] == (str(tmp_path / 'JPEGImages/480p/my cat/10.jpg'), str(tmp_path / 'Annotations/480p/my cat/10.png'))
    with pytest.raises(FileNotFoundError, match='my cat/9.jpg: not found, but a list names it'):
        entry.frames()


@pytest.mark.parametrize(
    'text, message',
    [
        ('', 'the list is empty'),
        ('a\nb\na\n', "the sequence 'a' occurs twice"),
        ('../x\n', "the name of the sequence '../x' leads out of its folder"),
        ('/etc/passwd\n', "the sequence '/etc/passwd' leads out"),
        ('a/0.jpg m/0.png\nb\n', "line 2: found 'b', the other lines are pairs of paths"),
        ('/../a/0.jpg /m/0.png\n', "line 1: the name of the file '../a/0.jpg' leads out"),
    ],
)
def test_lists_that_are_none(tmp_path, text, message):
    (tmp_path / 'l.txt').write_text(text)
    with pytest.raises(InputError, match=f'l.txt.*{message}'):
        read_davis(tmp_path / 'l.txt', 'f', 'm')


def test_frames_and_masks_count_by_value(tmp_path):
    """1.jpg ... 13.jpg: the first frame is 1 and the last is 13, for frames, for masks and for scoring alike."""
    for i in range(1, 14):
        write_video(tmp_path / f'f{i}', 1, start=i)
        (tmp_path / 'JPEGImages/480p/v').mkdir(parents=True, exist_ok=True)
        (tmp_path / f'f{i}/{i:05d}.jpg').rename(tmp_path / f'JPEGImages/480p/v/{i}.jpg')
        write_label_map(tmp_path / f'Annotations/480p/v/{i}.png', label_map(o1=(i, 0, i + 5, 5)))
    (tmp_path / 'ImageSets/2017').mkdir(parents=True)
    (tmp_path / 'ImageSets/2017/val.txt').write_text('v\n')
    frames = frames_of(tmp_path / 'JPEGImages/480p/v', 'v')
    masks = masks_by_frame(masks_in(tmp_path / 'Annotations/480p/v'), frames)
    assert list(masks) == list(range(13))
    (video,) = DAVIS2017.videos(tmp_path)
    assert video.frames == [str(i) for i in range(1, 14)]
    assert [source.read().nonzero()[1].min() for source in video.annotations] == list(range(1, 14))


def test_two_masks_of_one_name_are_an_error(tmp_path):
    for name in ('1.png', '1.PNG'):
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(InputError, match="a second mask named '1'"):
        masks_in(tmp_path)
    with pytest.raises(FileNotFoundError, match='none: folder not found'):
        folder_names(tmp_path / 'none')


def meta(**objects):
    return json.dumps(dict(videos=dict(v=dict(objects=objects))))


@pytest.mark.parametrize(
    'text, message',
    [
        ('[]', 'found .. where a JSON object belongs'),
        ('{"videos": []}', 'found .. where a JSON object belongs'),
        ('{"videos": {}}', 'lists no video'),
        ('{"videos": {"v": 3}}', "video 'v': found 3 where"),
        ('{"videos": {"v": {}}}', "video 'v': found nothing where"),
        ('{"videos": {"v": {"objects": [1]}}}', "video 'v': found .1. where"),
        ('{"videos": {"v": {"objects": {}}, "v": {"objects": {}}}}', "the key 'v' occurs twice"),
        ('{"videos": {"../v": {"objects": {}}}}', "the video '../v' leads out"),
        (meta(**{'300': {}}), "object id '300'; expected a number 1..254"),
        (meta(**{'-1': {}}), "object id '-1'; expected a number 1..254"),
        (meta(**{'0': {}}), "object id '0'; expected a number 1..254"),
        (meta(**{'255': {}}), "object id '255'; expected"),
        (meta(**{'²': {}}), 'object id .*; expected a number'),
        (meta(**{'1': []}), "video 'v': found .. where"),
        (meta(**{'1': dict(frames=[])}), 'object 1: frames ..; expected a list of at least one name'),
        (meta(**{'1': dict(frames=[0, 5])}), 'object 1: the name of a frame is 0; expected text'),
        (meta(**{'1': dict(frames=None)}), 'object 1: frames nothing; expected'),
        (meta(**{'1': dict(frames=['../0'])}), "the frame '../0' leads out"),
        (meta(**{'1': dict(frames=['0'], category=3)}), 'object 1: category 3; expected text'),
        ('{"videos": {"v": {"objects": {"1": {"frames": NaN}}}}}', 'NaN is not a number'),
        ('[' * 50_000, 'nested too deeply'),
    ],
)
def test_meta_files_that_are_none(tmp_path, text, message):
    (tmp_path / 'meta.json').write_text(text)
    with pytest.raises(InputError, match=f'meta.json: .*{message}'):
        read_meta(tmp_path / 'meta.json')


def test_an_object_begins_in_the_first_of_its_frames_by_value(tmp_path):
    (tmp_path / 'meta.json').write_text(meta(**{'1': dict(frames=['10', '9', '10'])}))
    assert read_meta(tmp_path / 'meta.json')['v'][1].frames == ('9', '10')
    for i in (8, 9, 10):
        write_label_map(tmp_path / f'Annotations/v/{i}.png', label_map(o1=(0, 0, 5, 5)))
    (video,) = YOUTUBE_VOS.videos(tmp_path)
    assert video.frames == ['9', '10'] and video.object_frames == {1: [0, 1]} and video.categories is None
    np.testing.assert_array_equal(video.annotations[0].read(), label_map(o1=(0, 0, 5, 5)))
