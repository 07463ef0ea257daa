"""demo/vis_demo.py with the weights that ship with MMVOS."""

import importlib.util
import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pycocotools.mask as rle
import pytest
import torch

from mmvos.apis import VISInferencer
from mmvos.registry import MODELS
from mmvos.utils import load_config
from mmvos.utils.checkpoint import load_weights

ROOT = Path(__file__).parents[2]
WEIGHTS = 'sta-masktrack-rcnn_lite0'


def test_the_shipped_weights_name_their_classes():
    inferencer = VISInferencer(device='cpu')
    assert inferencer.classes == ('mammal', 'bird', 'vehicle', 'flower', 'food', 'instrument')
    assert sum(p.numel() for p in inferencer.model.parameters()) < 10e6


needs_picture = pytest.mark.skipif(importlib.util.find_spec('skimage') is None, reason='needs a picture of scikit-image')


def horse_video(frames=4):
    """A dark silhouette that moves over grass: frames ``(T, H, W, 3)`` and masks ``(T, H, W)``."""
    folder = importlib.util.find_spec('skimage').submodule_search_locations[0]
    horse = cv2.imread(f'{folder}/data/horse.png', cv2.IMREAD_GRAYSCALE)
    horse = cv2.resize(horse, (180, 148), interpolation=cv2.INTER_AREA) < 128
    grass = np.random.default_rng(0).integers(0, 30, (192, 288, 3), np.uint8) + np.array([60, 150, 90], np.uint8)
    truth = np.zeros((frames, 192, 288), np.uint8)
    for t in range(frames):
        truth[t, 22:170, 30 + 12 * t : 210 + 12 * t] = horse
    return np.where(truth[..., None] > 0, np.uint8([30, 40, 60]), grass), truth


@needs_picture
def test_without_a_config_it_finds_and_follows_a_horse(tmp_path, monkeypatch, capsys):
    frames, truth = horse_video()
    (tmp_path / 'frames').mkdir()
    for t, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f'frames/{t:05d}.jpg'), frame)
    command = ['vis_demo.py', tmp_path / 'frames', '--out-dir', tmp_path / 'out', '--device', 'cpu', '--images']
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    runpy.run_path(str(ROOT / 'demo/vis_demo.py'), run_name='__main__')
    assert '4 frames' in capsys.readouterr().out and len(list((tmp_path / 'out/frames').glob('*.jpg'))) == 4
    entries = json.loads((tmp_path / 'out/results.json').read_text())
    best = max(entries, key=lambda entry: entry['score'])
    assert best['category_id'] == 1 and best['score'] > 0.5  # mammal
    assert all(best['segmentations'])  # one instance, in every frame
    for mask, code in zip(truth, best['segmentations'], strict=True):
        found = rle.decode(code)
        assert (found & mask).sum() / (found | mask).sum() > 0.5


@needs_picture
def test_preparing_for_speed_changes_no_result():
    """RoIAlign misreads maps that lie channels last, unless they are copied."""
    frames, _ = horse_video(2)
    fast, plain = VISInferencer(device='cpu'), VISInferencer(device='cpu')
    cfg = load_config('sta_masktrack_rcnn/sta-masktrack-rcnn_lite0.py')
    plain.model = MODELS.build(cfg.model).eval()
    load_weights(plain.model, WEIGHTS)
    sessions = plain.session(), fast.session()
    for frame in frames:
        before, after = (session.step(frame).pred_track_instances for session in sessions)
        assert len(before.scores) > 0
        torch.testing.assert_close(after.scores, before.scores, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(after.bboxes, before.bboxes, atol=0.1, rtol=1e-3)
