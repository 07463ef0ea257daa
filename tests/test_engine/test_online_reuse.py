"""Online training: weights that are kept and shared between videos, objects and ranks."""

import multiprocessing

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from tiny_vos import PIPELINE, TinyVOS, model, score, stage, toy_video

import mmvos.datasets  # noqa: F401  (registers)
import mmvos.engine  # noqa: F401  (registers)
from mmvos.models.losses import OIMLoss
from mmvos.online.fine_tuning import snapshot
from mmvos.online.samples import mixed_samples
from mmvos.online.trainer import OnlineTrainer
from mmvos.videos import FrameArrays


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


# A share of the training set

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
