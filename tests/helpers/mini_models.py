"""The mini configs of all methods."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvos.apis import init_model
from mmvos.datasets.staged import Stage
from mmvos.models import *  # noqa: F401,F403  (registers)
from mmvos.models.segmentors import BaseVOSModel
from mmvos.registry import HOOKS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
MINI = sorted(p.relative_to(CONFIGS).as_posix() for p in CONFIGS.glob('*/*mini*.py'))


def load(name):
    torch.manual_seed(0)
    np.random.seed(0)
    cfg = Config.fromfile(CONFIGS / name)
    model = MODELS.build(cfg.model)
    if not isinstance(model, BaseVOSModel):
        pytest.skip('not a VOS model: instances have tests of their own')
    model.init_weights()
    return cfg, model


def first_stages(cfg):
    """The first stage of every curriculum of a config."""
    hooks = [HOOKS.build(hook) for hook in cfg.get('custom_hooks', []) if hook.type == 'CurriculumHook']
    return {hook.name: Stage(0, hook.num_stages) for hook in hooks}


def save_random_weights(config, path):
    """Weights of a config's model before any training, the same in every run, as a checkpoint; returns its path."""
    torch.manual_seed(0)
    torch.save(dict(state_dict=init_model(config, 'none', 'cpu').state_dict()), path)
    return str(path)
