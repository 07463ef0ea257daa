"""MatchVOS's own promises: it begins as FeaturePropagation, known objects are left alone by new ones, mixed precision."""

import copy
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvos.inference import VOSSession
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample
from mmvos.utils import configs_root, load_config
from mmvos.utils.checkpoint import load_weights
from mmvos.videos import FrameArrays

MATCHING = dict(
    type='TargetLabelMatching',
    propagation=dict(type='LabelPropagation', topk=5, radius=4),
    lags=(1, 2),
    levels=(-2, -1),
    target=dict(type='RidgeTarget'),
    target_levels=(-2, -1),
)
PREPROCESSOR = dict(type='VOSDataPreprocessor', mean=(127.0,) * 3, std=(128.0,) * 3)
BACKBONE = dict(type='EfficientNetLite', out_indices=(1, 2, 3, 5), frozen_stages=7, norm_eval=True, pretrained=True)
UPSAMPLER = dict(type='GuidedUpsampler', radius=8, eps=1e-4, subsample=4)
SMALL = dict(
    type='MatchVOS',
    data_preprocessor=PREPROCESSOR,
    backbone=BACKBONE,
    neck=dict(type='LevelConcat', levels=2),
    matching=MATCHING,
    prior_upsampler=UPSAMPLER,
    appearance=dict(type='GaussianAppearance', in_channels=152, channels=16, output='posterior'),
    mask_propagation=dict(type='MaskPropagation', in_channels=152, channels=12),
    fusion=dict(type='CoarseMaskHead', in_channels=4 + 12 + 4, mid_channels=12, channels=8),
    upsampler=dict(type='SkipUpsampler', skip_channels=(24, 16), channels=8),
    loss_final=dict(type='MaskLogLikelihoodLoss'),
    loss_coarse=dict(type='MaskLogLikelihoodLoss'),
    train_update_mask='fine',
    test_cfg=dict(overlay_prompt=False),
)
FREE = dict(
    type='FeaturePropagation',
    data_preprocessor=PREPROCESSOR,
    backbone=BACKBONE,
    matching=MATCHING,
    refine=UPSAMPLER,
    test_cfg=dict(overlay_prompt=False),
)


def build(cfg=SMALL, **changes):
    torch.manual_seed(0)
    cfg = copy.deepcopy(cfg)
    cfg['test_cfg'].update(changes.pop('test_cfg', {}))
    model = MODELS.build(dict(cfg, **changes))
    model.init_weights()
    return model.eval()


def moving_squares(frames=6, height=96, width=160, seed=0):
    """BGR frames and label maps of two textured squares that move over a textured background."""
    rng = np.random.default_rng(seed)
    background = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
    textures = [rng.integers(0, 60, (40, 40, 3), dtype=np.uint8), rng.integers(180, 255, (36, 36, 3), dtype=np.uint8)]
    images, label_maps = [], []
    for t in range(frames):
        image, label_map = background.copy(), np.zeros((height, width), np.uint8)
        for k, texture in enumerate(textures):
            side, top, left = len(texture), 6 + 46 * k, 15 + 60 * k + 3 * t
            image[top : top + side, left : left + side] = texture
            label_map[top : top + side, left : left + side] = k + 1
        images.append(image)
        label_maps.append(label_map)
    return images, label_maps


def only(label_map, object_id):
    return np.where(label_map == object_id, label_map, 0).astype(np.uint8)


def segment(model, images, prompts, **options):
    return [r.pred_label_map for r in VOSSession(model, **options).run(FrameArrays(images, prompts=prompts))]


def iou(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def test_without_correction_it_is_feature_propagation():
    images, label_maps = moving_squares()
    prompts = {0: only(label_maps[0], 1)}
    free = segment(build(FREE), images, prompts)
    matched = segment(build(test_cfg=dict(correction=0.0)), images, prompts)
    assert (free[-1] > 0).any()
    # to a pixel here and there: what the target model learns from is the label itself, or what was made of it at full size
    assert np.mean([(a == b).mean() for a, b in zip(free, matched, strict=True)]) > 0.999


@pytest.mark.parametrize('cfg', [SMALL, FREE], ids=['MatchVOS', 'FeaturePropagation'])
def test_a_late_prompt_wins_in_its_frame_and_known_objects_stay_as_they_are(cfg):
    """Also where the result of the frame is the prediction (``overlay_prompt=False``)."""
    images, label_maps = moving_squares()
    model = build(cfg)
    first, late = only(label_maps[0], 1), only(label_maps[3], 2)
    alone, both = segment(model, images, {0: first}), segment(model, images, {0: first, 3: late})
    np.testing.assert_array_equal(both[3] == 2, late == 2)
    for t in range(3, len(images)):
        free = both[t] != 2
        assert iou((alone[t] == 1) & free, (both[t] == 1) & free) >= 0.95
        assert iou(both[t] == 2, label_maps[t] == 2) >= 0.8


@pytest.mark.parametrize('cfg', [SMALL, FREE], ids=['MatchVOS', 'FeaturePropagation'])
def test_a_dropped_object_and_one_that_takes_its_place(cfg):
    images, label_maps = moving_squares()
    session = VOSSession(build(cfg))
    session.step(images[0], label_maps[0])
    session.step(images[1])
    session.remove_objects([1])
    assert set(np.unique(session.step(images[2]).pred_label_map)) == {0, 2}
    session.step(images[3], only(label_maps[3], 1))
    result = session.step(images[4])
    for object_id in (1, 2):
        assert iou(result.pred_label_map == object_id, label_maps[4] == object_id) > 0.7


def clip(count=3, objects=(1, 2), seed=0):
    images, label_maps = moving_squares(count, seed=seed)
    sample = VOSDataSample(metainfo=dict(object_ids=list(objects)))
    sample.gt_label_maps = torch.from_numpy(np.stack(label_maps))
    pixels = torch.from_numpy(np.stack(images)[..., ::-1].copy()).permute(0, 3, 1, 2).float()
    return (pixels - 127) / 128, sample


def test_clips_of_a_batch_do_not_touch_each_other():
    """Every clip has a memory of its own, also where they differ in their numbers of objects."""
    model = build()
    clips = [clip(objects=(1, 2)), clip(objects=(2,), seed=1)]
    with torch.no_grad():
        alone = [model.loss(inputs[None], [sample])['loss_final'] for inputs, sample in clips]
        inputs, samples = zip(*clips, strict=True)
        together = model.loss(torch.stack(inputs), list(samples))['loss_final']
    torch.testing.assert_close(together, (2 * alone[0] + alone[1]) / 3)


@pytest.mark.parametrize('with_cp', [False, True])
def test_everything_that_learns_gets_a_gradient_and_the_frozen_backbone_none(with_cp):
    model = build(with_cp=with_cp).train()
    inputs, sample = clip()
    sum(model.loss(inputs[None], [sample]).values()).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == name.startswith('backbone.'), name


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('cfg', [SMALL, FREE], ids=['MatchVOS', 'FeaturePropagation'])
def test_mixed_precision_gives_the_same_labels(cfg, dtype):
    images, label_maps = moving_squares()
    prompts = {0: only(label_maps[0], 1), 2: only(label_maps[2], 2)}
    model = build(cfg, test_cfg=dict(keep_scores=True))
    exact = segment(model, images, prompts)
    halves = list(VOSSession(model, amp=dtype).run(FrameArrays(images, prompts=prompts)))
    assert all(torch.isfinite(result.pred_scores).all() for result in halves)
    assert np.mean([(a == b.pred_label_map).mean() for a, b in zip(exact, halves, strict=True)]) >= 0.99


def test_training_in_mixed_precision_is_finite():
    model = build().train()
    inputs, sample = clip()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model.loss(inputs[None], [sample])
    sum(losses.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_shipped_settings_are_those_of_feature_propagation():
    """The labels that the shipped network was trained on are FeaturePropagation's with the target model."""
    folder = configs_root() / 'configs' / '_base_' / 'models'
    ours = Config.fromfile(folder / 'matchvos_lite0.py').model
    free = Config.fromfile(folder / 'feature-propagation-target_lite0.py').model
    assert ours.prior_upsampler == free.refine and ours.matching.target == free.matching.target
    for name in ('propagation', 'lags', 'level_weights', 'score_weight', 'background_bias', 'target_memory_update'):
        assert ours.matching[name] == free.matching[name]

    def seen(model, levels):
        return [model.backbone.out_indices[i] for i in levels]

    for levels in ('levels', 'target_levels'):
        assert seen(ours, ours.matching[levels]) == seen(free, free.matching[levels])


def test_the_state_stays_as_it_is_when_the_next_one_is_made():
    images, label_maps = moving_squares(3)
    model = build()
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    session.step(images[0], label_maps[0])
    tried = session.peek(images[1]).pred_scores
    assert torch.equal(tried, session.step(images[1]).pred_scores)


def test_the_shipped_weights_fit_and_follow_an_object():
    cfg = load_config('matchvos/matchvos_lite0.py').model
    cfg.backbone.pretrained = False  # the checkpoint holds them
    cfg.test_cfg.resize.length = 128
    model = MODELS.build(cfg)
    load_weights(model, 'matchvos_lite0')
    rng = np.random.default_rng(0)
    background = cv2.resize(rng.integers(60, 140, (16, 24, 3), dtype=np.uint8), (192, 128), interpolation=cv2.INTER_CUBIC)
    session = VOSSession(model)
    for t in range(5):
        frame, truth = background.copy(), np.zeros((128, 192), np.uint8)
        cv2.circle(truth, (50 + 6 * t, 60 + 3 * t), 28, 1, -1)
        frame[truth > 0] = (30, 60, 220)
        result = session.step(frame, truth if t == 0 else None)
    assert iou(result.pred_label_map == 1, truth == 1) > 0.85
