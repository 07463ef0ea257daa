"""The one reader of label maps, and prompts that go through it."""

import numpy as np
import pytest
from bad_files import encoded, soft_mask

from mmvos.structures import DAVIS_PALETTE, InputError, read_label_map, write_label_map
from mmvos.videos import FrameArrays, LabelSource

SHAPE = (20, 30)


def label_map(**boxes):
    out = np.zeros(SHAPE, np.uint8)
    for name, (x1, y1, x2, y2) in boxes.items():
        out[y1:y2, x1:x2] = int(name[1:])
    return out


@pytest.fixture
def path(tmp_path):
    write_label_map(tmp_path / 'm.png', label_map(o1=(0, 0, 5, 5), o7=(10, 0, 15, 5)))
    return tmp_path / 'm.png'


def test_every_source_is_read_alike(tmp_path, path):
    expected = read_label_map(path)
    for source in (path, str(path), expected, LabelSource(path), expected.astype(np.int64)):
        np.testing.assert_array_equal(LabelSource.of(source).read(SHAPE), expected)
    np.testing.assert_array_equal(np.asarray(LabelSource(path)), expected)
    source = LabelSource(path)
    assert LabelSource.of(source, binary=True) is source  # it keeps what it was made with
    np.testing.assert_array_equal(source.palette(), DAVIS_PALETTE)
    assert LabelSource(expected).palette() is None and LabelSource(expected).name == 'the label map'


def test_several_masks_and_tables_and_single_objects(tmp_path):
    for name, box in (('a', (0, 0, 6, 6)), ('b', (4, 0, 9, 6))):
        (tmp_path / f'{name}.png').write_bytes(encoded(label_map(o255=box)))
    merged = LabelSource([tmp_path / 'a.png', tmp_path / 'b.png'], ids=[3, 9]).read()
    assert (merged[0, 3], merged[0, 5], merged[0, 8], merged[0, 12]) == (3, 9, 9, 0)  # the later one is on top
    assert set(np.unique(LabelSource(tmp_path / 'a.png', table={255: 2}).read())) == {0, 2}
    assert set(np.unique(LabelSource(merged).only([9]).read())) == {0, 9}
    assert set(np.unique(LabelSource(merged, binary=True).read())) == {0, 1}


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: LabelSource(['a.png', 'b.png'], ids=[1]), 'a.png: 2 masks but 1 object ids'),
        (lambda: LabelSource(['a.png'], ids=[255]), 'object id 255 is outside 1..254'),
        (lambda: LabelSource(['a.png'], ids=[0]), 'object id 0 is outside 1..254'),
        (lambda: LabelSource('a.png', table={300: 1}), 'value 300 becomes object 1; expected numbers 0..255'),
        (lambda: LabelSource('a.png', table={1: -1}), 'value 1 becomes object -1'),
        (lambda: LabelSource('a.png', size_mismatch='crop'), "size_mismatch is 'crop'"),
        (lambda: LabelSource([]), 'of no file'),
        (lambda: LabelSource(5), 'expected a path, an array'),
        (lambda: LabelSource([np.zeros((2, 3), np.uint8)]), 'a label map is list: expected a path, an array'),
        (lambda: LabelSource(None), 'expected a path, an array'),
        (lambda: LabelSource(np.zeros((2, 3, 4), np.uint8)), r'shape \(2, 3, 4\).*expected uint8 \(H, W\)'),
        (lambda: LabelSource(np.zeros((2, 3))), 'float64; expected uint8'),
        (lambda: LabelSource(np.full((2, 3), 300)).read(), 'values 300..300; expected 0..255'),
        (lambda: LabelSource(np.full((2, 3), -1)).read(), 'values -1..-1'),
        (lambda: LabelSource(np.zeros((2, 3), np.uint8)).read((3, 3)), 'the mask is 3x2, its frame is 3x3'),
    ],
)
def test_what_is_no_label_map_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize('fmt, name', [('PNG', 'soft.png'), ('JPEG', 'soft.jpg')])
def test_a_soft_mask_is_refused_with_its_remedy_and_read_by_it(tmp_path, fmt, name):
    path = tmp_path / name
    path.write_bytes(encoded(soft_mask(), fmt))
    with pytest.raises(InputError, match=f'{name}: .*--binary'):
        read_label_map(path)
    halfway = (soft_mask() > 127).sum()
    assert abs(int(LabelSource(path, threshold=127).read().sum()) - halfway) < 10
    # every grey pixel of a PNG is foreground; values of a JPEG are noisy, so that it is cut in the middle
    binary = (soft_mask() > 0).sum() if fmt == 'PNG' else halfway
    assert abs(int(LabelSource(path, binary=True).read().sum()) - binary) < 10


def test_two_soft_objects_are_refused(tmp_path):
    left, right = soft_mask(), np.minimum(soft_mask(), 128)
    (tmp_path / 'two.png').write_bytes(encoded(np.concatenate([left, right], 1)))
    with pytest.raises(InputError, match='two.png: the mask has [0-9]+ values between 0 and 255'):
        read_label_map(tmp_path / 'two.png')


def test_many_small_objects_are_no_soft_mask(tmp_path):
    """Twenty objects, half of them two pixels wide: thin, but as many are solid."""
    crowd = np.zeros((60, 100), np.uint8)
    for i in range(20):
        side = 2 if i % 2 else 4
        crowd[10 * (i // 10) + 5 :][:side, 10 * (i % 10) :][:, :side] = i + 1
    write_label_map(tmp_path / 'crowd.png', crowd)
    np.testing.assert_array_equal(read_label_map(tmp_path / 'crowd.png'), crowd)


def test_prompts_are_read_through_the_video(path, tmp_path, caplog):
    frames = [np.zeros((*SHAPE, 3), np.uint8)] * 3
    empty = np.zeros(SHAPE, np.uint8)
    video = FrameArrays(frames, prompts={0: path, 1: empty, 2: LabelSource(path).only([7, 8])})
    assert set(np.unique(video.prompt(0, SHAPE))) == {0, 1, 7}
    with pytest.raises(InputError, match='the prompt is empty'):
        video.prompt(1, SHAPE)
    with caplog.at_level('WARNING', 'mmvos'):
        assert set(np.unique(video.prompt(2, SHAPE))) == {0, 7}
    assert f'{path}: object 8 is listed for this frame, but has no pixel in it' in caplog.text
    absent = FrameArrays(frames, prompts={0: LabelSource(path).only([8])})
    assert absent.prompt(0, SHAPE) is None  # a data set's flaw does not stop a run
    with pytest.raises(InputError, match='prompt at frame 3, but the video has 3 frames'):
        FrameArrays(frames, prompts={3: path})
    (tmp_path / 'void.png').write_bytes(encoded(label_map(o255=(0, 0, 5, 5))))
    with pytest.raises(InputError, match='void.png: the prompt is empty.*to be read with binary=True'):
        FrameArrays(frames, prompts={0: tmp_path / 'void.png'}).prompt(0, SHAPE)
    black_and_white = FrameArrays(frames, prompts={0: tmp_path / 'void.png'}, prompt_options=dict(binary=True))
    assert black_and_white.prompt(0, SHAPE).sum() == 25
