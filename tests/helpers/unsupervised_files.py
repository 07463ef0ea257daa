"""Small pictures, masks and data sets for the tests of unsupervised segmentation."""

import cv2
import numpy as np

from mmvos.registry import DATASETS

SHAPE = (20, 30)
TEST = [dict(type='PackVideo')]


def build(**config):
    dataset = DATASETS.build(dict(dict(test_mode=True, pipeline=TEST), **config))
    dataset.full_init()
    return dataset


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def frame(seed, shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 255, (*shape, 3), dtype=np.uint8)


def box(top, left, height, width, shape=SHAPE):
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask
