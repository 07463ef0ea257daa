"""Frames that are image files: their order, and what cannot be one."""

import os

import cv2
import numpy as np
import pytest
from bad_files import encoded, huge_png, pipe

from mmvos.structures import InputError, read_label_map
from mmvos.videos import Video, image_size, list_frames, list_images, open_video, read_frame, read_image, write_image

GRADIENT = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3) // 2


@pytest.mark.parametrize('fmt', ['JPEG', 'PNG', 'TIFF', 'WEBP'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_frames_are_turned_upright_and_their_size_is_that_of_the_turned_frame(tmp_path, fmt, orientation):
    """The picture is stored turned; the reader must give it back upright. Masks follow the same rule."""
    upright = np.zeros((20, 30, 3), np.uint8)
    upright[:8, :12] = 255  # the upper left corner tells the turn
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    options = dict(lossless=True) if fmt == 'WEBP' else {}
    path = tmp_path / f'f.{fmt.lower()}'
    path.write_bytes(encoded(np.ascontiguousarray(stored), fmt, orientation, **options))
    frame = read_frame(path)
    assert frame.shape == (20, 30, 3) and image_size(path) == (20, 30)
    np.testing.assert_array_equal(frame > 127, upright > 127)


def test_a_mask_follows_its_orientation_too(tmp_path):
    mask = np.zeros((20, 30), np.uint8)
    mask[:8, :12] = 1
    (tmp_path / 'm.png').write_bytes(encoded(np.ascontiguousarray(np.rot90(mask, 1)), 'PNG', 6))
    np.testing.assert_array_equal(read_label_map(tmp_path / 'm.png', (20, 30)), mask)


def test_frames_are_those_that_opencv_reads_from_the_file(tmp_path):
    for fmt, name in (('JPEG', 'a.jpg'), ('PNG', 'b.png'), ('BMP', 'c.bmp')):
        (tmp_path / name).write_bytes(encoded(GRADIENT, fmt))
        np.testing.assert_array_equal(read_frame(tmp_path / name), cv2.imread(str(tmp_path / name)))


@pytest.mark.parametrize('fmt', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'BMP', 'PPM'])
@pytest.mark.parametrize('share', [0.0, 0.1, 0.35, 0.6, 0.9])
def test_a_frame_that_is_cut_short_is_an_error(tmp_path, fmt, share):
    """OpenCV's own reader of files fills the rest of a JPEG with grey and says nothing."""
    rng = np.random.default_rng(0)
    data = encoded(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8), fmt)
    path = tmp_path / '00002.jpg'
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match='00002.jpg: cannot be'):
        read_frame(path)


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda p: p.write_bytes(huge_png()), 'more pixels than any video frame'),
        (
            lambda p: p.write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'),
            'cannot be read as an image. Expected PNG, JPEG',
        ),
        (pipe, 'is a pipe'),
        (lambda p: p.mkdir(), 'is a folder'),
        (lambda p: None, 'not found'),
    ],
    ids=['bomb', 'postscript', 'pipe', 'folder', 'missing'],
)
@pytest.mark.parametrize('read', [read_frame, image_size, read_label_map])
def test_what_is_no_image_is_named(tmp_path, make, message, read):
    make(tmp_path / '1.png')
    with pytest.raises(InputError, match=f'1.png: .*{message}'):
        read(tmp_path / '1.png')


def test_names_that_are_not_utf8(tmp_path):
    folder = os.fsencode(tmp_path) + b'/in\xff'
    os.mkdir(folder)
    for name in (b'2\xfe.png', b'10\xfe.png'):
        with open(folder + b'/' + name, 'wb') as file:
            file.write(encoded(GRADIENT))
    video = open_video(os.fsdecode(folder))
    assert [os.fsencode(name) for name in video.frame_names] == [b'2\xfe', b'10\xfe']
    assert [frame.shape for _, frame in video] == [(20, 30, 3)] * 2


def test_frames_are_listed_by_value_whatever_their_suffix(tmp_path):
    for name in ('10.jpg', '9.png', '1.JPG', 'a.jpg', 'a-1.jpg', '.hidden.jpg', 'notes.txt'):
        (tmp_path / name).write_bytes(b'')
    names = [os.path.basename(path) for path in list_frames(tmp_path)]
    assert names == ['1.JPG', '9.png', '10.jpg', 'a.jpg', 'a-1.jpg']


def test_two_frames_of_one_name_are_an_error(tmp_path):
    for name in ('00001.jpg', '00001.png', '00002.jpg'):
        (tmp_path / name).write_bytes(encoded(GRADIENT))
    assert len(list_images(tmp_path)) == 3
    for opened in (list_frames, open_video):
        with pytest.raises(InputError, match="00001.png: a second frame named '00001' beside .*00001.jpg"):
            opened(tmp_path)
    with pytest.raises(InputError, match="a second frame named '1'"):
        Video(['a/1.jpg', 'b/1.jpg'])
    assert Video(['a/1.jpg', 'b/1.jpg'], frame_names=['a1', 'b1']).frame_names == ['a1', 'b1']
    with pytest.raises(InputError, match="the frame 'x' occurs twice"):
        Video(['a/1.jpg', 'b/1.jpg'], frame_names=['x', 'x'])


@pytest.mark.parametrize('name', ['a.png', 'new/folder/a.bmp'])
def test_a_written_image_is_read_as_it_was(tmp_path, name):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    write_image(tmp_path / name, image)
    np.testing.assert_array_equal(read_image(tmp_path / name), image)


@pytest.mark.parametrize(
    'name, shape', [('a.unknown', (4, 4, 3)), ('a', (4, 4, 3)), ('a.jpg', (4, 4, 2)), ('a.png', (0, 4, 3))]
)
def test_an_image_that_no_file_can_hold_is_an_error_and_leaves_no_file(tmp_path, name, shape):
    with pytest.raises(InputError, match=f'{name}: cannot be encoded'):
        write_image(tmp_path / name, np.zeros(shape, np.uint8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('source', [None, 3])
def test_what_can_be_no_video_is_named(source):
    with pytest.raises(InputError, match=f'a video is {type(source).__name__}; expected a file, a folder'):
        open_video(source)
