"""Memories of labels: what is read from them, what is remembered, and objects that come and go."""

import pytest
import torch

from mmvos.models.matching import LabelMatching, ReadLabels, Reference, TargetLabelMatching
from mmvos.structures import keep_objects

TARGET = dict(target=dict(type='RidgeTarget'), target_levels=(0,))


def matching_and_features(count=2, lags=(1, 2), **settings):
    cls = TargetLabelMatching if 'target' in settings else LabelMatching
    propagation = dict(type='LabelPropagation', topk=1, radius=6, temperature=0.01)
    part = cls(propagation=propagation, lags=lags, levels=(0,), **settings)
    torch.manual_seed(0)
    return part, [part.embed((torch.randn(1, 32, 6, 8),))[0] for _ in range(count)]


def cell_masks():
    m = torch.zeros(2, 24, 32)
    m[0, :8, :16], m[1, 12:, 16:] = 1, 1  # whole cells of 4 x 4 pixels
    return m


def with_background(masks):
    return torch.cat([1 - masks.sum(0, keepdim=True), masks])


def cells(maps):
    return maps[:, ::4, ::4]


def test_a_frame_reads_its_own_labels_back():
    part, (frame, _) = matching_and_features()
    labels = part.read(frame, part.start(frame, cell_masks())).labels
    torch.testing.assert_close(labels, cells(with_background(cell_masks())))


@pytest.mark.parametrize('settings', [{}, TARGET], ids=['plain', 'target'])
def test_of_a_late_prompt_its_cells_are_remembered_and_the_rest_of_the_frame_as_it_was_read(settings):
    part, (first, late) = matching_and_features(**settings)
    masks = cell_masks()
    memory = part.start(first, masks[:1])
    memory = part.remember(late, part.read(late, memory), with_background(masks[:1]), memory)
    before = memory.recent[-1].labels
    memory = part.add(late, masks[1:], memory)
    given = cells(masks[1:])[0]
    prompt, recent = memory.prompts[-1], memory.recent[-1]
    assert prompt.keys.shape == (32, int(given.sum())) and (prompt.labels[2] == 1).all()
    assert len(memory.recent) == 1 and torch.equal(recent.labels[2], given)
    torch.testing.assert_close(recent.labels[:2], before * (1 - given))
    for reference in [*memory.prompts, *memory.recent]:
        torch.testing.assert_close(reference.labels.sum(0), torch.ones_like(reference.labels[0]))
    # the same frame once more: the prompt is where it was given, and nowhere else
    read = part.read(late, memory)
    assert torch.equal(read.propagated[2] > 0.5, given > 0)
    if settings:
        assert memory.target.num_labels == 3 and read.scores[2][given > 0].mean() > 0 > read.scores[2][given == 0].mean()


def test_frames_before_a_late_prompt_are_asked_where_the_object_was():
    """It was there before anybody pointed at it: then, it does not vote against itself."""
    part, (frame, other) = matching_and_features(lags=(1, 2))
    masks = cell_masks()
    memory = part.start(frame, masks[:1])
    for _ in range(2):  # the same picture three times
        memory = part.remember(frame, part.read(frame, memory), with_background(masks[:1]), memory)
    memory = part.add(frame, masks[1:], memory)
    for reference in (memory.prompts[0], *memory.recent):
        torch.testing.assert_close(reference.labels, cells(with_background(masks)))
    # what belongs to a known object stays with it, whatever it looks like
    memory = part.add(frame, masks[:1], part.start(frame, masks[:1]))
    assert not memory.prompts[0].labels[2].any()
    # in a frame without the object, only what looks like it is taken from the background
    memory = part.add(other, masks[1:], part.start(frame, masks[:1]))
    assert memory.prompts[0].labels[1].equal(cells(masks[:1])[0])


def test_an_object_can_be_added_in_a_frame_that_was_not_remembered():
    part, (first, late) = matching_and_features()
    masks = cell_masks()
    memory = part.add(late, masks[1:], part.start(first, masks[:1]))
    assert len(memory.recent) == 1 and torch.equal(memory.recent[0].labels[2], cells(masks)[1])


@pytest.mark.parametrize('settings', [{}, TARGET], ids=['plain', 'target'])
def test_the_memory_is_bounded_and_a_dropped_object_becomes_background(settings):
    part, frames = matching_and_features(6, **settings)
    memory = part.start(frames[0], cell_masks())
    for frame in frames:
        memory = part.remember(frame, part.read(frame, memory), with_background(cell_masks()), memory)
    assert len(memory.recent) == 2 and len(memory.prompts) == 1
    kept = keep_objects([1], memory)
    for before, after in zip([*memory.prompts, *memory.recent], [*kept.prompts, *kept.recent], strict=True):
        torch.testing.assert_close(after.labels.sum(0), torch.ones(6, 8))
        assert torch.equal(after.labels[1], before.labels[2])
    assert part.read(frames[0], kept).labels.shape == (2, 6, 8)
    assert len(memory.prompts[0].labels) == 3


def test_a_reference_of_single_cells_keeps_objects_too():
    kept = Reference(torch.zeros(4, 3), torch.tensor([[0.2, 0, 0], [0.8, 0.5, 0], [0, 0.5, 1]])).keep_objects([1])
    torch.testing.assert_close(kept.labels, torch.tensor([[1, 0.5, 0], [0, 0.5, 1]]))


def test_what_is_remembered_is_a_mean_of_what_was_read_and_what_was_made_of_it():
    part, (frame, _) = matching_and_features()
    memory = part.start(frame, cell_masks())
    read = part.read(frame, memory)
    scores = torch.zeros(3, 24, 32)
    scores[0] = 1
    for part.memory_update, expected in ((0.0, read.labels), (1.0, cells(scores)), (0.5, (read.labels + cells(scores)) / 2)):
        torch.testing.assert_close(part.remember(frame, read, scores, memory).recent[-1].labels, expected)


def test_lags_choose_the_frames_that_are_read():
    part, frames = matching_and_features(3, lags=(2,), memory_update=1.0)
    memory = part.start(frames[0], torch.zeros(1, 24, 32))
    for frame, value in zip(frames, (1.0, 0.0, 1.0), strict=True):
        scores = torch.full((1, 24, 32), value)
        memory = part.remember(frame, part.read(frame, memory), torch.cat([1 - scores, scores]), memory)
    assert len(memory.recent) == 2
    memory.prompts = []
    torch.testing.assert_close(part.read(frames[1], memory).labels[1], torch.zeros(6, 8))


def test_the_newest_frame_is_kept_even_if_no_lag_reads_it():
    part, (first, late) = matching_and_features(lags=())
    memory = part.start(first, cell_masks())
    memory = part.remember(late, part.read(late, memory), with_background(cell_masks()), memory)
    assert len(memory.recent) == 1


def test_cues_are_the_own_label_and_the_strongest_other():
    labels = torch.tensor([0.1, 0.2, 0.3, 0.4]).view(4, 1, 1)
    part, _ = matching_and_features()
    cues = part.cues(ReadLabels(labels, labels, labels[:0]))[..., 0, 0]
    torch.testing.assert_close(cues, torch.tensor([[0.2, 0.4], [0.3, 0.4], [0.4, 0.3]]))
    part, _ = matching_and_features(**TARGET)
    scores = torch.tensor([0.5, -1.0, 0.7, -0.2]).view(4, 1, 1)
    cues = part.cues(ReadLabels(labels, labels / 2, scores))[..., 0, 0]
    torch.testing.assert_close(cues[:, 2], torch.tensor([0.1, 0.15, 0.2]))
    torch.testing.assert_close(cues[:, 3], torch.tensor([-0.85, 0.1, -0.45]))


def test_scores_shift_the_logarithms_of_labels_by_their_weight():
    part, (frame, _) = matching_and_features(score_weight=3.0, background_bias=0.5, **TARGET)
    memory = part.start(frame, cell_masks())
    read = part.read(frame, memory)
    odds = (read.labels[1] / read.labels[0]).log()
    propagated = (read.propagated.clamp(min=0.02)[1] / read.propagated.clamp(min=0.02)[0]).log()
    scores = read.scores.clamp(-1.5, 1.5)
    torch.testing.assert_close(odds, propagated + 3.0 * (scores[1] - scores[0] - 0.5), atol=1e-4, rtol=1e-4)


def test_noise_disturbs_training_only():
    part = LabelMatching(dict(type='LabelPropagation'), levels=(-1,), noise_scale=1.0)
    maps = (torch.randn(1, 16, 4, 4),)
    still = part.eval().embed(maps)[0].keys
    assert torch.equal(still, part.embed(maps)[0].keys)
    noisy = part.train().embed(maps)[0].keys
    assert not torch.allclose(noisy, still)
    torch.testing.assert_close(noisy.norm(dim=0), torch.ones(4, 4))
