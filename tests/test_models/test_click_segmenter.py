import numpy as np
import pytest
import torch

from mmvos.interaction import InteractiveSegmenter
from mmvos.models.interactive import ClickSegmenter, PromptTensors, SimulatedUser, next_click
from mmvos.registry import MODELS
from mmvos.structures import Box, Click, InputError, Prompt, Scribble


def tiny(seed: int = 0) -> ClickSegmenter:
    torch.manual_seed(seed)
    return MODELS.build(
        dict(
            type='mmvos.ClickSegmenter',
            data_preprocessor=dict(type='mmvos.VOSDataPreprocessor', mean=(127.0,) * 3, std=(128.0,) * 3),
            backbone=dict(type='mmvos.EfficientNetLite', out_indices=(2, 3, 4, 5, 6, 7), frozen_stages=7, norm_eval=True),
            encoder=dict(type='mmvos.PromptEncoder'),
            decoder=dict(type='mmvos.ClickDecoder', channels=(8, 16, 16), dilations=(1, 2)),
            loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
            loss_region=dict(type='mmdet.DiceLoss', use_sigmoid=True),
            test_cfg=dict(resize=dict(type='mmvos.ShortSide', length=64, divisor=32)),
        )
    )


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
    model = tiny()
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


def test_objects_do_not_depend_on_each_other():
    model = tiny().eval()
    with torch.no_grad():
        projected = model.decoder.project(model.extract_feat(torch.randn(1, 3, 64, 96)))
        clicks = torch.tensor([[[20.0, 30.0], [0, 0]], [[60.0, 10.0], [5.0, 5.0]]])
        signs = torch.tensor([[1.0, 0.0], [1.0, -1.0]])
        both = model.segment(projected, PromptTensors(clicks, signs, torch.zeros(2, 4)))
        alone = model.segment(projected, PromptTensors(clicks[:1, :1], signs[:1, :1], torch.zeros(1, 4)))
    torch.testing.assert_close(both[:1], alone, rtol=1e-4, atol=1e-5)


class TestInteractiveSegmenter:
    def test_the_result_depends_on_the_prompts_alone(self):
        segmenter, frame = InteractiveSegmenter(tiny()), picture()
        one = [Prompt(1, clicks=[Click(30, 30)])]
        more = [Prompt(1, clicks=[Click(30, 30), Click(80, 60, False)]), Prompt(2, box=Box(60, 10, 110, 70))]
        fresh = InteractiveSegmenter(tiny()).scores(frame, more)
        segmenter.scores(frame, one, key=0)
        torch.testing.assert_close(segmenter.scores(frame, more, key=0), fresh)
        undone = segmenter.scores(frame, one, key=0)
        torch.testing.assert_close(undone, InteractiveSegmenter(tiny()).scores(frame, one))
        torch.testing.assert_close(segmenter.scores(frame, more, key=0), fresh)

    def test_a_further_click_costs_one_pass_of_the_decoder(self, monkeypatch):
        model = tiny()
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
        segmenter, frame = InteractiveSegmenter(tiny(), frames=2), picture()
        mask = np.zeros((80, 112), bool)
        mask[10:20, 30:50] = True
        assert np.array_equal(segmenter.label_map(frame, [Prompt(9, mask=mask)]) == 9, mask)
        for key in range(4):
            segmenter.label_map(frame, [Prompt(1, scribbles=[Scribble(((5, 5), (40, 40)))])], key)
        assert len(segmenter._ready) == 2

    def test_wrong_prompts_are_one_line(self):
        segmenter = InteractiveSegmenter(tiny())
        with pytest.raises(InputError, match='expected one per object'):
            segmenter.scores(picture(), [Prompt(1, clicks=[Click(1, 1)]), Prompt(1, clicks=[Click(2, 2)])])
        with pytest.raises(InputError, match='object 1: the prompt is empty'):
            segmenter.scores(picture(), [Prompt(1)])
        with pytest.raises(InputError, match='outside the frame'):
            segmenter.scores(picture(), [Prompt(1, clicks=[Click(500, 1)])])
