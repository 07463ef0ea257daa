"""Online training: learns, restores, is deterministic, reads only what is given."""

import multiprocessing
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

import mmvos.datasets  # noqa: F401  (registers)
import mmvos.engine  # noqa: F401  (registers)
from mmvos.datasets.transforms.first_frame_synthesis import FirstFrameSynthesis
from mmvos.inference import Frame, VOSSession
from mmvos.models.losses import OIMLoss
from mmvos.models.segmentors import PER_OBJECT, CausalVOSModel
from mmvos.online.adaptation import adaptation_targets
from mmvos.online.fine_tuning import snapshot
from mmvos.online.per_object import PerObjectModel
from mmvos.online.samples import GivenFrame, mixed_samples
from mmvos.online.stage import AdaptationSettings
from mmvos.online.trainer import OnlineTrainer
from mmvos.registry import MODELS
from mmvos.structures import InputError, one_hot, write_label_map
from mmvos.videos import FrameArrays, LabelSource

PIPELINE = [dict(type='SelectObjects'), dict(type='PackVOSInputs')]
SGD = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=0.02))


@dataclass
class Masks:
    previous: torch.Tensor = field(metadata=PER_OBJECT)


class TinyVOS(CausalVOSModel):
    """A few convolutions of the frame, with or without the previous mask: learns a colour, unless it knows it already."""

    def __init__(self, recurrent=True, **kwargs):
        super().__init__(**kwargs)
        self.recurrent = recurrent
        self.conv = nn.Conv2d(4 if recurrent else 3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.head = nn.Conv2d(8, 1, 1)

    def logits(self, image, previous):
        image = image.expand(len(previous), -1, -1, -1)
        x = torch.cat([image, previous[:, None]], 1) if self.recurrent else image
        return self.head(self.bn(self.conv(x)).relu())[:, 0]

    def loss(self, inputs, data_samples):
        losses = []
        for clip, sample in zip(inputs, data_samples, strict=True):
            masks = one_hot(sample.gt_label_maps, sample.object_ids)
            known = sample.gt_label_maps != 255
            for t in range(len(clip)):
                logits = self.logits(clip[t : t + 1], masks[:, max(t - 1, 0)])
                losses.append(F.binary_cross_entropy_with_logits(logits, masks[:, t], known[t].float().expand_as(logits)))
        return dict(loss_seg=torch.stack(losses).mean())

    def init_state(self, frame, masks):
        return Masks(masks)

    def add_objects(self, frame, masks, state):
        return Masks(torch.cat([state.previous, masks]))

    def step(self, frame, state):
        p = self.logits(frame.image, state.previous).sigmoid()
        return torch.cat([1 - p.amax(0, keepdim=True), p]), Masks((p > 0.5).float())


def toy_video(colour=(200, 60, 60), objects=1, frames=8, seed=0, name='toy'):
    """Coloured squares that move over noise."""
    rng = np.random.default_rng(seed)
    images, label_maps = [], []
    for t in range(frames):
        image = rng.integers(0, 120, (48, 64, 3), dtype=np.uint8)
        label_map = np.zeros((48, 64), np.uint8)
        for k in range(objects):
            top, left = 6 + 20 * k, 4 + 4 * t
            image[top : top + 16, left : left + 16] = np.roll(colour, k)
            label_map[top : top + 16, left : left + 16] = k + 1
        images.append(image)
        label_maps.append(label_map)
    video = FrameArrays(
        images, video_id=name, prompts={0: label_maps[0]}, metainfo=dict(annotations=dict(enumerate(label_maps)))
    )
    return video, label_maps


def stage(**kwargs):
    return dict(
        dict(
            max_iters=30,
            batch_size=2,
            pipeline=PIPELINE,
            optim_wrapper=SGD,
            synthesis=dict(type='FirstFrameSynthesis', min_size=8),
        ),
        **kwargs,
    )


def model(recurrent=True):
    torch.manual_seed(0)
    return TinyVOS(recurrent).eval()


def score(results, truth):
    values = []
    for result, gt in list(zip(results, truth, strict=True))[1:]:
        union = ((result.pred_label_map > 0) | (gt > 0)).sum()
        values.append(((result.pred_label_map == gt) & (gt > 0)).sum() / union)
    return np.mean(values)


@pytest.mark.parametrize('recurrent', [False, True], ids=['single-frame', 'recurrent'])
def test_it_learns(recurrent):
    video, truth = toy_video()
    net = model(recurrent)
    before = score(VOSSession(net).run(video), truth)
    trainer = OnlineTrainer([stage(clip_len=2, synthesis=dict(type='FirstFrameSynthesis', min_size=8, clip_len=2))])
    after = score(trainer.run(net, video), truth)
    assert after > max(before, 0.5)
    assert trainer.reports[0]['last_loss'] < 0.5 * trainer.reports[0]['first_loss']


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


def test_weights_are_saved_and_used_again(tmp_path):
    video, _ = toy_video()
    first = OnlineTrainer([stage(max_iters=4)], save_weights=True, work_dir=str(tmp_path))
    expected = [r.pred_label_map for r in first.run(model(), video)]
    again = OnlineTrainer([stage(max_iters=4)], reuse_weights=True, work_dir=str(tmp_path))
    results = [r.pred_label_map for r in again.run(model(), video)]
    assert again.reports == []
    for x, y in zip(expected, results, strict=True):
        np.testing.assert_array_equal(x, y)


def test_an_interrupted_run_goes_on_with_the_weights_it_has(tmp_path):
    (a, _), (b, _) = toy_video(name='a'), toy_video((60, 220, 90), seed=1, name='b')
    settings = dict(save_weights=True, reuse_weights=True, work_dir=str(tmp_path))
    first = OnlineTrainer([stage(max_iters=4)], **settings)
    expected = [r.pred_label_map for r in first.run(model(), a)]  # and here the run ends
    again = OnlineTrainer([stage(max_iters=4)], **settings)
    results = [r.pred_label_map for video in (a, b) for r in again.run(model(), video)]
    assert again.reused == ['a_0'] and [r['name'] for r in again.reports] == ['b_0']
    for x, y in zip(expected, results[: len(expected)], strict=True):
        np.testing.assert_array_equal(x, y)
    assert again.summary(16, 1.0)['reused'] == ['a_0']


@pytest.mark.parametrize('change', ['settings', 'mask', 'start'])
def test_weights_of_another_training_are_not_reused(tmp_path, change):
    video, truth = toy_video()
    first = OnlineTrainer([stage(max_iters=2)], save_weights=True, work_dir=str(tmp_path))
    list(first.run(model(), video))
    net = model()
    if change == 'mask':
        video = FrameArrays(video.frames, video_id='toy', prompts={0: np.roll(truth[0], 3, 1)})
    if change == 'start':
        net.head.bias.data += 1
    again = OnlineTrainer([stage(max_iters=3 if change == 'settings' else 2)], reuse_weights=True, work_dir=str(tmp_path))
    list(again.run(net, video))
    assert again.reused == [] and len(again.reports) == 1


# -- a share of the training set --------------------------------------------------------------------------------------

MIX = dict(
    type='SynthVOSDataset',
    length=50,
    num_frames=1,
    size=(48, 64),
    num_objects=(1, 2),
    seed=3,
    settings=dict(late_prob=0),
    objects=dict(type='ProceduralObjects', size=32),
    pipeline=[dict(type='SampleClip', clip_len=1), dict(type='LoadClip'), *PIPELINE],
)


def ids_of_batches(monkeypatch, **settings):
    """Video ids of all batches of a training, and the weights after it."""
    batches, loss = [], TinyVOS.loss

    def noting(self, inputs, data_samples):
        batches.append([sample.video_id for sample in data_samples])
        return loss(self, inputs, data_samples)

    net, video = model(), toy_video()[0]
    with monkeypatch.context() as patch:
        patch.setattr(TinyVOS, 'loss', noting)
        results = OnlineTrainer([stage(max_iters=6, **settings)]).run(net, video)
        next(results)
        weights = snapshot(net)
        results.close()
    return batches, weights


def test_the_share_of_the_training_set_is_kept():
    for batch_size, ratio in ((4, 0.25), (4, 0.5), (1, 0.5), (3, 0.5), (8, 0.3), (2, 1.0), (2, 0.0)):
        counts = [mixed_samples(i, batch_size, ratio) for i in range(40)]
        assert sum(counts) == round(40 * batch_size * ratio)
        assert max(counts) - min(counts) <= 1


def test_batches_mix_given_frames_and_training_set(monkeypatch):
    batches, weights = ids_of_batches(monkeypatch, batch_size=3, mix_dataset=MIX, mix_ratio=0.5)
    shares = [sum(name.startswith('synth_') for name in batch) for batch in batches]
    assert shares == [1, 2, 1, 2, 1, 2] and {len(batch) for batch in batches} == {3}
    assert len({name for batch in batches for name in batch}) > 5  # other clips every time
    again, same = ids_of_batches(monkeypatch, batch_size=3, mix_dataset=MIX, mix_ratio=0.5)
    assert again == batches and all(torch.equal(v, weights[n]) for n, v in same.items())
    alone, other = ids_of_batches(monkeypatch, batch_size=3)
    assert {name for batch in alone for name in batch} == {'toy'}
    assert not torch.equal(other['head.weight'], weights['head.weight'])


def test_the_model_is_restored_after_mixing():
    video, net = toy_video()[0], model()
    before = snapshot(net)
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    list(OnlineTrainer([stage(max_iters=3, mix_dataset=MIX, mix_ratio=0.5)]).run(net, video))
    assert all(torch.equal(v, before[n]) for n, v in snapshot(net).items()) and np.random.rand() == expected


@pytest.mark.parametrize('settings', [dict(mix_dataset=MIX), dict(mix_ratio=0.5), dict(mix_dataset=MIX, mix_ratio=1.5)])
def test_half_a_mixture_is_refused(settings):
    with pytest.raises(ValueError, match='mix_ratio'):
        OnlineTrainer([stage(**settings)])


class TableVOS(TinyVOS):
    """With tables that are written in training and shared by ranks in offline training."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.oim = OIMLoss(8, 4, 8)

    def loss(self, inputs, data_samples):
        features = F.normalize(self.conv(torch.cat([inputs[:, 0], inputs[:, 0, :1]], 1)).mean((2, 3)), dim=1)
        losses = super().loss(inputs, data_samples)
        return dict(losses, loss_id=self.oim(features, torch.arange(len(features))))


def label_maps_of(videos):
    """Label maps of videos after training on each, and on all."""
    torch.manual_seed(0)
    net, maps = TableVOS().eval(), []
    stages = [stage(mode='per_dataset', max_iters=3), stage(max_iters=4, mix_dataset=MIX, mix_ratio=0.5)]
    trainer = OnlineTrainer(stages)
    trainer.before_test(net, lambda: iter([toy_video(name=name)[0] for name in 'abc']))
    for name in videos:
        maps += [r.pred_label_map for r in trainer.run(net, toy_video(name=name)[0])]
    return np.stack(maps)


def run_rank(rank, rendezvous, answers):
    """One of two processes; the second has more videos."""
    dist.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank, world_size=2)
    answers.put((rank, label_maps_of(['a', 'bc'][rank])))
    dist.destroy_process_group()


def test_two_ranks_give_what_one_gives(tmp_path):
    context = multiprocessing.get_context('fork')
    answers = context.Queue()
    processes = [context.Process(target=run_rank, args=(rank, tmp_path / 'rendezvous', answers)) for rank in range(2)]
    for process in processes:
        process.start()
    received = dict(answers.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(60)
    np.testing.assert_array_equal(np.concatenate([received[0], received[1]]), label_maps_of('abc'))


def test_per_dataset_trains_once_on_all_given_frames():
    (a, _), (b, truth) = toy_video(name='a'), toy_video(seed=1, name='b')
    net = model()
    trainer = OnlineTrainer([stage(mode='per_dataset')])
    trainer.before_test(net, lambda: iter([a, b]))
    assert [r['name'] for r in trainer.reports] == ['dataset_0']
    assert score(trainer.run(net, b), truth) > 0.5


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


# -- synthesis ---------------------------------------------------------------------------------------------------------


def picture(seed=0):
    """A smooth textured frame with two objects."""
    rng = np.random.default_rng(seed)
    noise = F.interpolate(torch.from_numpy(rng.random((1, 3, 15, 20))), (120, 160), mode='bicubic').clamp(0, 1)
    frame = (255 * noise[0].permute(1, 2, 0).numpy()).astype(np.uint8)
    label_map = np.zeros((120, 160), np.uint8)
    label_map[20:60, 20:70] = 4
    label_map[70:105, 90:140] = 9
    return frame, label_map


def test_dreams_keep_sizes_and_ids():
    frame, label_map = picture()
    dream, rng = FirstFrameSynthesis(clip_len=3, min_size=20), np.random.default_rng(0)
    for _ in range(10):
        clip = dream(frame, label_map, rng)
        assert len(clip.frames) == len(clip.label_maps) == len(clip.flows_bwd) == 3
        assert clip.frames[0].shape == frame.shape and clip.frames[0].dtype == np.uint8
        assert set(np.unique(clip.label_maps)) <= {0, 4, 9}
        assert len(set(np.unique(clip.label_maps[0])) - {0}) >= 1


def test_identity_reproduces_the_frame():
    frame, label_map = picture()
    clip = FirstFrameSynthesis(identity_prob=1.0)(frame, label_map, np.random.default_rng(0))
    np.testing.assert_array_equal(clip.label_maps[0], label_map)
    np.testing.assert_array_equal(clip.frames[0], frame)


def test_flow_carries_the_previous_frame_to_the_next():
    import cv2

    frame, label_map = picture()
    dream, rng = FirstFrameSynthesis(clip_len=2, min_size=20), np.random.default_rng(1)
    errors, same_object = [], []
    for _ in range(10):
        clip = dream(frame, label_map, rng)
        (old, new), (old_labels, labels), flow = clip.frames, clip.label_maps, clip.flows_bwd[1]
        y, x = np.mgrid[:120, :160].astype(np.float32)
        u, v = x + flow[..., 0], y + flow[..., 1]
        inside = (u > 0) & (v > 0) & (u < 159) & (v < 119)
        source = cv2.remap(old_labels, u, v, cv2.INTER_NEAREST)
        carried = cv2.remap(old, u, v, cv2.INTER_LINEAR)

        def interior(label):  # three pixels away from every border between layers
            kernel = np.ones((7, 7), np.uint8)
            return cv2.dilate(label, kernel) == cv2.erode(label, kernel)

        was_interior = cv2.remap(interior(old_labels).astype(np.uint8), u, v, cv2.INTER_NEAREST) > 0
        plain = inside & (source == labels) & interior(labels) & was_interior
        errors.append(np.abs(carried.astype(int) - new)[plain].mean())
        objects = (labels > 0) & inside
        same_object.append((source == labels)[objects].mean() if objects.any() else 1)
    assert np.mean(errors) < 2
    assert np.mean(same_object) > 0.97
