"""Reading, checking and writing label maps."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mmvos.structures import (
    DAVIS_PALETTE,
    InputError,
    atomic_path,
    davis_palette,
    object_ids_of,
    one_hot,
    read_label_map,
    read_palette,
    voc_palette,
    write_label_map,
)


@pytest.fixture
def label_map():
    return np.random.default_rng(0).choice(np.array([0, 1, 2, 7, 255], np.uint8), (20, 31))


def test_palettes_have_the_published_colours():
    assert voc_palette()[[1, 2, 3, 4, 9, 15, 254, 255]].tolist() == [
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [192, 0, 0],
        [192, 128, 128],
        [96, 224, 192],
        [224, 224, 192],
    ]
    assert davis_palette()[[1, 9, 21, 22, 255]].tolist() == [
        [128, 0, 0],
        [191, 0, 0],
        voc_palette()[21].tolist(),
        [22, 22, 22],
        [255, 255, 255],
    ]


def test_a_label_map_survives_writing(tmp_path, label_map):
    write_label_map(tmp_path / 'a.png', label_map)
    np.testing.assert_array_equal(read_label_map(tmp_path / 'a.png'), label_map)
    np.testing.assert_array_equal(read_palette(tmp_path / 'a.png'), DAVIS_PALETTE)
    write_label_map(tmp_path / 'b.png', label_map)
    assert (tmp_path / 'a.png').read_bytes() == (tmp_path / 'b.png').read_bytes()


def test_a_palette_with_few_entries_is_read(tmp_path, label_map):
    image = Image.fromarray(np.minimum(label_map, 2))
    image = image.convert('L')
    image.putpalette([0, 0, 0, 236, 94, 102, 249, 144, 87])
    image.save(tmp_path / 'few.png')
    assert read_palette(tmp_path / 'few.png')[:3].tolist() == [[0, 0, 0], [236, 94, 102], [249, 144, 87]]
    np.testing.assert_array_equal(read_label_map(tmp_path / 'few.png'), np.minimum(label_map, 2))


def test_binary_masks(tmp_path, label_map):
    cv2.imwrite(str(tmp_path / 'm.png'), (label_map > 0).astype(np.uint8) * 255)
    np.testing.assert_array_equal(read_label_map(tmp_path / 'm.png', binary=True), label_map > 0)


def test_an_rgb_mask_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / 'rgb.png'), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match=r'rgb\.png.*RGB.*8-bit palette'):
        read_label_map(tmp_path / 'rgb.png')


def test_a_16_bit_mask_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / 'deep.png'), np.zeros((4, 4), np.uint16))
    with pytest.raises(ValueError, match=r'deep\.png.*16-bit'):
        read_label_map(tmp_path / 'deep.png')


def test_a_mask_of_another_size_is_named_or_fitted(tmp_path, label_map):
    write_label_map(tmp_path / 'm.png', label_map)
    with pytest.raises(ValueError, match=r'm\.png.*31x20.*32x20'):
        read_label_map(tmp_path / 'm.png', shape=(20, 32))
    fitted = read_label_map(tmp_path / 'm.png', shape=(20, 32), size_mismatch='resize')
    assert fitted.shape == (20, 32) and set(np.unique(fitted)) == set(np.unique(label_map))


def test_a_missing_or_broken_mask_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.png'):
        read_label_map(tmp_path / 'none.png')
    (tmp_path / 'text.png').write_text('no image')
    with pytest.raises(ValueError, match=r'text\.png.*cannot be read'):
        read_label_map(tmp_path / 'text.png')


def test_object_ids_and_one_hot(label_map):
    assert object_ids_of(label_map) == [1, 2, 7]
    masks = one_hot(label_map, [7, 1]).numpy()
    np.testing.assert_array_equal(masks[0], label_map == 7)
    np.testing.assert_array_equal(masks[1], label_map == 1)


@pytest.mark.parametrize('odd', [np.full((2, 3), 0.5), np.full((2, 3), 300), np.zeros((0, 3), np.uint8), np.zeros((1, 2, 3))])
def test_what_is_no_label_map_is_not_written(odd, tmp_path):
    with pytest.raises(InputError, match=r'm\.png: .*expected uint8 \(H, W\)'):
        write_label_map(tmp_path / 'm.png', odd)
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_keeps_its_name(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / 'out.txt') as temporary:
        with open(temporary, 'w') as file:
            file.write('half')
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
