"""The target model: equal to a plain solution, the same after joining and dropping objects, and what it is good for."""

import pytest
import torch
import torch.nn.functional as F

from mmvos.models.matching import Reference, RidgeTarget, TargetLabelMatching
from mmvos.structures import InputError


def scene(seed=0, height=8, width=10, labels=3):
    """Two maps whose channels tell the labels apart with some noise, and the labels ``(L, h, w)``."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.zeros(height, width, dtype=torch.long)
    ids[1:4, 1:5], ids[5:8, 5:9] = 1, 2
    one_hot = F.one_hot(ids, labels).permute(2, 0, 1).float()
    directions = torch.randn(labels, 6, generator=torch.Generator().manual_seed(9))
    fine = torch.einsum('lhw,lc->chw', one_hot, directions) + 0.3 * torch.randn(6, height, width, generator=generator)
    coarse = F.avg_pool2d(fine[None], 2)[0] * 5 + 3  # of another scale
    return (fine, coarse), one_hot


def columns(features, state, size):
    x = torch.cat([f if f.shape[-2:] == size else F.interpolate(f[None], size, mode='bilinear')[0] for f in features])
    x = (x.flatten(1) - state.mean[:, None]) * state.scale[:, None]
    return torch.cat([x, torch.ones(1, x.shape[1])]).double()


def test_the_fit_is_weighted_ridge_regression():
    features, labels = scene()
    part = RidgeTarget(ridge=0.3)
    state = part.start(features, labels)
    x, y = columns(features, state, labels.shape[-2:]), labels.flatten(1).double()
    weight = (y / y.sum(1, keepdim=True)).sum(0) / 3  # every label a third of the mass
    torch.testing.assert_close(weight.sum(), torch.tensor(1.0).double())
    normal = (x * weight) @ x.t() + 0.3 * torch.eye(len(x)).double()
    expected = (torch.linalg.solve(normal, (x * weight) @ (2 * y - 1).t()).t() @ x).view(3, 8, 10)
    torch.testing.assert_close(part.score(features, (8, 10), state), expected.float(), atol=1e-4, rtol=1e-4)


def test_labels_are_found_in_another_frame_wherever_they_are():
    features, labels = scene()
    part = RidgeTarget()
    state = part.start(features, labels)
    moved, truth = scene(seed=1)
    moved, truth = tuple(f.flip(2) for f in moved), truth.flip(2)
    right = part.score(moved, (8, 10), state).argmax(0) == truth.argmax(0)
    assert right.float().mean() > 0.9


def test_only_cells_of_one_confident_opinion_are_learned():
    features, labels = scene()
    part = RidgeTarget(memory_share=0.5)
    state = part.start(features, labels)
    assert part.update(features, labels, labels.roll(1, 0), state).recent == ()  # nobody agrees
    assert part.update(features, labels * 0.5 + 0.5 / 3, labels, state).recent == ()  # nobody is sure
    learned = part.update(features, labels, labels, state)
    # the same frame once more: the same fit
    torch.testing.assert_close(learned.weights, state.weights, atol=1e-4, rtol=1e-4)
    other, truth = scene(seed=2)
    assert not torch.allclose(part.update(other, truth, truth, state).weights, state.weights, atol=1e-3)


def test_frames_between_two_refits_are_waited_for():
    features, labels = scene()
    part = RidgeTarget(interval=3)
    state = part.start(features, labels)
    for waited in (1, 2, 0, 1):
        state = part.update(features, labels, labels, state)
        assert state.waited == waited
    assert len(state.recent) == 1


def test_an_object_that_joins_is_fitted_to_its_own_cells_and_has_been_nowhere_before():
    features, labels = scene()
    late, late_labels = scene(seed=3)
    part = RidgeTarget(ridge=0.3)
    first = torch.stack([labels[0] + labels[2], labels[1]])
    state = part.start(features, first)
    grown = part.extend(late, late_labels[2:], state)
    # plain ridge regression on the first frame and the new object's cells; every label has a third of the weights
    x = columns(features, state, (8, 10)), columns(late, state, (8, 10))[:, late_labels[2].flatten() > 0]
    y = first.flatten(1).double(), torch.ones(x[1].shape[1]).double()
    targets = torch.cat([y[0], torch.zeros(1, 80)]), torch.stack([0 * y[1], 0 * y[1], y[1]])
    weights = (y[0] / y[0].sum(1, keepdim=True)).sum(0) / 3, y[1] / y[1].sum() / 3
    normal = sum((a * w) @ a.t() for a, w in zip(x, weights, strict=True)) + 0.3 * torch.eye(len(x[0])).double()
    cross = sum((a * w) @ (2 * b - 1).t() for a, w, b in zip(x, weights, targets, strict=True))
    expected = (torch.linalg.solve(normal, cross).t() @ columns(late, state, (8, 10))).view(3, 8, 10)
    scores = part.score(late, (8, 10), grown)
    torch.testing.assert_close(scores, expected.float(), atol=1e-4, rtol=1e-4)
    assert scores[2][late_labels[2] > 0].mean() > 0 > scores[2][late_labels[2] == 0].mean()


def test_a_dropped_object_counts_as_background():
    features, labels = scene()
    part = RidgeTarget()
    kept = part.start(features, labels).keep_objects([1])
    scores = part.score(features, (8, 10), kept)
    assert len(scores) == 2
    merged = torch.stack([labels[0] + labels[1], labels[2]])
    assert (scores.argmax(0) == merged.argmax(0)).float().mean() > 0.95
    torch.testing.assert_close(scores.sum(0), torch.zeros(8, 10), atol=1e-4, rtol=0)  # either one or the other


def test_an_object_lost_by_propagation_is_found_again_by_the_target_model():
    """Propagation that sees nothing of the object (its recent labels are gone, the window is small)."""
    features, labels = scene(labels=3)
    part = TargetLabelMatching(
        propagation=dict(type='LabelPropagation', topk=1, radius=1, temperature=0.01),
        lags=(1,),
        levels=(0,),
        target=dict(type='RidgeTarget'),
        target_levels=(0, 1),
        score_weight=4.0,
    )
    frame = part.embed(tuple(f[None] for f in features))[0]
    memory = part.start(frame, labels[1:])
    memory.prompts = [Reference(torch.zeros_like(r.keys), r.labels) for r in memory.prompts]  # nothing looks like it any more
    lost = torch.zeros_like(labels)
    lost[0] = 1
    memory.recent = [Reference(frame.keys, lost)]
    read = part.read(frame, memory)
    assert read.propagated[1:].max() < 0.01
    assert (read.labels.argmax(0) == labels.argmax(0)).float().mean() > 0.9


def test_the_levels_of_the_target_model_must_be_named():
    with pytest.raises(InputError, match='target_levels'):
        TargetLabelMatching(propagation=dict(type='LabelPropagation'), target=dict(type='RidgeTarget'), target_levels=())
