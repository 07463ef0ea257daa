"""What a training begins from is what the one before has made: each tensor has its place, but for what its config lists."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from recipes import CONFIGS, meta_model, without_initialisers

from mmvos.engine.hooks import LoadCheckHook
from mmvos.registry import MODELS
from mmvos.structures import InputError

EXPERIMENTS = {path.stem: path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts and '_test-' not in path.stem}


def stages():
    """``{config: config of the training before}`` by their names."""
    sources = {name: Config.fromfile(path).get('load_from') or '' for name, path in EXPERIMENTS.items()}
    return {name: Path(source).parts[1] for name, source in sources.items() if source.startswith('work_dirs/')}


STAGES = stages()


@cache
def model_of(name):
    """The model of a config; large ones without memory for their weights, but for MAIN, whose rules of loading look at them."""
    config = Config.fromfile(EXPERIMENTS[name]).model
    real = config.type == 'MAIN' or name.split('_')[1] in ('mini', 'lite0')
    with without_initialisers():
        return MODELS.build(config) if real else meta_model(config)


def load(name, weights):
    """Begin the training of a config with weights; raises what its hook finds wrong."""
    hooks = Config.fromfile(EXPERIMENTS[name]).default_hooks
    hook = LoadCheckHook(ignore=hooks.load_check.get('ignore', ()))
    runner = SimpleNamespace(model=model_of(name), _resume=False, _load_from=STAGES[name])
    hook.after_load_checkpoint(runner, dict(state_dict=weights))


@pytest.mark.parametrize('name', STAGES)
def test_a_stage_takes_the_weights_of_the_one_before(name):
    load(name, dict(model_of(STAGES[name]).state_dict()))  # what does not fit is an error


def test_a_stage_does_not_take_weights_that_lack_a_tensor():
    name = 'rgmp_lite0_davis2016-synthvos_stage2'
    weights = dict(model_of(STAGES[name]).state_dict())
    del weights[next(iter(dict(model_of(name).named_parameters())))]
    with pytest.raises(InputError, match=STAGES[name]):
        load(name, weights)
