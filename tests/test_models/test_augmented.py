"""Test-time augmentation: copies of a video, mirrored and scaled."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvos.cli.test import _augment
from mmvos.inference import VOSSession
from mmvos.models.segmentors import AugmentedModel, CausalVOSModel
from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.testing import moving_squares
from mmvos.utils import load_config


class Drift(CausalVOSModel):
    """Moves every mask one cell to the right in every frame; notes what it was shown."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def init_state(self, frame, masks):
        return masks

    def add_objects(self, frame, masks, state):
        return torch.cat([state, masks])

    def keep_objects(self, indices, state):
        return state[indices]

    def step(self, frame, state):
        self.seen.append((tuple(frame.img_shape), frame.window, float(frame.pixels[0, :, :, : frame.img_shape[1] // 2].mean())))
        moved = state.roll(1, -1)
        return torch.cat([1 - moved.sum(0, keepdim=True).clamp(max=1), moved]), moved

    def loss(self, inputs, data_samples):
        raise NotImplementedError


def clip(count=3):
    frames = [np.zeros((64, 96, 3), np.uint8) for _ in range(count)]
    for frame in frames:
        frame[:, :48] = 100  # the left half is bright
    prompt = np.zeros((64, 96), np.uint8)
    prompt[16:48, 40:56] = 3
    return frames, prompt


def run(model, frames, prompts):
    session = VOSSession(model)
    return session, [session.step(frame, prompts.get(t)) for t, frame in enumerate(frames)]


def test_copies_are_mirrored_and_scaled_and_their_probabilities_averaged():
    frames, prompt = clip()
    member = Drift()
    _, results = run(AugmentedModel(member, scales=(1.0, 0.5)), frames, {0: prompt})
    shapes, windows, brightness = zip(*member.seen, strict=True)
    assert shapes[:4] == ((64, 96), (64, 96), (32, 64), (32, 64)) and windows[2] == (0, 0, 64, 32)
    assert [round(b) for b in brightness[:2]] == [100, 0]  # bright on the left; in the mirrored copy on the right
    # one copy drifts to the right, the mirrored one to the left: what both have stays, what one has is a tie
    found = run(AugmentedModel(Drift()), frames, {0: prompt})[1][-1].pred_label_map
    found = np.asarray(found)
    assert (found[16:48, 42:54] == 3).all() and not found[16:48, :37].any() and not found[:15].any()
    assert len(results) == 3


def test_without_copies_it_is_the_model_itself():
    cfg = load_config('agame/agame_mini_synthvos.py')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    images, label_maps = moving_squares(4)
    late = np.where(label_maps[2] == 2, 2, 0).astype(np.uint8)
    first = np.where(label_maps[0] == 1, 1, 0).astype(np.uint8)
    prompts = {0: first, 2: late}
    plain = run(model, images, prompts)[1]
    wrapped = run(AugmentedModel(model, flip=False), images, prompts)[1]
    for a, b in zip(plain, wrapped, strict=True):
        assert (np.asarray(a.pred_label_map) != np.asarray(b.pred_label_map)).mean() < 0.01


def test_a_mirrored_video_has_the_mirrored_result():
    cfg = load_config('rgmp/rgmp_mini_synthvos.py')
    torch.manual_seed(0)
    model = AugmentedModel(MODELS.build(cfg.model))
    images, label_maps = moving_squares(3)
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in images]
    a = run(model, images, {0: label_maps[0]})[1][-1].pred_label_map
    session, results = run(model, mirrored, {0: np.ascontiguousarray(label_maps[0][:, ::-1])})
    b = np.asarray(results[-1].pred_label_map)
    assert (np.asarray(a) != b[:, ::-1]).mean() < 0.01
    ids = session.object_ids
    session.remove_objects(ids[:1])
    assert set(np.unique(np.asarray(session.step(mirrored[-1]).pred_label_map))) <= {0, *ids[1:]}


@pytest.mark.parametrize(
    ('name', 'words'),
    [('dyenet/dyenet_mini_synthvos.py', 'DyeNet is offline'), ('rvos/rvos-st_mini_synthvos.py', 'RVOS has no prompts')],
)
def test_models_that_it_makes_no_sense_for_are_refused(name, words):
    with pytest.raises(InputError, match=words):
        AugmentedModel(MODELS.build(load_config(name).model))


def test_scales_are_positive():
    with pytest.raises(InputError, match='scales is .0.0,.; expected positive numbers'):
        AugmentedModel(Drift(), scales=(0.0,))


def test_the_command_refuses_what_cannot_be_augmented():
    with pytest.raises(InputError, match='--tta: Linear gives instances'):
        _augment(None, torch.nn.Linear(1, 1), None)
    with pytest.raises(InputError, match='--tta: the test has online_training'):
        _augment(None, Drift(), Config(dict(test_cfg=dict(online_training=dict(stages=[])))))
