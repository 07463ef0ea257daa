"""AGSS-VOS: what its figure and its likely mistakes ask for, beyond the golden vectors."""

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from small_agss_vos import TINY, Collate, build, clip, squares

from mmvos.inference import Frame, InferenceSession
from mmvos.models.losses import hard_iou


def frame(index=0, seed=0):
    pixels = 255 * torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(seed + index))
    return Frame(pixels / 128 - 1, pixels, index)


@torch.no_grad()
@pytest.mark.parametrize(('sizes', 'batches'), [([1, 1], [2]), ([2], [1, 2])])
def test_an_object_alone_in_its_group_is_the_group(sizes, batches):
    model, seen = build(), []
    model.encoder.layer1.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    masks = squares((5, 10), (30, 20))
    references = [model.encode_reference(frame().image, group) for group in masks.split(sizes)]
    seen.clear()
    found = model.segment(frame(1).image, masks, references, sizes)
    assert seen == batches
    model.instance_encoder, model.has_instance_encoder = model.encoder, True  # as if it were another one
    torch.testing.assert_close(found, model.segment(frame(1).image, masks, references, sizes))


# Network


@torch.no_grad()
def test_groups_do_not_see_each_other():
    """Objects of two first frames in one pass equal two separate passes."""
    model = build()
    first, second = squares((5, 10), (30, 20)), squares((25, 60))
    references = [model.encode_reference(frame(0).image, first), model.encode_reference(frame(1).image, second)]
    image = frame(2).image
    together = model.segment(image, torch.cat([first, second]), references, [2, 1])
    apart = [model.segment(image, first, references[:1], [2]), model.segment(image, second, references[1:], [1])]
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_shared_part_runs_once_however_many_objects():
    model = build()
    batches = []
    model.encoder.layer4.register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    masks = squares((0, 0), (0, 40), (30, 0), (30, 40), (40, 70))
    state = model.init_state(frame(0), masks)
    for t in (1, 2):
        scores, state = model.step(frame(t), state)
    assert scores.shape == (6, 64, 96)
    assert batches == [1, 1, 1]  # the reference once a video, then each frame once


def test_the_previous_mask_moves_with_the_object():
    """Flow is from the current frame to the previous one: the carried mask lies on the object."""
    model = build(flow=dict(type='DISFlow', preset='medium'))
    rng = np.random.default_rng(0)
    texture = torch.from_numpy(np.kron(rng.random((3, 12, 24)), np.ones((1, 8, 8)))).float()[None] * 255
    texture = torch.nn.functional.avg_pool2d(texture, 5, 1, 2)
    previous, current = texture[..., 14:78, 20:116], texture[..., 14:78, 14:110]  # content moves right by 6
    carried = model.carry(squares((20, 30)), model.estimate_flow(current, previous))
    assert hard_iou(carried, squares((20, 36)), torch.ones(64, 96, dtype=torch.bool)) > 0.9


def test_flow_gets_bgr_where_asked_for():
    class Spy(torch.nn.Module):
        def forward(self, a, b):
            self.seen = a
            return torch.zeros(1, 2, *a.shape[-2:])

    model = build(flow_bgr=True)
    model.flow = Spy()
    pixels = frame().pixels
    model.estimate_flow(pixels, pixels)
    assert torch.equal(model.flow.seen, pixels.flip(1))


@pytest.mark.parametrize('switch', ['use_flow', 'use_ism', 'use_iam', 'use_norm'])
def test_ablations_train_every_parameter(switch):
    """Each row of Table 4 is a network of its own without parts that never run."""
    model = build(**{switch: False})
    model.data_preprocessor = Collate()
    losses = model.loss(*clip(3))
    losses['loss_mask'].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize('switch', ['use_flow', 'use_ism', 'use_iam', 'use_norm'])
def test_an_ablation_treats_objects_that_are_given_later_as_a_group_of_their_own(switch):
    model = build(**{switch: False})
    masks = squares((5, 10), (30, 20), (10, 60))
    with torch.no_grad():
        references = [model.encode_reference(frame(t).image, part) for t, part in enumerate(masks.split([2, 1]))]
        together = model.segment(frame(2).image, masks, references, [2, 1])
        parts = zip(references, masks.split([2, 1]), strict=True)
        alone = [model.segment(frame(2).image, part, [reference], [len(part)]) for reference, part in parts]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(('name', 'activation'), [('relu', torch.relu), ('sigmoid', torch.sigmoid)])
def test_an_activation_of_the_attention_is_its_last_step(name, activation):
    plain = build()
    other = build(attention=dict(TINY['attention'], activation=name))
    features, masks = torch.randn(2, TINY['attention']['in_channels'], 16, 24), squares((5, 10), (30, 20))[:, None]
    with torch.no_grad():
        torch.testing.assert_close(other.attention(features, masks), activation(plain.attention(features, masks)))


def test_ablations_change_what_they_say():
    full = build()
    assert not list(build(use_flow=False).flow.parameters()) and not list(build(use_ism=False).attention.parameters())
    assert torch.equal(build(use_flow=False).carry(squares((5, 10)), torch.ones(1, 2, 64, 96)), squares((5, 10)))
    without = build(use_iam=False)
    assert not hasattr(without.encoder, 'layer2') and not hasattr(without.decoder, 'global_conv')
    masks = squares((5, 10), (30, 20))
    with torch.no_grad():
        reference = [full.encode_reference(frame().image, masks)]
        normalised = full.segment(frame(1).image, masks, reference, [2])
        full.use_norm = False
        raw = full.segment(frame(1).image, masks, reference, [2])
    assert (normalised.sum(0) <= 1 + 1e-5).all() and (raw.sum(0) > 1).any()
    with pytest.raises(ValueError, match='both False'):
        build(use_ism=False, use_iam=False)


# Labels, sessions


def test_label_rules():
    """Two saturated objects of one group: nobody exceeds one half, but both beat the background."""
    model = build(label_rule='half')
    probabilities = torch.tensor([0.497, 0.497, 0.3]).view(3, 1, 1)
    assert model.scores(probabilities[:2], [2]).argmax(0) == 0
    model.label_rule = 'argmax'
    assert model.scores(probabilities[:2], [2]).argmax(0) == 1
    # groups: the first votes for its second object, the second group for its background although 0.45 > 0.4
    scores = model.scores(torch.tensor([0.3, 0.4, 0.45]).view(3, 1, 1), [2, 1])
    assert scores.argmax(0) == 2
    assert model.scores(torch.tensor([0.2, 0.3, 0.45]).view(3, 1, 1), [2, 1]).argmax(0) == 0  # all say background


def test_vanished_objects_are_given_up_only_where_asked_for():
    model = build(drop_vanished=True)
    state = model.init_state(frame(), squares((5, 5), (30, 50)))
    state.probabilities[1] *= 0.4
    _, kept = model.step(frame(1), state)
    assert kept.probabilities[0].any() and not kept.probabilities[1].any()
    model.drop_vanished = False
    _, kept = model.step(frame(1), state)
    assert kept.probabilities[1].any()


def test_late_and_removed_objects():
    """The state of a group is gone with its last object; the others go on as if it had never been there."""
    model = build()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 64, 96, 3), dtype=np.uint8)
    first, late = np.zeros((64, 96), np.uint8), np.zeros((64, 96), np.uint8)
    first[5:30, 5:40], late[35:60, 50:90] = 4, 9
    session, alone = InferenceSession(model), InferenceSession(model)
    for t, image in enumerate(images):
        session.step(image, {0: first, 2: late}.get(t))
        if t >= 2:
            alone.step(image, late if t == 2 else None)
        if t == 2:
            assert session.state.groups == [0, 2]
            session.remove_objects([4])
    assert session.object_ids == [9] and set(session.state.references) == {2}
    torch.testing.assert_close(session.state.probabilities, alone.state.probabilities, atol=1e-5, rtol=1e-4)


# Training


def test_one_optimiser_step_per_predicted_frame():
    model = build()
    model.data_preprocessor = Collate()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    steps = []
    step = optimiser.step
    optimiser.step = lambda *a, **k: steps.append(1) or step(*a, **k)
    inputs, samples = clip(frames=6)
    log = model.train_step(dict(inputs=inputs, data_samples=samples), OptimWrapper(optimiser))
    assert len(steps) == 4  # six frames: the reference, the first one, four predictions
    assert set(log) == {'loss', 'loss_mask'} and not log['loss'].requires_grad


def test_no_gradient_crosses_frames_and_truth_replaces_poor_masks():
    model = build()
    inputs, samples = clip(frames=4)
    carried = []

    def frame_loss(clip, index, masks, previous, valid, sample):
        carried.append(previous)
        probabilities = (masks[index] * (0.9 if index == 2 else 0.1)).requires_grad_()
        return dict(loss_mask=probabilities.sum()), probabilities

    model.frame_loss = frame_loss
    list(model.clip_losses(inputs[0], samples[0]))
    labels = samples[0].gt_label_maps
    truth = torch.stack([(labels == k).float() for k in (1, 2)], 1)
    assert torch.equal(carried[0], truth[1])  # the first frame's true masks
    assert torch.equal(carried[1], 0.9 * truth[2]) and not carried[1].requires_grad
    poor = model.carry_on(0.1 * truth[3], truth[3], torch.ones(64, 96, dtype=torch.bool))
    assert torch.equal(poor, truth[3])


def test_a_clip_that_follows_its_reference_frame_is_predicted_from_the_second_frame_on():
    model = build(first_predicted=1)
    inputs, samples = clip(frames=3)
    seen = []

    def frame_loss(clip, index, masks, previous, valid, sample):
        seen.append((index, previous))
        return dict(loss_mask=masks.sum()), masks[index]

    model.frame_loss = frame_loss
    list(model.clip_losses(inputs[0], samples[0]))
    assert [index for index, _ in seen] == [1, 2]
    truth = torch.stack([(samples[0].gt_label_maps[0] == k).float() for k in (1, 2)])
    assert torch.equal(seen[0][1], truth)


def test_substitution_per_object():
    model = build(substitution='per_object')
    truth = squares((5, 5), (30, 50))
    prediction = truth * torch.tensor([0.9, 0.1]).view(2, 1, 1)
    valid = torch.ones(64, 96, dtype=torch.bool)
    assert torch.equal(model.carry_on(prediction, truth, valid), torch.stack([prediction[0], truth[1]]))
    model.substitution = 'mean'  # 0.5 is not above 0.5
    assert torch.equal(model.carry_on(prediction, truth, valid), truth)


def test_gradient_reaches_a_trained_flow_network():
    """Through the network, the warp and the flow; the original's flow has none."""
    model = build(flow=dict(type='FlowNet2', variant='S', frozen=False))
    model.data_preprocessor = Collate()
    model.loss(*clip(3))['loss_mask'].backward()
    gradients = [p.grad for p in model.flow.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients) and any(g.any() for g in gradients)


def test_cached_flow_takes_the_place_of_estimated_flow():
    model = build()
    model.data_preprocessor = Collate()
    inputs, samples = clip(4)
    pixels = model.data_preprocessor.pixels(inputs[0])
    flow = torch.zeros(4, 2, 64, 96)
    flow[1:] = model.flow(pixels[1:], pixels[:-1])
    expected = model.loss(inputs, samples)['loss_mask']
    model.flow.forward = None  # must not be called
    samples[0].flow_bwd = flow
    torch.testing.assert_close(model.loss(inputs, samples)['loss_mask'], expected)


def test_a_clip_without_objects_is_named():
    inputs, samples = clip(3)
    samples[0].gt_label_maps[0] = 0
    with pytest.raises(ValueError, match='clip: a training clip needs'):
        build().loss(inputs, samples)


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
