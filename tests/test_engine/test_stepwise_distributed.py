"""AGSS-VOS and RGMP, which step once per frame, learn the same on two processes as on one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmvos.structures import InputError

ROOT = Path(__file__).parents[2]
SCRIPT = r"""
import random

import numpy as np
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper

import mmvos.datasets, mmvos.models
from mmengine.registry import init_default_scope
from mmvos.engine import StepwiseDistributed
from mmvos.registry import DATASETS, MODELS
from mmvos.utils.ranks import by_itself

torch.set_num_threads(1)
init_default_scope('mmvos')
dist.init_process_group('gloo')
rank = dist.get_rank()
for name in ('agss_vos/agss-vos_mini_synthvos', 'rgmp/rgmp_mini_synthvos'):
    cfg = Config.fromfile(f'configs/{name}.py')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    random.seed(0), np.random.seed(0), torch.manual_seed(0)  # both processes make the same clips
    samples = [dataset[0], dataset[1]]
    for sample in samples:
        sample['inputs'] = sample['inputs'][:4]
        truth = sample['data_samples']
        truth.gt_label_maps = truth.gt_label_maps[:4]
        assert truth.gt_label_maps[0].any()

    def weights(chosen, wrap):
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        model.init_weights()
        for module in model.modules():  # a batch norm knows the frames of its own process alone
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.eval()
                module.train = lambda mode=True, module=module: module
        model.train()
        # plain SGD: a wrong factor of a gradient shows, which Adam would hide
        optimiser = OptimWrapper(torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05))
        before = {n: p.detach().clone() for n, p in model.named_parameters()}
        data = pseudo_collate([samples[i] for i in chosen])
        logged = (StepwiseDistributed(model) if wrap else model).train_step(data, optimiser)
        assert all(torch.isfinite(v).all() for v in logged.values())
        return before, dict(model.named_parameters())

    with by_itself():
        before, alone = weights((0, 1), False)
    _, together = weights((rank,), True)
    moved = max(float((alone[n] - before[n]).abs().max()) for n in alone)
    apart = max(float((alone[n] - together[n]).abs().max()) for n in alone)
    assert moved > 1e-3, moved
    assert apart < 1e-4 * moved, (name, moved, apart)
    if rank == 0:
        print(name, 'moved', moved, 'apart', apart, flush=True)
"""


def test_two_processes_step_as_one_does(tmp_path):
    script = tmp_path / 'two.py'
    script.write_text(SCRIPT)
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', '--master_port=29517', str(script)]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[:6000]
    assert done.stdout.count('apart') == 2


def test_a_wrapper_that_steps_once_per_clip_is_refused(monkeypatch):
    import torch
    from mmengine.config import Config

    from mmvos.registry import MODELS

    model = MODELS.build(Config.fromfile(ROOT / 'configs/agss_vos/agss-vos_mini_synthvos.py').model)
    monkeypatch.setattr('mmvos.models.segmentors.stepwise_training.number_of_ranks', lambda: 2)
    with pytest.raises(InputError, match='model_wrapper_cfg.*StepwiseDistributed'):
        model.loss(torch.zeros(1, 2, 3, 64, 64), [])
