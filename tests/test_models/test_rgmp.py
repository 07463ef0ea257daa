"""RGMP: batches of objects, groups, training; beyond the golden vectors."""

import copy

import pytest
import torch

from mmvos.inference import Frame
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample

TINY = dict(
    type='RGMP',
    encoder=dict(type='MaskedResNet', depth=18, base_channels=8),
    decoder=dict(type='PropagationDecoder', in_channels=(8, 16, 32, 64), channels=16, align_corners=True, auxiliary=True),
    scales=(0.5, 1.0),
)


def build(**settings):
    torch.manual_seed(0)
    model = MODELS.build({**copy.deepcopy(TINY), **settings})
    with torch.no_grad():
        model.decoder.predict2.weight.mul_(0.1)
    return model.eval()


def frame(index=0):
    pixels = 255 * torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(index))
    return Frame(pixels / 128 - 1, pixels, index)


def squares(*corners):
    masks = torch.zeros(len(corners), 64, 96)
    for mask, (top, left) in zip(masks, corners, strict=True):
        mask[top : top + 20, left : left + 20] = 1
    return masks


@torch.no_grad()
def test_objects_of_a_batch_do_not_mix():
    model = build()
    masks = squares((5, 10), (30, 20), (25, 60))
    references = model._references(frame(0).image, masks)
    together = model.segment(frame(1).image, masks, references)
    apart = [model.segment(frame(1).image, masks[i : i + 1], [r[i : i + 1] for r in references]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_what_the_reference_adds_is_computed_once():
    decoder = build().decoder
    features, reference = [torch.rand(2, c, 16 // s, 24 // s) for c, s in ((16, 2), (32, 4), (64, 8))], torch.rand(2, 64, 2, 3)
    known = decoder.of_reference(reference)
    assert known.shape == (2, 32, 2, 3)
    for found, expected in zip(decoder.coarse_with(features, known), decoder.coarse(features, reference), strict=True):
        torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_the_encoder_runs_once_a_frame_and_scale():
    model = build()
    batches = []
    model.encoder.layer4.register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    state = model.init_state(frame(0), squares((5, 10), (30, 20), (25, 60)))
    model.step(frame(1), state)
    assert batches == [4, 4, 4, 4]  # three objects and their union; two scales of the reference, two of the frame


@torch.no_grad()
def test_scores_sum_to_one_and_are_carried_on():
    model = build()
    for masks in (squares((5, 10)), squares((5, 10), (30, 60))):
        scores, state = model.step(frame(1), model.init_state(frame(0), masks))
        torch.testing.assert_close(scores.sum(0), torch.ones(64, 96))
        assert torch.equal(state.probabilities, scores[1:])


@torch.no_grad()
def test_a_removed_object_leaves_no_trace():
    """Two objects of three go on as two that were given alone: the union is encoded anew."""
    model = build()
    masks = squares((5, 10), (30, 20), (25, 60))
    state = model.keep_objects([0, 2], model.init_state(frame(0), masks))
    expected = model.init_state(frame(0), masks[[0, 2]])
    scores, after = model.step(frame(1), state)
    torch.testing.assert_close(scores, model.step(frame(1), expected)[0], atol=1e-5, rtol=1e-4)
    assert model.keep_objects([1], after).unions == {}


@torch.no_grad()
def test_late_objects_are_groups():
    model = build()
    state = model.init_state(frame(0), squares((5, 10), (30, 20)))
    _, state = model.step(frame(1), state)
    state = model.add_objects(frame(1), squares((25, 60)), state)
    assert state.groups == [0, 0, 1] and set(state.images) == {0, 1} and set(state.unions) == {0}
    scores, state = model.step(frame(2), state)
    assert scores.shape == (4, 64, 96) and all(len(r) == 3 for r in state.references)
    # where the late object is removed again, the first group is as before
    state = model.keep_objects([0, 1], state)
    assert set(state.images) == {0} and set(state.unions) == {0} and state.groups == [0, 0]


def clip(frames=4):
    images = torch.randn(1, frames, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(frames, 64, 96, dtype=torch.uint8)
    for t in range(frames):
        labels[t, 10:30, 10 + 2 * t : 40 + 2 * t], labels[t, 40:60, 50:80] = 1, 2
    return images, [VOSDataSample(gt_label_maps=labels, metainfo=dict(video_id='clip', object_ids=[1, 2]))]


@pytest.mark.parametrize('loss_mask', [None, dict(type='InstanceIoULoss')])
def test_training_reaches_every_parameter(loss_mask):
    model = build(loss_mask=loss_mask)
    losses = model.loss(*clip())
    extra = {'loss_mask'} if loss_mask else set()
    assert set(losses) == {'loss_stride4', 'loss_stride8', 'loss_stride16', 'loss_stride32'} | extra
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_void_pixels_do_not_count_in_the_loss():
    model = build()
    masks, valid = squares((5, 10)), torch.ones(64, 96, dtype=torch.bool)
    valid[32:] = False
    for finest, size in ((True, (16, 24)), (False, (8, 12))):
        logits = torch.randn(1, 2, *size)
        loss = model._cross_entropy(logits, masks, valid, finest)
        changed = masks.clone()
        changed[:, 32:] = 1
        torch.testing.assert_close(model._cross_entropy(logits, changed, valid, finest), loss)
        assert not torch.isclose(model._cross_entropy(logits, changed, torch.ones_like(valid), finest), loss)


def test_cross_entropy_is_that_of_the_two_channels():
    model = build()
    masks, logits = squares((5, 10)), torch.randn(1, 2, 64, 96)
    expected = torch.nn.functional.cross_entropy(logits, masks.long())
    loss = model._cross_entropy(logits, masks, torch.ones(64, 96, dtype=torch.bool), finest=True)
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize('scale, expected', [(1.0, (96, 160)), (0.5, (64, 96)), (0.75, (96, 128))])
def test_scaled_sides_are_raised_to_a_multiple_of_32(scale, expected):
    assert build()._scaled(torch.zeros(1, 3, 96, 160), scale).shape[-2:] == expected


class Collate(torch.nn.Module):
    """Stands for the data preprocessor: data is prepared already."""

    def forward(self, data, training=False):
        return data


def moving_square(frames):
    """One training clip with an object that moves by 3 pixels a frame."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(frames, 64, 96, dtype=torch.uint8)
    for t in range(frames):
        labels[t, 10:34, 10 + 3 * t : 40 + 3 * t] = 1
    sample = VOSDataSample(gt_label_maps=labels, metainfo=dict(video_id='clip', object_ids=[1]))
    return torch.randn(1, frames, 3, 64, 96, generator=generator), [sample]


@pytest.mark.parametrize('through_time', [True, False])
def test_a_later_frame_teaches_the_masks_before_it_only_through_time(through_time):
    model = build(through_time=through_time, first_predicted=1, iou_threshold=-1.0, scales=(1.0,)).train()
    inputs, samples = moving_square(4)
    carried = []
    frame_loss = model.frame_loss

    def spy(*args):
        losses, probabilities = frame_loss(*args)
        if probabilities.requires_grad:
            probabilities.retain_grad()
        carried.append(probabilities)
        return losses, probabilities

    model.frame_loss = spy
    *_, last = model.clip_losses(inputs[0], samples[0])
    sum(last.values()).backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in carried]
    assert len(carried) == 3 and reached[:2] == [through_time] * 2


def test_through_time_the_optimiser_steps_once_for_a_clip():
    from mmengine.optim import OptimWrapper

    model = build(through_time=True, first_predicted=1, iou_threshold=-1.0, scales=(1.0,)).train()
    model.data_preprocessor = Collate()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    steps, step = [], optimiser.step
    optimiser.step = lambda *a, **k: steps.append(1) or step(*a, **k)
    inputs, samples = moving_square(4)
    before = [p.detach().clone() for p in model.parameters()]
    model.train_step(dict(inputs=inputs, data_samples=samples), OptimWrapper(optimiser))
    assert len(steps) == 1 and any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@torch.no_grad()
def test_the_order_of_the_objects_does_not_matter():
    """Objects of two groups in turn, as after a correction, are segmented as in the order of their groups."""
    model = build()
    state = model.init_state(frame(0), squares((5, 10), (30, 20)))
    state = model.add_objects(frame(1), squares((25, 60)), state)
    mixed = model.keep_objects([0, 2, 1], state)
    assert mixed.groups == [0, 1, 0]
    scores, after = model.step(frame(2), state)
    again, after_mixed = model.step(frame(2), mixed)
    torch.testing.assert_close(again, scores[[0, 1, 3, 2]], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after_mixed.probabilities, after.probabilities[[0, 2, 1]], atol=1e-5, rtol=1e-4)


def test_objects_given_twice_in_one_frame_are_two_groups():
    model = build()
    state = model.init_state(frame(0), squares((5, 10), (30, 20)))
    state = model.add_objects(frame(0), squares((25, 60)), state)
    assert state.groups == [0, 0, 1]
    assert model.add_objects(frame(1), squares((5, 60)), state).groups == [0, 0, 1, 2]
