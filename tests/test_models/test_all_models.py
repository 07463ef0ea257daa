"""One contract, checked over every method's mini config: it trains, it segments, it keeps videos apart, it saves and loads.

A frame with a prompt shows the prompt, leaves the other objects as they are, and is encoded once.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from mmvos.datasets.staged import Stage, in_stages
from mmvos.inference import VOSSession
from mmvos.models import *  # noqa: F401,F403  (registers)
from mmvos.models.segmentors import BaseVOSModel
from mmvos.registry import DATASETS, HOOKS, MODELS
from mmvos.structures import InputError
from mmvos.videos import FrameArrays

CONFIGS = Path(__file__).parents[2] / 'configs'
MINI = sorted(p.relative_to(CONFIGS).as_posix() for p in CONFIGS.glob('*/*mini*.py'))


def load(name):
    torch.manual_seed(0)
    np.random.seed(0)
    cfg = Config.fromfile(CONFIGS / name)
    model = MODELS.build(cfg.model)
    if not isinstance(model, BaseVOSModel):
        pytest.skip('not a VOS model: instances have tests of their own')
    model.init_weights()
    return cfg, model


def moving_squares(frames=5, height=96, width=160, seed=0):
    """BGR frames and their label maps: two textured squares that move over a textured background."""
    rng = np.random.default_rng(seed)
    background = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
    textures = [rng.integers(0, 60, (28, 28, 3), dtype=np.uint8), rng.integers(180, 255, (24, 24, 3), dtype=np.uint8)]
    images, label_maps = [], []
    for t in range(frames):
        image, label_map = background.copy(), np.zeros((height, width), np.uint8)
        for k, texture in enumerate(textures):
            side = len(texture)
            top, left = 10 + 35 * k, 15 + 60 * k + 4 * t
            image[top : top + side, left : left + side] = texture
            label_map[top : top + side, left : left + side] = k + 1
        images.append(image)
        label_maps.append(label_map)
    return images, label_maps


def first_stages(cfg):
    """The first stage of every curriculum of a config."""
    hooks = [HOOKS.build(hook) for hook in cfg.get('custom_hooks', []) if hook.type == 'CurriculumHook']
    return {hook.name: Stage(0, hook.num_stages) for hook in hooks}


def two_prompts(label_maps, late=2):
    """Object 7 from frame 0 on, object 3 from frame ``late`` on."""
    first, second = (np.where(label_maps[t] == k, v, 0).astype(np.uint8) for t, k, v in ((0, 1, 7), (late, 2, 3)))
    return {0: first, late: second}


def label_maps_of(model, video):
    return [r.pred_label_map for r in VOSSession(model).run(video)]


@pytest.mark.parametrize('name', MINI)
def test_every_trainable_parameter_gets_a_gradient(name):
    cfg, model = load(name)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    with in_stages(first_stages(cfg)):
        batch = pseudo_collate([dataset[i] for i in range(2)])
    model.train()
    data = model.data_preprocessor(batch, training=True)
    losses = model(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert trainable
    without = [n for n, p in trainable.items() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not without, f'no (finite) gradient: {without[:5]}'


@pytest.mark.parametrize('name', MINI)
def test_a_late_object_and_a_removed_one(name):
    _, model = load(name)
    if not (model.causal and model.prompted):
        pytest.skip('takes no prompts while it runs')
    images, label_maps = moving_squares()
    session, prompts = VOSSession(model), two_prompts(label_maps)
    ids = []
    for t, image in enumerate(images):
        if t == 4:
            session.remove_objects([7])
        result = session.step(image, prompts.get(t))
        ids.append(result.object_ids)
        assert result.pred_label_map.shape == (96, 160) and result.pred_label_map.dtype == np.uint8
        assert set(np.unique(result.pred_label_map)) <= {0, *result.object_ids}
    assert ids == [[7], [7], [7, 3], [7, 3], [3]]


@pytest.mark.parametrize('name', MINI)
def test_an_object_that_begins_late_shows_its_prompt_and_leaves_the_others_as_they_are(name):
    """In its first frame it is exactly the prompt; there and later, the other object is what it is without it, wherever the
    late one has not been."""
    _, model = load(name)
    if not (model.causal and model.prompted):
        pytest.skip('takes no prompts while it runs')
    images, label_maps = moving_squares()
    prompts = two_prompts(label_maps)
    settings = replace(model.test_cfg, overlay_prompt=True)
    alone, both = VOSSession(model, settings=settings), VOSSession(model, settings=settings)
    untouched = np.ones(label_maps[0].shape, bool)
    for t, image in enumerate(images):
        known = alone.step(image, prompts.get(t) if t == 0 else None).pred_label_map == 7
        result = both.step(image, prompts.get(t)).pred_label_map
        if t == 2:
            np.testing.assert_array_equal(result == 3, prompts[2] == 3)
        untouched &= result != 3
        union = ((known | (result == 7)) & untouched).sum()
        assert (known & (result == 7) & untouched).sum() >= 0.95 * union, f'object 7 changes in frame {t}'


@pytest.mark.parametrize('name', MINI)
def test_a_frame_with_a_prompt_is_encoded_once(name, monkeypatch):
    _, model = load(name)
    if not (model.causal and model.prompted) or type(model).extract_feat is BaseVOSModel.extract_feat:
        pytest.skip('has no features that are the same for all objects')
    calls = []
    extract_feat = type(model).extract_feat
    monkeypatch.setattr(type(model), 'extract_feat', lambda self, images: calls.append(1) or extract_feat(self, images))
    images, label_maps = moving_squares(4)
    prompts = two_prompts(label_maps)
    session = VOSSession(model)
    for t, image in enumerate(images):
        session.step(image, prompts.get(t))
        assert len(calls) == t + 1


@pytest.mark.parametrize('name', MINI)
def test_scores_are_probabilities_whose_arg_max_is_the_label(name):
    _, model = load(name)
    images, label_maps = moving_squares(4)
    prompts = two_prompts(label_maps) if model.causal else {0: label_maps[0]}
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    for result in session.run(FrameArrays(images, prompts=prompts)):
        scores = result.pred_scores
        assert scores.shape == (len(result.object_ids) + 1, 96, 160)
        torch.testing.assert_close(scores.sum(0), torch.ones(96, 160), rtol=0, atol=1e-4)
        assert scores.min() >= 0
        best = np.array([0, *result.object_ids])[scores.argmax(0).numpy()]
        clear = (scores.topk(2, 0).values.diff(dim=0).abs() > 1e-5)[0].numpy() if len(scores) > 1 else np.ones((96, 160), bool)
        np.testing.assert_array_equal(best[clear], result.pred_label_map[clear])


@pytest.mark.parametrize('name', MINI)
def test_a_trial_step_leaves_everything_as_it_was(name):
    _, model = load(name)
    if not (model.causal and model.prompted):
        pytest.skip('takes no prompts while it runs')
    images, label_maps = moving_squares()
    session, prompts = VOSSession(model), two_prompts(label_maps)
    expected = [session.step(image, prompts.get(t)).pred_label_map for t, image in enumerate(images)]
    session.reset()
    for t, image in enumerate(images):
        if t > 0:
            tried = session.peek(images[-t])
            assert tried.pred_scores.shape[0] == len(session.object_ids) + 1 and session.frame_index == t - 1
        np.testing.assert_array_equal(session.step(image, prompts.get(t)).pred_label_map, expected[t])


@pytest.mark.parametrize('name', MINI)
def test_a_video_is_independent_of_what_was_segmented_before(name):
    _, model = load(name)
    images, label_maps = moving_squares()
    other_images, other_maps = moving_squares(3, 80, 144, seed=1)
    video = FrameArrays(images, prompts={0: label_maps[0]})
    session = VOSSession(model)
    alone = [r.pred_label_map for r in session.run(video)]
    list(session.run(FrameArrays(other_images, prompts={0: other_maps[0]})))
    again = [r.pred_label_map for r in session.run(video)]
    assert len(alone) == len(images)
    for a, b in zip(alone, again):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('name', MINI)
def test_saved_and_loaded_weights_give_the_same_output(name, tmp_path):
    _, model = load(name)
    images, label_maps = moving_squares(3)
    video = FrameArrays(images, prompts={0: label_maps[0]})
    with torch.no_grad():
        for parameter in model.parameters():  # away from the initial values
            parameter.add_(0.02 * torch.randn_like(parameter))
    expected = label_maps_of(model, video)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    _, fresh = load(name)
    fresh.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True))
    for a, b in zip(expected, label_maps_of(fresh, video)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('name', MINI)
def test_a_correction_keeps_the_ids_and_the_session_goes_on(name):
    _, model = load(name)
    if not (model.causal and model.prompted):
        pytest.skip('takes no prompts while it runs')
    images, label_maps = moving_squares()
    right = np.where(label_maps[2] == 1, 7, 0).astype(np.uint8)
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    for t in range(3):
        session.step(images[t], np.choose(label_maps[0], [0, 7, 3]).astype(np.uint8) if t == 0 else None)
    corrected = session.correct(images[2], right)
    np.testing.assert_array_equal(corrected.pred_label_map == 7, right == 7)
    assert (session.object_ids, session.frame_index) == ([3, 7], 2)
    with pytest.raises(InputError, match='empty'):
        session.correct(images[2], np.zeros_like(right))
    late = np.where(label_maps[3] == 2, 9, 0).astype(np.uint8)
    session.step(images[3])
    assert session.correct(images[3], late).object_ids == [3, 7, 9]
    result = session.step(images[4])
    assert result.object_ids == [3, 7, 9]
    assert torch.isfinite(result.pred_scores).all()


@pytest.mark.parametrize('name', MINI)
def test_an_object_is_corrected_in_the_frame_of_its_prompt(name):
    """One of two that were given together; the other goes on, each with its own mask."""
    _, model = load(name)
    if not (model.causal and model.prompted):
        pytest.skip('takes no prompts while it runs')
    images, label_maps = moving_squares()
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    session.step(images[0], np.choose(label_maps[0], [0, 7, 3]).astype(np.uint8))
    session.correct(images[0], np.where(label_maps[0] == 1, 7, 0).astype(np.uint8))
    for image in images[1:]:
        result = session.step(image)
        assert result.object_ids == [3, 7] and torch.isfinite(result.pred_scores).all()
    session.remove_objects([3])
    assert session.step(images[0]).object_ids == [7]
