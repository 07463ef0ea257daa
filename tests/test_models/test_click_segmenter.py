from dataclasses import replace

import numpy as np
import pytest
import torch
from small_click_segmenter import small_click_segmenter

from mmvos.interaction import InteractiveSegmenter
from mmvos.interaction.views import Region, close_up, corrected_part
from mmvos.models.interactive import PromptTensors, SimulatedUser, next_click
from mmvos.models.interactive.simulated_user import wrong_mask
from mmvos.structures import Box, Click, InputError, Prompt, Scribble


def picture(height: int = 80, width: int = 112) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


def test_a_click_goes_to_the_middle_of_the_largest_error():
    truth = np.zeros((40, 60), bool)
    truth[5:15, 5:25] = True
    assert next_click(truth, np.zeros_like(truth))[1:] == (9.5, True) or next_click(truth, np.zeros_like(truth))[2]
    x, y, positive = next_click(truth, np.zeros_like(truth))
    assert truth[int(y), int(x)] and positive
    wrong = truth.copy()
    wrong[20:40, 30:60] = True
    x, y, positive = next_click(truth, wrong)
    assert not positive and 28 <= y <= 31 and 38 <= x <= 51
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, y, positive = next_click(truth, wrong, rng)
        assert not positive and wrong[int(y), int(x)] and not truth[int(y), int(x)]


def test_it_learns_one_picture():
    model = small_click_segmenter()
    masks = torch.zeros(2, 64, 96, dtype=torch.bool)
    masks[0, 10:40, 20:60] = masks[1, 30:60, 5:50] = True
    images = torch.randn(2, 3, 64, 96)
    images += 3 * masks[:, None]
    maps = model.extract_feat(images)
    optimizer = torch.optim.Adam(model.decoder.parameters(), 3e-3)
    totals = []
    for _ in range(30):
        model.user = SimulatedUser(max_rounds=2, seed=0)
        total = sum(model.loss_from_maps(maps, masks).values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < 0.5 * totals[0]
    assert all(p.grad is not None for p in model.decoder.parameters())
    assert all(p.grad is None for p in model.backbone.parameters())


def test_a_carried_mask_is_wrong_in_parts():
    truth = np.zeros((96, 128), bool)
    truth[20:80, 30:100] = True
    wrong = [wrong_mask(truth, np.random.default_rng(seed)) for seed in range(20)]
    ious = [(one & truth).sum() / (one | truth).sum() for one in wrong]
    assert 0.3 < min(ious) < 0.7 and 0.7 < np.median(ious) < 0.97
    assert not any(one[0].any() or one[-1].any() for one in wrong[:5])  # near the object, not at the border


def test_the_simulated_user_corrects_masks_that_are_given():
    masks = torch.zeros(8, 64, 96, dtype=torch.bool)
    masks[:, 10:50, 20:70] = True
    prompts, previous = SimulatedUser(max_rounds=0, given_share=1.0).play(masks, lambda *_: None)
    assert previous.shape == (8, 16, 24) and previous.abs().max() <= 4 and (previous > 3.9).any()
    assert not prompts.boxes.any() and prompts.signs.shape == (8, 1) and prompts.signs.abs().all()
    assert SimulatedUser(max_rounds=0, forget=1.0).play(masks, lambda *_: None)[1] is None
    some = SimulatedUser(max_rounds=0, given_share=0.5, seed=3).play(masks, lambda *_: None)[1]
    assert 0 < int((some == -30).all(-1).all(-1).sum()) < 8


def test_objects_do_not_depend_on_each_other():
    model = small_click_segmenter().eval()
    with torch.no_grad():
        projected = model.decoder.project(model.extract_feat(torch.randn(1, 3, 64, 96)))
        clicks = torch.tensor([[[20.0, 30.0], [0, 0]], [[60.0, 10.0], [5.0, 5.0]]])
        signs = torch.tensor([[1.0, 0.0], [1.0, -1.0]])
        both = model.segment(projected, PromptTensors(clicks, signs, torch.zeros(2, 4)))
        alone = model.segment(projected, PromptTensors(clicks[:1, :1], signs[:1, :1], torch.zeros(1, 4)))
    torch.testing.assert_close(both[:1], alone, rtol=1e-4, atol=1e-5)


class TestInteractiveSegmenter:
    def test_the_result_depends_on_the_prompts_alone(self):
        segmenter, frame = InteractiveSegmenter(small_click_segmenter()), picture()
        one = [Prompt(1, clicks=[Click(30, 30)])]
        more = [Prompt(1, clicks=[Click(30, 30), Click(80, 60, False)]), Prompt(2, box=Box(60, 10, 110, 70))]
        fresh = InteractiveSegmenter(small_click_segmenter()).scores(frame, more)
        segmenter.scores(frame, one, key=0)
        torch.testing.assert_close(segmenter.scores(frame, more, key=0), fresh)
        undone = segmenter.scores(frame, one, key=0)
        torch.testing.assert_close(undone, InteractiveSegmenter(small_click_segmenter()).scores(frame, one))
        torch.testing.assert_close(segmenter.scores(frame, more, key=0), fresh)

    def test_a_further_click_costs_one_pass_of_the_decoder(self, monkeypatch):
        model = small_click_segmenter()
        segmenter, frame = InteractiveSegmenter(model), picture()
        passes, features = [], []
        segment, extract = model.segment, model.extract_feat
        monkeypatch.setattr(model, 'segment', lambda *a: passes.append(1) or segment(*a))
        monkeypatch.setattr(model, 'extract_feat', lambda *a: features.append(1) or extract(*a))
        clicks = [Click(10.0 + 10 * i, 30) for i in range(5)]
        for count in range(1, 6):
            segmenter.scores(frame, [Prompt(1, clicks=clicks[:count])], key='frame')
        assert (len(passes), len(features)) == (5, 1)

    def test_outlines_are_taken_as_they_are_and_frames_are_forgotten(self):
        segmenter, frame = InteractiveSegmenter(small_click_segmenter(), frames=2), picture()
        mask = np.zeros((80, 112), bool)
        mask[10:20, 30:50] = True
        assert np.array_equal(segmenter.label_map(frame, [Prompt(9, mask=mask)]) == 9, mask)
        for key in range(4):
            segmenter.label_map(frame, [Prompt(1, scribbles=[Scribble(((5, 5), (40, 40)))])], key)
        assert len(segmenter._ready) == 2

    def test_wrong_prompts_are_one_line(self):
        segmenter = InteractiveSegmenter(small_click_segmenter())
        with pytest.raises(InputError, match='expected one per object'):
            segmenter.scores(picture(), [Prompt(1, clicks=[Click(1, 1)]), Prompt(1, clicks=[Click(2, 2)])])
        with pytest.raises(InputError, match='object 1: the prompt is empty'):
            segmenter.scores(picture(), [Prompt(1)])
        with pytest.raises(InputError, match='outside the frame'):
            segmenter.scores(picture(), [Prompt(1, clicks=[Click(500, 1)])])
        beside = dict(clicks=[Click(5, 5, False)], scribbles=[Scribble(((5, 5), (40, 40)), False)])
        with pytest.raises(InputError, match='object 3: all points lie beside it; expected a point or stroke on it, a box'):
            segmenter.scores(picture(), [Prompt(3, **beside)])
        mask = np.ones((80, 112), bool)
        assert (
            not segmenter.scores(picture(), [Prompt(3, **beside, box=Box(9, 9, 50, 50)), Prompt(4, **beside, mask=mask)])
            .isnan()
            .any()
        )

    def test_a_given_mask_keeps_what_no_click_touches(self):
        segmenter, frame = InteractiveSegmenter(small_click_segmenter()), picture()
        mask = np.zeros((80, 112), bool)
        mask[5:20, 5:30] = mask[50:75, 70:100] = True
        part = corrected_part(mask, np.zeros_like(mask), [Click(10, 10, False)])
        assert part[10, 10] and part[5:20, 5:30].all() and not part[50:75, 70:100].any()
        assert corrected_part(mask, ~mask, [Click(60, 40)])[40, 60]
        assert corrected_part(mask, mask, [Click(10, 10)]).all()  # nothing changed: there is nothing to keep apart
        found = segmenter.scores(frame, [Prompt(1, clicks=[Click(17, 12)], mask=mask)])[0].numpy()
        assert found.shape == (80, 112) and found.min() >= 0 and found.max() <= 1


class TestCloseUps:
    SETTINGS = dict(closeup=1.4, closeup_resize=dict(type='mmvos.ShortSide', length=64, max_length=96, divisor=32))

    def test_the_result_depends_on_the_prompts_alone(self):
        frame = picture(160, 224)
        boxes = [Box(20, 20, 90, 80), Box(120, 90, 200, 150)]
        prompts = [Prompt(i + 1, box=box, clicks=[Click(box.x1 + 30, box.y1 + 30)]) for i, box in enumerate(boxes)]
        further = [replace(p, clicks=[*p.clicks, Click(p.box.x1 + 5, p.box.y1 + 5, False)]) for p in prompts]
        fresh = InteractiveSegmenter(small_click_segmenter(**self.SETTINGS)).scores(frame, further)
        segmenter = InteractiveSegmenter(small_click_segmenter(**self.SETTINGS))
        segmenter.scores(frame, prompts, key=0)
        torch.testing.assert_close(segmenter.scores(frame, further, key=0), fresh)
        alone = [InteractiveSegmenter(small_click_segmenter(**self.SETTINGS)).scores(frame, [one])[0] for one in further]
        torch.testing.assert_close(torch.stack(alone), fresh, rtol=1e-4, atol=1e-5)

    def test_a_box_is_looked_at_from_near(self, monkeypatch):
        model, seen = small_click_segmenter(**self.SETTINGS), []
        extract = model.extract_feat
        monkeypatch.setattr(model, 'extract_feat', lambda image: seen.append(tuple(image.shape[-2:])) or extract(image))
        segmenter = InteractiveSegmenter(model)
        score = segmenter.scores(picture(160, 224), [Prompt(1, box=Box(20, 20, 80, 80))], key=0)[0]
        assert seen == [(64, 96), (64, 64)]  # the frame, the close-up
        assert score[:, 95:].max() < 1e-6 and score[95:].max() < 1e-6  # nothing is found where nobody looked
        segmenter.scores(picture(160, 224), [Prompt(1, box=Box(20, 20, 80, 80), clicks=[Click(50, 50)])], key=0)
        assert len(seen) == 2

    def test_a_box_is_looked_at_again_with_what_was_found(self, monkeypatch):
        model, passes = small_click_segmenter(**self.SETTINGS, box_looks=2), []
        segment = model.segment
        monkeypatch.setattr(model, 'segment', lambda *a: passes.append(a[2].sigmoid().amax((1, 2))) or segment(*a))
        box = Box(20, 20, 90, 80)
        InteractiveSegmenter(model).scores(picture(160, 224), [Prompt(1, box=box), Prompt(2, box=box, clicks=[Click(50, 50)])])
        first, second = passes
        assert first.shape == second.shape == (2,) and first.max() < 1e-6 and second.min() > 0.01
        passes.clear()
        InteractiveSegmenter(model).scores(picture(160, 224), [Prompt(1, clicks=[Click(50, 50)])])
        assert len(passes) == 2  # the whole frame, the close-up
        with pytest.raises(InputError, match='box_looks is 0'):
            small_click_segmenter(box_looks=0)

    def test_looks_at_a_box_are_means_with_the_mirrored_picture(self):
        """Mirroring the frame and the box mirrors the result; objects without a box are as without the setting."""
        frame, width = picture(160, 192), 192
        box, click = Box(32, 32, 96, 96), Prompt(2, clicks=[Click(120.5, 60.5)])
        other = Box(width - box.x2, box.y1, width - box.x1, box.y2)
        settings = dict(self.SETTINGS, closeup=1.5, box_looks=2)
        plain, mirrored = (
            InteractiveSegmenter(small_click_segmenter(**settings, box_mirrored=value)) for value in (False, True)
        )
        flipped = np.ascontiguousarray(frame[:, ::-1])
        one = mirrored.scores(frame, [click, Prompt(1, box=box)])
        two = mirrored.scores(flipped, [Prompt(1, box=other)])
        torch.testing.assert_close(one[1], two[0].flip(-1), rtol=1e-3, atol=1e-4)
        assert (
            plain.scores(frame, [Prompt(1, box=box)])[0] - plain.scores(flipped, [Prompt(1, box=other)])[0].flip(-1)
        ).abs().max() > 0.01
        torch.testing.assert_close(one[:1], plain.scores(frame, [click]), rtol=1e-4, atol=1e-5)
        clicks = Prompt(1, box=box, clicks=[Click(50, 50), Click(70, 70)])
        mirrored.scores(frame, [Prompt(1, box=box, clicks=clicks.clicks[:1])], key=0)
        torch.testing.assert_close(mirrored.scores(frame, [clicks], key=0), mirrored.scores(frame, [clicks]))

    def test_prompts_are_mirrored(self):
        prompts = PromptTensors(
            torch.tensor([[[3.0, 5.0]], [[1.0, 2.0]]]), torch.ones(2, 1), torch.tensor([[2.0, 3, 8, 9], [0, 0, 0, 0]])
        )
        found = prompts.mirrored(20)
        assert found.clicks.tolist() == [[[17, 5]], [[19, 2]]] and found.boxes.tolist() == [[12, 3, 18, 9], [0, 0, 0, 0]]
        assert prompts.rows([1]).clicks.tolist() == [[[1, 2]]]

    def test_logits_go_from_view_to_view(self):
        segmenter, frame = InteractiveSegmenter(small_click_segmenter(**self.SETTINGS)), picture(160, 224)
        whole, near = segmenter._look(frame, Region.whole((160, 224))), segmenter._look(frame, Region(40, 32, 136, 128))
        ys, xs = torch.meshgrid(torch.arange(16.0), torch.arange(24.0), indexing='ij')
        taken = near.take(ys * 10 + xs, whole)  # a plane of the frame stays that plane
        assert near.cells == (16, 16)
        expected = (32 + 96 * (ys[:, :16] + 0.5) / 16) / 10 * 10 - 5 + (40 + 96 * (xs[:, :16] + 0.5) / 16) / 224 * 24 - 0.5
        torch.testing.assert_close(taken, expected, rtol=0, atol=1e-3)
        assert (whole.take(taken, near) == -30).sum() > 100 and whole.take(taken, near)[8, 9] == pytest.approx(89, abs=0.5)
        assert torch.equal(near.to_frame(taken, (160, 224))[:32], torch.full((32, 224), -30.0))

    def test_a_region_is_kept_while_it_fits(self):
        first = close_up((50, 40, 90, 80), (200, 300), 1.5, None)
        assert first == Region(40, 30, 100, 90)
        assert close_up((45, 40, 90, 80), (200, 300), 1.5, first) == first
        assert close_up((30, 40, 90, 80), (200, 300), 1.5, first) != first  # outgrown
        assert close_up((68, 58, 70, 60), (200, 300), 1.5, None) == Region(45, 35, 93, 83)  # not below 48 pixels
        assert close_up((10, 10, 290, 190), (200, 300), 1.5, None) == Region.whole((200, 300))
        with pytest.raises(InputError, match='closeup is 0.5'):
            small_click_segmenter(closeup=0.5)
