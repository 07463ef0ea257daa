"""Batches that alternate between still images and pairs of frames, and their learning rates."""

from pathlib import Path

import pytest
import torch
from golden import load_golden
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS

from mmvos.datasets import AlternatingDatasets
from mmvos.datasets.samplers import AlternatingBatchSampler, AlternatingSampler
from mmvos.engine.hooks import AlternatingLRHook
from mmvos.structures import VOSDataSample

CONFIGS = Path(__file__).parents[2] / 'configs' / 'cosnet'


class Numbers(torch.utils.data.Dataset):
    """Items that are their own index."""

    def __init__(self, first, size):
        self.first, self.size = first, size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return dict(inputs=self.first + index, data_samples=VOSDataSample())


def test_batches_alternate_by_one_counter_over_epochs():
    data = AlternatingDatasets(dict(video=[Numbers(100, 5), Numbers(200, 4)], still=Numbers(0, 7)))
    assert len(data) == 16 and data[6]['inputs'] == 201 and data[6]['data_samples'].stream == 'video'
    sampler = AlternatingSampler(data, seed=3)
    batches = AlternatingBatchSampler(sampler, 2, ('still', 'video', 'video'), num_batches=4)
    streams, drawn = [], dict(still=[], video=[])
    for epoch in range(6):
        sampler.set_epoch(epoch)
        for batch in batches:
            names = {data[i]['data_samples'].stream for i in batch}
            assert len(names) == 1
            streams += names
            drawn[streams[-1]] += batch
    assert streams == ['still', 'video', 'video'] * 8  # 4 batches an epoch are no multiple of 3
    assert sorted(drawn['still'][:7]) == sorted(drawn['still'][7:14]) == list(range(9, 16))
    assert sorted(drawn['video'][:9]) == sorted(drawn['video'][9:18]) == list(range(9))
    with pytest.raises(ValueError, match='may only name the'):
        AlternatingBatchSampler(sampler, 2, ('stil', 'video'))


def test_ranks_share_a_batch_without_overlap():
    data = AlternatingDatasets(dict(video=Numbers(0, 12)))
    seen = []
    for rank in range(3):
        batches = AlternatingBatchSampler(AlternatingSampler(data, seed=0), 2, ('video',), num_batches=2)
        batches.rank, batches.world_size = rank, 3
        seen += [i for batch in batches for i in batch]
    assert sorted(seen) == list(range(12))


def test_learning_rates_of_the_recipe_are_the_original_ones():
    """Every row of the original's table: rates by the *global* step, which is the one counter here."""
    cfg = Config.fromfile(CONFIGS / 'cosnet_r101_davis2016-saliency.py')
    parts = ('backbone', 'neck', 'static_head', 'co_attention', 'target_head', 'reference_head')
    model = torch.nn.ModuleDict({name: torch.nn.Linear(1, 1, bias=False) for name in parts})
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    for scheduler in cfg.param_scheduler:  # all by iteration here: 130 of them an epoch
        if scheduler.get('by_epoch'):
            scheduler.milestones = [m * 130 for m in scheduler.milestones]
    schedulers = [PARAM_SCHEDULERS.build(dict(s, optimizer=optim, by_epoch=False)) for s in cfg.param_scheduler]
    hook = AlternatingLRHook(next(h for h in cfg.custom_hooks if h.type == 'AlternatingLRHook').lr_mult)
    runner = type('Runner', (), dict(model=model, optim_wrapper=optim))
    hook.before_train(runner)
    names = {id(p): n for n, p in model.named_parameters()}
    pattern = cfg.train_dataloader.batch_sampler.pattern
    rates = []
    for step in range(60 * 130):
        batch = dict(data_samples=[dict(stream=pattern[step % 3])])
        hook.before_train_iter(runner, step, batch)
        by_name = {names[id(g['params'][0])].split('.')[0]: g['lr'] for g in optim.optimizer.param_groups}
        assert by_name['neck'] == by_name['static_head'] == by_name['backbone']
        rates.append((by_name['backbone'], by_name['co_attention'], by_name['target_head']))
        hook.after_train_iter(runner, step, batch)
        optim.step()  # without gradients nothing moves
        for scheduler in schedulers:
            scheduler.step()
    for epoch, iteration, _, embedding, rest in load_golden('cosnet')[1]['lr.table']:
        rate = rates[int(epoch) * 130 + int(iteration)]
        assert rate == pytest.approx((embedding, rest, rest), rel=1e-6)
