"""A training that is resumed with another length or schedule follows the config from there on."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger

from mmvos.engine import build_runner
from mmvos.registry import HOOKS
from mmvos.structures import InputError
from tests.test_engine.test_resume import config

RATES: dict[int, float] = {}


@HOOKS.register_module()
class RateHook(Hook):
    """Notes the learning rate of every iteration."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        RATES[runner.iter] = runner.optim_wrapper.param_groups[0]['lr']


def rates(cfg, resume=''):
    """Learning rate by iteration."""
    MMLogger._instance_dict.clear()
    RATES.clear()
    cfg.custom_hooks = [dict(type='RateHook')]
    if resume:
        cfg.resume, cfg.load_from = True, str(resume)
    build_runner(cfg).train()
    return dict(RATES)


def cosine(length):
    return {
        'train_cfg.max_iters': length,
        'param_scheduler': [
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=4),
            dict(type='CosineAnnealingLR', T_max=length - 4, eta_min=1e-4, by_epoch=False, begin=4, end=length),
        ],
    }


def by_epochs(length):
    return {
        'train_cfg.max_epochs': length,
        'by_epoch': True,
        'param_scheduler': [
            dict(type='PolyLR', power=0.9, by_epoch=True, convert_to_iter_based=True),
            dict(type='MultiStepLR', milestones=[1, length - 1], by_epoch=True),
        ],
    }


CASES = {
    'longer': (cosine(12), cosine(24), 'iter_8.pth'),
    'shorter': (cosine(24), cosine(12), 'iter_8.pth'),
    'a length that follows from the loop': (
        {'param_scheduler': [dict(type='PolyLR', power=0.9, by_epoch=False)]},
        {'param_scheduler': [dict(type='PolyLR', power=0.9, by_epoch=False)], 'train_cfg.max_iters': 20},
        'iter_12.pth',
    ),
    'epochs': (by_epochs(2), by_epochs(4), 'epoch_2.pth'),
    'one schedule more': ({'param_scheduler': cosine(12)['param_scheduler'][1:]}, cosine(12), 'iter_4.pth'),
    'another rate': ({}, {'optim_wrapper.optimizer.lr': 0.02}, 'iter_4.pth'),
    'the same': (cosine(12), cosine(12), 'iter_8.pth'),
}


@pytest.mark.parametrize('name', [*CASES, 'longer, FlexibleRunner', 'epochs, FlexibleRunner'])
def test_rates_are_those_of_the_config(name, tmp_path, capfd):
    before, after, checkpoint = CASES[name.removesuffix(', FlexibleRunner')]
    more = dict(log_level='INFO')
    if 'Flexible' in name:
        more.update(runner_type='FlexibleRunner', env_cfg={})
    rates(config(tmp_path / 'before', **before, **more))
    assert 'rates are those of the config' not in capfd.readouterr().out
    expected = rates(config(tmp_path / 'expected', **after, **more))
    found = rates(config(tmp_path / 'after', **after, **more), tmp_path / 'before' / checkpoint)
    assert min(found) > 3 and found == {number: expected[number] for number in found}
    assert ('rates are those of the config' in capfd.readouterr().out) == (before != after)


def test_a_schedule_that_is_shorter_than_the_training_is_named(tmp_path, capfd):
    cosine_alone = dict(type='CosineAnnealingLR', T_max=12, by_epoch=False)
    for name, schedule, words in (
        ('a', [cosine_alone], 'CosineAnnealingLR is at its lowest after 12 of 24 iterations and rises again'),
        ('b', [dict(type='PolyLR', end=12, by_epoch=False)], 'PolyLR is at its lowest after 12 of 24 iterations and stays'),
        ('c', [dict(cosine_alone, end=12), dict(type='ConstantLR', factor=0.5, begin=12, end=24, by_epoch=False)], ''),
        ('d', [dict(type='LinearLR', start_factor=0.1, end=4, by_epoch=False)], ''),
    ):
        rates(config(tmp_path / name, **{'train_cfg.max_iters': 24, 'param_scheduler': schedule}, log_level='WARNING'))
        printed = capfd.readouterr().out
        assert (words in printed) if words else ('at its lowest' not in printed)


def test_a_schedule_that_follows_a_metric_is_not_changed_on_the_way(tmp_path):
    schedule = dict(type='ReduceOnPlateauLR', monitor='loss', by_epoch=True, patience=1)
    rates(config(tmp_path, by_epoch=True, param_scheduler=[dict(type='MultiStepLR', milestones=[1])]))
    with pytest.raises(InputError, match='cannot be changed on resume'):
        rates(config(tmp_path / 'after', by_epoch=True, param_scheduler=[schedule]), tmp_path / 'epoch_2.pth')


def test_a_checkpoint_of_a_longer_training_ends_at_once(tmp_path):
    rates(config(tmp_path, **cosine(12)))
    assert rates(config(tmp_path / 'after', **cosine(8)), tmp_path / 'iter_8.pth') == {}
    assert torch.load(tmp_path / 'iter_12.pth', weights_only=False)['meta']['iter'] == 12
