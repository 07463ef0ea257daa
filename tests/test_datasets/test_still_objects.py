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
    assert not {image for image, _ in train.pairs} & {image for image, _ in val.pairs}


def test_a_folder_of_another_kind_is_named(root):
    with pytest.raises(InputError, match='zap: expected the folders images and masks'):
        StillObjectsDataset(str(root), ['zap'])
    with pytest.raises(InputError, match='expected train or val'):
        StillObjectsDataset(str(root), ['set'], split='test')
