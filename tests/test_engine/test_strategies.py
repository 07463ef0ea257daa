"""mmengine's strategies (``runner_type = 'FlexibleRunner'``): which are refused, and what those that work do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmvos.engine.runner import check_strategy
from mmvos.structures import InputError
from mmvos.utils.checkpoint import read_checkpoint

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(runner_type='Runner'), "is for runner_type = 'FlexibleRunner'"),
        (dict(launcher='none'), 'start several'),
        (dict(strategy=dict(type='FSDPStrategy')), "expected state_dict_cfg='full'"),
        (dict(), 'is for GPUs, and there is none'),
        (dict(strategy=dict(type='ColossalAIStrategy')), 'colossalai is not installed'),
        (dict(model=dict(type='RGMP'), strategy=dict(type='DDPStrategy')), 'RGMP: steps once per frame'),
        (dict(model=dict(type='RGMP'), strategy=None), 'RGMP: steps once per frame'),
    ],
)
def test_a_strategy_that_would_not_work_is_refused_at_once(changes, words, monkeypatch):
    strategy = dict(type='FSDPStrategy', state_dict_cfg='full')
    good = dict(runner_type='FlexibleRunner', launcher='pytorch', model=dict(type='AGAME'), strategy=strategy)
    monkeypatch.setattr('mmvos.engine.runner.get_device', lambda: 'cpu' if 'there is none' in words else 'cuda')
    check_strategy(Config(dict(good, strategy=dict(type='DDPStrategy'))))
    check_strategy(Config(dict(model=dict(type='RGMP'), launcher='pytorch')))
    with pytest.raises(InputError, match=words):
        check_strategy(Config(dict(good, **changes)))


@pytest.mark.scale
def test_two_processes_resume_as_if_nothing_had_been(tmp_path):
    """From a checkpoint of one file, as any other training; bit for bit."""
    config = tmp_path / 'config.py'
    base = ROOT / 'configs/agame/agame_mini_synthvos.py'
    config.write_text(f"_base_ = '{base}'\nrunner_type = 'FlexibleRunner'\nstrategy = dict(type='DDPStrategy')\n")
    environment = dict(os.environ, OMP_NUM_THREADS='1', PATH=f'{Path(sys.executable).parent}:{os.environ["PATH"]}')
    options = ['train_cfg.val_begin=100', 'default_hooks.checkpoint.interval=2', 'default_hooks.logger.interval=1']
    whole, again = tmp_path / 'whole', tmp_path / 'again'
    for work_dir, more in ((whole, []), (again, ['--resume', str(whole / 'iter_2.pth')])):
        command = ['bash', 'tools/dist_train.sh', str(config), '2', '--work-dir', str(work_dir), *more]
        command += ['--cfg-options', *options, 'train_cfg.max_iters=4']
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert 'resumed epoch: 0, iter: 2' in done.stdout + done.stderr
    paths = whole / 'iter_2.pth', whole / 'iter_4.pth', again / 'iter_4.pth'
    before, expected, found = (read_checkpoint(path)['state_dict'] for path in paths)
    assert any(not torch.equal(value, found[name]) for name, value in before.items())
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
