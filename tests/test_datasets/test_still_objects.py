import cv2
import numpy as np
import pytest
import torch

from mmvos.datasets import StillObjectsDataset
from mmvos.structures import InputError, write_label_map


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks'):
        (tmp_path / 'set' / folder).mkdir(parents=True)
    for i in range(30):
        label_map = np.zeros((60, 90), np.uint8)
        label_map[10:40, 10:50], label_map[20:50, 60:85] = 1, 2
        image = rng.integers(0, 60, (60, 90, 3), dtype=np.uint8)
        image[label_map > 0] += 150
        cv2.imwrite(str(tmp_path / 'set' / 'images' / f'{i}.png'), image)
        write_label_map(tmp_path / 'set' / 'masks' / f'{i}.png', label_map)
    return tmp_path


def test_views_are_the_same_in_every_run_and_show_their_object(root):
    data = StillObjectsDataset(str(root), ['set'], size=64, repeats=2)
    again = StillObjectsDataset(str(root), ['set'], size=64, repeats=2)
    bright = []
    for index in (0, 7, len(data) - 1):
        item, same = data[index], again[index]
        assert item['inputs'].shape == (3, 64, 64) and item['inputs'].dtype == torch.uint8
        assert torch.equal(item['inputs'], same['inputs'])
        mask = item['data_samples'].gt_mask
        assert torch.equal(mask, same['data_samples'].gt_mask) and int(mask.sum()) >= 200
        bright.append(float(item['inputs'][:, mask].float().mean()) - float(item['inputs'][:, ~mask].float().mean()))
    assert min(bright) > 20


def test_pictures_of_validation_are_not_trained_on(root):
    train = StillObjectsDataset(str(root), ['set'], size=64, val_share=0.3)
    val = StillObjectsDataset(str(root), ['set'], size=64, val_share=0.3, split='val')
    assert len(train) + len(val) == 30 and len(val) >= 4
    assert not {image for image, *_ in train.pairs} & {image for image, *_ in val.pairs}


def test_a_folder_of_another_kind_is_named(root):
    with pytest.raises(InputError, match='zap: expected the folders images and masks'):
        StillObjectsDataset(str(root), ['zap'])
    with pytest.raises(InputError, match='expected train or val'):
        StillObjectsDataset(str(root), ['set'], split='test')


def test_frames_of_videos_count_as_pictures(root):
    for folder in ('JPEGImages', 'Annotations'):
        for sequence in ('one', 'two'):
            (root / 'davis' / folder / sequence).mkdir(parents=True)
            for t in range(6):
                picture = np.full((60, 90), 30, np.uint8)
                picture[15:45, 30 + t : 70 + t] = 255
                if folder == 'JPEGImages':
                    cv2.imwrite(str(root / 'davis' / folder / sequence / f'{t:05d}.jpg'), cv2.merge([picture] * 3))
                else:
                    cv2.imwrite(str(root / 'davis' / folder / sequence / f'{t:05d}.png'), (picture > 100) * np.uint8(255))
    videos = dict(root=str(root / 'davis'), exclude=['two'], step=2)
    plain = StillObjectsDataset(str(root), ['set'], size=64)
    data = StillObjectsDataset(str(root), ['set'], size=64, videos=videos)
    assert len(data) == len(plain) + 3
    item = data[len(data) - 1]
    mask = item['data_samples'].gt_mask
    assert item['inputs'][:, mask].float().mean() - item['inputs'][:, ~mask].float().mean() > 60
    assert len(StillObjectsDataset(str(root), ['set'], size=64, videos=videos, split='val')) == 30 - len(plain)
    with pytest.raises(InputError, match='expected the frames of DAVIS 2016'):
        StillObjectsDataset(str(root), ['set'], videos=dict(root=str(root / 'nowhere')))


def test_a_close_up_shows_one_object_with_a_margin(root):
    data = StillObjectsDataset(str(root), ['set'], size=64, closeups=1.0)
    for index in range(12):
        mask = data[index]['data_samples'].gt_mask
        ys, xs = (torch.nonzero(mask.any(axis)).flatten() for axis in (1, 0))
        longer = max(int(ys[-1] - ys[0]), int(xs[-1] - xs[0])) + 1
        assert 64 / 2.6 <= longer <= 64 / 1.15
