"""RVOS as a causal model: slots, late objects, variants, merging, training switches."""

import numpy as np
import pytest
import torch

from mmvos.inference import Frame, InferenceSession
from mmvos.models.heads.conv_lstm import MaskPyramid, RecurrentDecoder
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample
from mmvos.structures.slot_merging import choose_slots


def build(one_shot=True, **options):
    torch.manual_seed(0)
    options.setdefault('test_cfg', dict(num_slots=0 if one_shot else 4))
    model = MODELS.build(
        dict(
            type='RVOS',
            backbone=dict(type='mmdet.ResNet', depth=18, base_channels=8, stem_channels=8),
            neck=dict(type='SkipNeck', in_channels=(8, 16, 32, 64), out_channels=(4, 8, 8, 8)),
            decoder=dict(type='RecurrentDecoder', skip_channels=(8, 8, 8, 4), hidden_channels=(8, 8, 4, 4)),
            mask_pyramid=dict(type='MaskPyramid') if one_shot else None,
            **options,
        )
    )
    with torch.no_grad():  # away from the flat start, where all slots agree
        for parameter in model.decoder.parameters():
            parameter.mul_(3)
    return model.eval()


def frames(count, size=(48, 80)):
    generator = torch.Generator().manual_seed(1)
    return [Frame(image, image, i) for i, image in enumerate(torch.randn(count, 1, 3, *size, generator=generator))]


def boxes(*corners, size=(48, 80)):
    masks = torch.zeros(len(corners), *size)
    for mask, (top, left) in zip(masks, corners, strict=True):
        mask[top : top + 16, left : left + 20] = 1
    return masks


@torch.no_grad()
def run(model, video, prompts):
    """Scores of each frame, with objects added as ``prompts`` says."""
    state, scores = None, []
    for frame in video:
        masks = prompts.get(frame.index, torch.zeros(0, 48, 80))
        if state is None:
            state = model.init_state(frame, masks)
        elif len(masks):
            state = model.add_objects(frame, masks, state)
        score, state = model.step(frame, state)
        scores.append(score)
    return scores, state


def test_idle_slots_change_nothing_for_objects_from_the_start():
    video, prompts = frames(3), {0: boxes((4, 5), (20, 40))}
    few, _ = run(build(), video, prompts)
    many, _ = run(build(test_cfg=dict(num_slots=5)), video, prompts)
    for a, b in zip(few, many, strict=True):
        torch.testing.assert_close(a, b)


def test_a_late_objects_slot_has_been_running_since_the_first_frame():
    video, late = frames(4), boxes((20, 40))
    model = build(test_cfg=dict(num_slots=3))
    scores, state = run(model, video, {0: boxes((4, 5)), 2: late})
    # the same by hand: two slots from the start, the second one told nothing until frame 2
    hidden, told = [], torch.cat([boxes((4, 5)), torch.zeros(1, 48, 80)])[None]
    for frame in video:
        if frame.index == 2:
            told = torch.cat([told[:, :1], late[None]], 1)
        with torch.no_grad():
            logits, hidden = model.decode(model.extract_feat(frame.image), 2, hidden, told)
        probabilities = torch.nn.functional.interpolate(logits, (48, 80), mode='bilinear', align_corners=True).sigmoid()
        torch.testing.assert_close(scores[frame.index][1:], probabilities[0, : 1 if frame.index < 2 else 2])
        if frame.index > 0:
            told = probabilities
    assert state.num_slots == 3 and state.slots == [0, 1]


def test_a_fresh_slot_differs_from_a_running_one():
    video, prompts = frames(3), {0: boxes((4, 5)), 2: boxes((20, 40))}
    running, _ = run(build(test_cfg=dict(num_slots=2)), video, prompts)
    fresh, state = run(build(), video, prompts)
    assert state.num_slots == 2
    torch.testing.assert_close(fresh[1], running[1])
    assert (fresh[2][2] - running[2][2]).abs().max() > 1e-4


def test_the_first_annotation_is_told_twice():
    video, prompts = frames(2), {0: boxes((4, 5))}
    model = build()
    state = model.init_state(video[0], prompts[0])
    with torch.no_grad():
        _, state = model.step(video[0], state)
        torch.testing.assert_close(state.masks[0], prompts[0])
        _, state = model.step(video[1], state)
    assert not torch.equal(state.masks[0], prompts[0])


def test_slots_of_removed_objects_go():
    model = build(test_cfg=dict(num_slots=4))
    video = frames(2)
    _, state = run(model, video, {0: boxes((4, 5), (20, 40), (28, 10))})
    kept = model.keep_objects([0, 2], state)
    assert kept.num_slots == 3 and kept.slots == [0, 1] and len(kept.costs) == 2
    for before, after in zip(state.hidden, kept.hidden, strict=True):
        torch.testing.assert_close(after, before[:, [0, 2, 3]])
    torch.testing.assert_close(kept.masks, state.masks[:, [0, 2, 3]])


def test_without_spatial_recurrence_slots_do_not_see_each_other():
    options = dict(spatial_recurrence=False, spatial_on_first_frame=False)
    both, _ = run(build(**options), frames(3), {0: boxes((4, 5), (20, 40))})
    alone, _ = run(build(**options), frames(3), {0: boxes((20, 40))})
    for a, b in zip(both, alone, strict=True):
        torch.testing.assert_close(a[2], b[1])


def test_the_first_frame_keeps_the_spatial_recurrence_by_default():
    off = build(spatial_recurrence=False, spatial_on_first_frame=False)
    default, st = build(spatial_recurrence=False), build()
    prompts = {0: boxes((4, 5), (20, 40))}
    scores = [run(model, frames(2), prompts)[0] for model in (off, default, st)]
    torch.testing.assert_close(scores[1][0], scores[2][0])
    assert (scores[0][0][2] - scores[1][0][2]).abs().max() > 1e-4
    assert (scores[1][1][2] - scores[2][1][2]).abs().max() > 1e-4


def test_zero_shot_gives_all_slots_and_needs_no_prompt():
    model = build(one_shot=False)
    assert not model.prompted
    scores, state = run(model, frames(3), {})
    assert all(len(s) == 5 for s in scores) and (scores[0][0] == 0.5).all()
    result = InferenceSession(model).step(np.zeros((48, 80, 3), np.uint8))
    assert result.object_ids == [1, 2, 3, 4]


def test_zero_shot_with_prompts_chooses_the_slot_that_fits():
    free, _ = run(build(one_shot=False), frames(3), {})
    target = (free[0][3] > 0.5).float()[None]  # what slot 2 shows
    assert target.any()
    model = build(one_shot=False, prompted=True, test_cfg=dict(num_slots=4))
    scores, state = run(model, frames(3), {0: target})
    assert state.slots == [2] and state.costs == [0.0]
    for a, b in zip(scores, free, strict=True):
        torch.testing.assert_close(a[1], b[3])


def test_zero_shot_needs_a_number_of_slots():
    with pytest.raises(ValueError, match='num_slots'):
        build(one_shot=False, test_cfg={})


def test_painting_shows_the_prompt_in_its_frame_and_the_best_object_on_top():
    model = build(test_cfg=dict(merge='paint'))
    scores = model._scores(torch.full((3, 2, 2), 0.9), [0.2, 0.1, 0.6], fresh=1)
    torch.testing.assert_close(scores[:, 0, 0], torch.tensor([0.5, 0.0, 0.9, 0.0]))
    scores = model._scores(torch.tensor([0.4, 0.9]).view(2, 1, 1).expand(2, 2, 2), [0.2, 0.1], fresh=0)
    torch.testing.assert_close(scores[:, 0, 0], torch.tensor([0.5, 0.0, 0.9]))


def test_slots_are_chosen_once():
    slots, costs = choose_slots([1], np.array([[0.9, 0.0, 0.3]]))
    assert slots == [2] and costs == [0.3]
    with pytest.raises(ValueError, match='2 objects for 1 slots'):
        choose_slots([0], np.array([[0.5]]))


def test_pooling_keeps_thin_masks_and_rounds_up():
    mask = torch.zeros(1, 1, 60, 107)
    mask[0, 0, 59, 106] = 1
    levels = MaskPyramid()(mask)
    assert [tuple(x.shape[-2:]) for x in levels] == [(2, 4), (4, 7), (8, 14), (15, 27)]
    assert all(x.sum() == 1 and x[..., -1, -1] == 1 for x in levels)


@pytest.mark.parametrize('mode, width', [('concat', 12), ('sum', 8), ('mul', 8), ('none', 8)])
def test_skip_modes(mode, width):
    decoder = RecurrentDecoder((8, 4 if mode == 'concat' else 8), (8, 4), skip_mode=mode)
    assert decoder.cells[1].gates.in_channels == width + 4
    logits, states = decoder(
        [torch.randn(2, 8, 3, 5), torch.randn(2, decoder.cells[1].gates.in_channels - 12 if mode == 'concat' else 8, 6, 10)]
    )
    assert logits.shape == (2, 1, 12, 20) and len(states) == 2


def test_skips_that_cannot_be_added_are_refused():
    with pytest.raises(ValueError, match='as wide as'):
        RecurrentDecoder((8, 4), (8, 4), skip_mode='sum')


def clip_batch(object_ids=((1, 3), (1,))):
    samples = []
    for ids in object_ids:
        sample = VOSDataSample(metainfo=dict(object_ids=list(ids)))
        label_maps = torch.zeros(3, 48, 80, dtype=torch.uint8)
        for i in ids:
            label_maps[:, 10 * i : 10 * i + 8, 5 * i : 5 * i + 20] = i
        label_maps[2][label_maps[2] == 3] = 255  # object 3 is hidden by void at last
        sample.gt_label_maps = label_maps
        samples.append(sample)
    return torch.randn(2, 3, 3, 48, 80, generator=torch.Generator().manual_seed(2)), samples


def test_valid_slots():
    _, samples = clip_batch()
    targets, valid = build().slot_targets(samples)
    assert targets.shape == (2, 3, 3, 48, 80) and targets.max() == 1
    assert valid[0, 2].tolist() == [True, False, True] and valid[1, 0].tolist() == [True, False, False]
    _, visible = build(valid='frame').slot_targets(samples)
    assert visible[0].tolist() == [[True, False, True], [True, False, True], [True, False, False]]


def test_ids_beyond_the_slots_are_left_out():
    _, samples = clip_batch()
    targets, valid = build(max_objects=2).slot_targets(samples)
    assert targets.shape[2] == 1 and valid.all()


@pytest.mark.parametrize('one_shot', [True, False])
def test_the_clip_loss_is_the_sum_over_frames_and_reaches_every_parameter(one_shot):
    model = build(one_shot)
    inputs, samples = clip_batch()
    loss = model.loss(inputs, samples)['loss_mask']
    assert 1.0 < loss.item() < 3.0  # three frames of cost below 1 each
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    temporal = model.decoder.cells[3].gates.weight.grad[:, -4:]
    assert temporal.abs().max() > 0  # back-propagation through time


def test_inferred_masks_carry_no_gradient_and_change_the_loss():
    inputs, samples = clip_batch()
    truth, inferred = build(), build(inferred_mask_prob=1.0)
    losses = [m.loss(inputs, samples)['loss_mask'].item() for m in (truth, inferred)]
    assert abs(losses[0] - losses[1]) > 1e-5
    targets, _ = inferred.slot_targets(samples)
    probabilities = torch.rand(2, 3, 48, 80, requires_grad=True)
    assert not inferred._previous_masks(targets, [probabilities], 1).requires_grad
    torch.testing.assert_close(inferred._previous_masks(targets, [], 0), targets[:, 0])


def test_state_does_not_grow_with_the_video():
    model, video = build(test_cfg=dict(num_slots=3)), frames(1)[0]
    sizes = set()
    state = model.init_state(video, boxes((4, 5)))
    with torch.no_grad():
        for _ in range(6):
            _, state = model.step(video, state)
            sizes.add(state.masks.numel() + sum(h.numel() for h in state.hidden))
    assert len(sizes) == 1
