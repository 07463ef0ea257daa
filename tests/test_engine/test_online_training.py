"""Online training: learns, restores, is deterministic, reads only what is given."""

import numpy as np
import pytest
import torch
from tiny_vos import TinyVOS, model, score, stage, toy_video
from torch import nn

import mmvos.datasets  # noqa: F401  (registers)
import mmvos.engine  # noqa: F401  (registers)
from mmvos.inference import Frame, VOSSession
from mmvos.online.adaptation import adaptation_targets
from mmvos.online.fine_tuning import snapshot
from mmvos.online.per_object import PerObjectModel
from mmvos.online.samples import GivenFrame, SampleMaker, given_frames
from mmvos.online.stage import AdaptationSettings, OnlineStage
from mmvos.online.trainer import OnlineTrainer
from mmvos.registry import MODELS
from mmvos.structures import InputError, write_label_map
from mmvos.videos import FrameArrays, LabelSource


@pytest.mark.parametrize('recurrent', [False, True], ids=['single-frame', 'recurrent'])
def test_it_learns(recurrent):
    video, truth = toy_video()
    net = model(recurrent)
    before = score(VOSSession(net).run(video), truth)
    trainer = OnlineTrainer([stage(clip_len=2, synthesis=dict(type='FirstFrameSynthesis', min_size=8, clip_len=2))])
    after = score(trainer.run(net, video), truth)
    assert after > max(before, 0.5)
    assert trainer.reports[0]['last_loss'] < 0.5 * trainer.reports[0]['first_loss']


@torch.no_grad()
def test_a_copy_that_is_prepared_for_inference_finds_the_same():
    video, _ = toy_video()
    net = model()
    plain = [r.pred_label_map for r in OnlineTrainer([stage(max_iters=3)]).run(net, video)]
    assert any(isinstance(part, nn.BatchNorm2d) for part in net.modules())
    for per_object in (False, True):
        trainer = OnlineTrainer([stage(max_iters=3, per_object=per_object)])
        fast = [r.pred_label_map for r in trainer.run(net, video, fast=True)]
        assert np.mean([a == b for a, b in zip(plain, fast, strict=True)]) > 0.99
    assert any(isinstance(part, nn.BatchNorm2d) for part in net.modules())  # it can be trained for the next one


def test_a_sample_that_loses_its_object_is_drawn_again():
    class LosesSome:
        calls = 0

        def __call__(self, results):
            self.calls += 1
            return results if self.calls % 5 == 0 else None

    video, _ = toy_video()
    samples = SampleMaker(OnlineStage(pipeline=[dict(type='PackVOSInputs')], optim_wrapper=dict(type='OptimWrapper')))
    samples.pipeline.transforms.insert(0, LosesSome())
    assert len(samples.batch(0, given_frames(video), np.random.default_rng(0))) == samples.stage.batch_size
    assert samples.pipeline.transforms[0].calls == 5 * samples.stage.batch_size


def test_the_model_is_bit_identical_afterwards_and_videos_do_not_influence_each_other():
    net = model()
    before = snapshot(net)
    (a, _), (b, _) = toy_video(name='a'), toy_video((60, 220, 90), seed=1, name='b')
    both = OnlineTrainer([stage(freeze_bn=False)])
    list(both.run(net, a))
    after_a = [r.pred_label_map for r in both.run(net, b)]
    for name, value in snapshot(net).items():
        assert torch.equal(value, before[name]), name
    alone = [r.pred_label_map for r in OnlineTrainer([stage(freeze_bn=False)]).run(model(), b)]
    for x, y in zip(after_a, alone, strict=True):
        np.testing.assert_array_equal(x, y)


def test_global_random_state_is_left_alone():
    video, _ = toy_video()
    net = model()
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    list(OnlineTrainer([stage(max_iters=3)]).run(net, video))
    assert torch.rand(1) == expected[0] and np.random.rand() == expected[1]


def test_later_annotations_are_never_read():
    video, _ = toy_video()
    results = [r.pred_label_map for r in OnlineTrainer([stage(max_iters=5)]).run(model(), video)]
    noise = np.random.default_rng(0).integers(0, 2, (48, 64), dtype=np.uint8)
    other = FrameArrays(
        video.frames, video_id='toy', prompts=video.prompts, metainfo=dict(annotations={i: noise for i in range(1, 8)})
    )
    for x, r in zip(results, OnlineTrainer([stage(max_iters=5)]).run(model(), other), strict=True):
        np.testing.assert_array_equal(x, r.pred_label_map)


def test_only_chosen_parameters_and_no_statistics_change():
    video, _ = toy_video()
    net = model()
    before, seen = snapshot(net), {}
    trainer = OnlineTrainer([stage(max_iters=3, trainable=['^head'])])
    for _ in trainer.run(net, video):
        seen = seen or snapshot(net)
    changed = {name for name, value in seen.items() if not torch.equal(value, before[name])}
    assert changed == {'head.weight', 'head.bias'}
    assert all(p.requires_grad for p in net.parameters())


def test_one_model_per_object_keeps_all_ids():
    video, truth = toy_video(objects=2)
    trainer = OnlineTrainer([stage(per_object=True, max_iters=40)])
    results = list(trainer.run(model(recurrent=False), video))
    assert len(trainer.reports) == 2
    assert results[-1].object_ids == [1, 2] and results[-1].is_last
    for object_id in (1, 2):
        got, gt = results[-1].pred_label_map == object_id, truth[-1] == object_id
        assert (got & gt).sum() > 0.5 * (got | gt).sum()


def late_video():
    """The second of two objects begins at frame 3, as in YouTube-VOS."""
    video, truth = toy_video(objects=2)
    first = np.where(truth[0] == 1, 1, 0).astype(np.uint8)
    late = np.where(truth[3] == 2, 2, 0).astype(np.uint8)
    return FrameArrays(video.frames, video_id='late', prompts={0: first, 3: late}), truth


@pytest.mark.parametrize('settings', [dict(), dict(per_object=True)], ids=['one model', 'one model per object'])
def test_the_session_alone_reads_prompts_and_lays_them_over_results(settings):
    """Prompts that a benchmark lists by object, such as YouTube-VOS's, and session settings hold as without training."""
    video, truth = late_video()
    listed = FrameArrays(
        video.frames,
        video_id='late',
        prompts={0: LabelSource(truth[0]).only([1]), 3: LabelSource(truth[3]).only([2]), 5: LabelSource(truth[5]).only([7])},
    )
    results = list(OnlineTrainer([stage(max_iters=3, **settings)]).run(model(), listed))
    plain = list(OnlineTrainer([stage(max_iters=3, **settings)]).run(model(), video))
    for a, b in zip(results, plain, strict=True):
        np.testing.assert_array_equal(a.pred_label_map, b.pred_label_map)
    assert [r.object_ids for r in results] == [[1]] * 3 + [[1, 2]] * 5
    np.testing.assert_array_equal(results[0].pred_label_map == 1, truth[0] == 1)
    np.testing.assert_array_equal(results[3].pred_label_map == 2, truth[3] == 2)
    assert results[3].frame_name == '00003' and results[-1].is_last


def test_settings_of_the_session_hold_with_one_model_per_object():
    video, truth = late_video()

    def results(**test_cfg):
        torch.manual_seed(0)
        return list(OnlineTrainer([stage(max_iters=3, per_object=True)]).run(TinyVOS(test_cfg=test_cfg).eval(), video))

    assert all(r.pred_scores.shape[0] == 1 + len(r.object_ids) for r in results(keep_scores=True))
    small = results(resize=dict(type='FixedSize', height=24, width=32), keep_scores=True)
    assert small[-1].pred_label_map.shape == (48, 64) and small[-1].pred_scores.shape[1:] == (48, 64)
    post = results(post_process=dict(type='EverythingIsBackground'))
    assert not post[-1].pred_label_map.any()


@MODELS.register_module()
class EverythingIsBackground(nn.Module):
    def forward(self, probabilities, frame):
        return torch.cat([torch.ones_like(probabilities[:1]), 0 * probabilities[1:]])


def test_the_odds_of_the_members_are_merged():
    """An object wins where it is the most probable one and more probable than not."""
    probabilities = iter([torch.tensor([[0.6, 0.9, 0.3, 0.2]]), torch.tensor([[0.8, 0.7, 0.4, 0.6]])])

    def member():
        net = model()
        share = next(probabilities)
        net.step = lambda frame, state: (torch.stack([1 - share, share]), state)
        return net

    merged = PerObjectModel([member(), member()])
    frame = Frame(torch.zeros(1, 3, 1, 4), torch.zeros(1, 3, 1, 4), 0)
    state = merged.init_state(frame, torch.zeros(2, 1, 4))
    scores, state = merged.step(frame, state)
    assert scores.argmax(0).tolist() == [[2, 1, 0, 2]]
    torch.testing.assert_close(scores.sum(0), torch.ones(1, 4))
    scores, _ = merged.step(frame, merged.keep_objects([1], state))
    torch.testing.assert_close(scores[1], torch.tensor([[0.8, 0.7, 0.4, 0.6]]))


def test_a_video_without_a_usable_prompt_is_left_out_of_a_common_training(tmp_path):
    video, truth = toy_video(name='a')
    broken = FrameArrays(video.frames, video_id='broken', prompts={0: tmp_path / 'nothing.png'})
    write_label_map(tmp_path / 'small.png', truth[0][:40])
    small = FrameArrays(video.frames, video_id='small', prompts={0: tmp_path / 'small.png'})
    trainer = OnlineTrainer([stage(mode='per_dataset', max_iters=2)])
    trainer.before_test(model(), lambda: iter([broken, video, small]))
    assert [r['iterations'] for r in trainer.reports] == [2]


def test_damaged_weights_are_made_again(tmp_path):
    video, _ = toy_video()
    settings = dict(save_weights=True, reuse_weights=True, work_dir=str(tmp_path))
    list(OnlineTrainer([stage(max_iters=2)], **settings).run(model(), video))
    (path,) = (tmp_path / 'online').glob('*.pth')
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    again = OnlineTrainer([stage(max_iters=2)], **settings)
    list(again.run(model(), video))
    assert len(again.reports) == 1 and not again.reused and path.stat().st_size == len(whole)


def test_a_loss_that_is_not_finite_falls_back(monkeypatch):
    video, truth = toy_video()
    net = model()
    expected = [r.pred_label_map for r in VOSSession(net).run(video)]
    monkeypatch.setattr(TinyVOS, 'loss', lambda self, *_: dict(loss_seg=self.head.bias.sum() * float('nan')))
    for x, r in zip(expected, OnlineTrainer([stage()]).run(net, video), strict=True):
        np.testing.assert_array_equal(x, r.pred_label_map)


def test_an_empty_given_mask_is_skipped_with_a_warning():
    video, _ = toy_video()
    net = model()
    before = snapshot(net)
    trainer = OnlineTrainer([stage()])
    trainer._train(net, trainer.stages[0], [GivenFrame(video.read(0), np.zeros((48, 64), np.uint8), 'toy')], 'empty')
    assert trainer.reports == [] and all(torch.equal(v, before[n]) for n, v in snapshot(net).items())


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="unknown setting 'iters'"):
        OnlineTrainer([stage(iters=3)])
    with pytest.raises(ValueError, match='per_frame'):
        OnlineTrainer([stage(mode='per_frame')])
    net = model()
    net.prompted = False
    with pytest.raises(InputError, match='takes no prompts'):
        OnlineTrainer([stage()]).check(net)
    for change, message in (
        (dict(max_iters=0), r'stages\[0\]: max_iters is 0'),
        (dict(trainable='head'), 'expected a list of regular expressions'),
        (dict(per_object=True, mode='per_dataset'), "needs mode='per_video'"),
        (dict(pipeline=[]), "needs a 'pipeline'"),
    ):
        with pytest.raises(InputError, match=message):
            OnlineTrainer([stage(**change)])
    with pytest.raises(InputError, match='per_object must be the same'):
        OnlineTrainer([stage(per_object=True), stage()])
    with pytest.raises(InputError, match='adapt and per_object'):
        OnlineTrainer([stage(per_object=True)], adapt=dict())
    with pytest.raises(InputError, match="adapt: unknown setting 'step'; did you mean 'steps'"):
        OnlineTrainer([stage()], adapt=dict(step=3))
    with pytest.raises(InputError, match='at least one stage'):
        OnlineTrainer([])


def test_adaptation_targets_of_an_exact_model():
    truth = np.zeros((480, 640), np.uint8)
    truth[100:200, 100:220] = 3
    scores = torch.stack([torch.from_numpy(truth != 3), torch.from_numpy(truth == 3)]).float()
    settings = AdaptationSettings(neg_dist=100)
    target, far = adaptation_targets(settings, scores, truth, [3])
    assert (target[truth == 3] == 3).all() and set(np.unique(target)) == {0, 3, 255}
    rows, columns = np.nonzero(target == 0)
    # at least 100 px from the mask eroded by 7 px on each side
    dy, dx = np.maximum.reduce([107 - rows, rows - 192, 0 * rows]), np.maximum.reduce([107 - columns, columns - 212, 0 * rows])
    assert np.hypot(dy, dx).min() > 99
    assert (target[far] == 0).all() and not far[truth == 3].any()
    lost, none = adaptation_targets(settings, scores, np.zeros_like(truth), [3])
    assert not none.any() and (lost == 255).all()


def test_adaptation_follows_a_changing_colour():
    video, truth = toy_video(frames=6)
    net = model()
    before = snapshot(net)
    trainer = OnlineTrainer([stage(max_iters=30)], adapt=dict(steps=3, interval=3, lr=1e-3))
    assert score(trainer.run(net, video), truth) > 0.5
    assert all(torch.equal(v, before[n]) for n, v in snapshot(net).items())
