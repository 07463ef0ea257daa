"""Cut-outs for SynthVOS from photographs with masks, and starting weights of RecallVOS."""

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmvos.datasets.synth import FolderObjects
from mmvos.models.necks import RecallNeck
from mmvos.structures import write_label_map

TOOLS = Path(__file__).parents[2] / 'tools'


def load(name):
    spec = importlib.util.spec_from_file_location(Path(name).stem, TOOLS / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def photos(tmp_path):
    """Ten photographs with a whole object (1), a speck (2) and one in two halves (3)."""
    for folder in ('images', 'masks'):
        (tmp_path / 'animals' / folder).mkdir(parents=True)
    label_map = np.zeros((100, 120), np.uint8)
    label_map[30:80, 40:90], label_map[5:8, 50:53], label_map[85:, 10:110] = 1, 2, 3
    label_map[85:, 50:70] = 0
    for k in range(10):
        image = np.random.default_rng(k).integers(0, 255, (100, 120, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / 'animals' / 'images' / f'{k}.jpg'), image)
        write_label_map(str(tmp_path / 'animals' / 'masks' / f'{k}.png'), label_map)
    return tmp_path / 'animals'


def test_whole_objects_are_cut_out_and_a_tenth_is_for_validation(photos, tmp_path, monkeypatch):
    out = tmp_path / 'synthvos'
    monkeypatch.setattr(sys, 'argv', ['cutouts', str(photos), '--out', str(out)])
    load('dataset_converters/cutouts_from_masks.py').main()
    names = (out / 'objects' / 'train.txt').read_text().split()
    assert names == [f'animals/{k}_1.png' for k in range(9)]
    assert (out / 'objects' / 'val.txt').read_text().split() == ['animals/9_1.png']
    assert (out / 'backgrounds' / 'val.txt').read_text().split() == ['animals_9.jpg']
    assert (out / 'val' / 'animals.txt').read_text().split() == ['9']
    picture = FolderObjects(str(out / 'objects'), split='train').sample(np.random.default_rng(0)).image
    assert picture.shape == (50, 50, 4) and (picture[..., 3] > 127).all()  # the mask itself, no rim


def test_keys_of_the_start_keep_the_angles_of_the_features():
    torch.manual_seed(0)
    neck = RecallNeck(in_channels=(2, 3, 4, 3, 3, 4, 5), key_channels=10, target_channels=12)
    sizes = ((32, 40), (16, 20), (8, 10), (4, 5), (4, 5), (2, 3), (2, 3))
    maps = [torch.randn(6, c, *size) for c, size in zip(neck.in_channels, sizes, strict=True)]
    load('model_converters/recall_vos_start.py').start_neck(neck, maps)
    deviation = torch.cat([m.transpose(0, 1).flatten(1).std(1) for m in maps[2:]])
    torch.testing.assert_close(neck.scales, 1 / deviation)
    weight = torch.cat([neck.fine_key_8.weight, neck.fine_key_16.weight], 1)[..., 0, 0]
    # as many keys as channels: the projection is a rotation of features that have been weighted level by level
    gram = weight.t() @ weight
    torch.testing.assert_close(gram, gram.diagonal().diag(), atol=1e-5, rtol=1e-4)
    assert neck.target_16.weight.abs().sum() > 0 and neck.target_32.weight.abs().sum() > 0
