"""What a contract is checked on: fresh models of a config, and its training set; and how a check ends."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from mmvos.datasets.staged import Stage, in_stages
from mmvos.models.segmentors import BaseVOSModel
from mmvos.registry import DATASETS, HOOKS, MODELS
from mmvos.structures import InputError
from mmvos.utils.random import isolated_random_state


class BrokenPromise(Exception):
    """What was found where a promise asks for something else."""


class NotAsked(Exception):
    """Why a promise is not asked of a model."""


class Subject:
    """A config whose models are checked.

    Args:
        cfg (Config): config with ``model`` and, for the check of the gradients, ``train_dataloader``.

    Raises:
        InputError: a config without a model, or of something else than video object segmentation.
    """

    def __init__(self, cfg: Config) -> None:
        if 'model' not in cfg:
            raise InputError(f'{cfg.filename or "config"}: has no `model`; expected the config of a VOS model.')
        self.cfg = cfg
        model = self.model()
        if not isinstance(model, BaseVOSModel):
            raise InputError(
                f'{cfg.filename or "config"}: model {type(model).__name__} is not a VOS model; expected a subclass of '
                'CausalVOSModel or OfflineVOSModel (models of instances have no common contract).'
            )
        self.takes_prompts = model.causal and model.prompted
        self.name = type(model).__name__

    def model(self) -> Any:
        """A new model with the initial weights of the config; the same ones each time."""
        with isolated_random_state(0), _without_messages():
            model = MODELS.build(self.cfg.model)
            if isinstance(model, BaseVOSModel):
                model.init_weights()
        return model

    def prompted_model(self) -> Any:
        """A new model that is asked only if it takes prompts while it runs."""
        if not self.takes_prompts:
            raise NotAsked('it takes no prompts while it runs')
        return self.model()

    def training_batch(self) -> dict[str, Any]:
        """Two samples of the training set; of every curriculum, the first stage."""
        if 'train_dataloader' not in self.cfg:
            raise NotAsked('the config has no train_dataloader')
        hooks = [HOOKS.build(hook) for hook in self.cfg.get('custom_hooks', []) if hook.type == 'CurriculumHook']
        dataset = DATASETS.build(self.cfg.train_dataloader.dataset)
        with in_stages({hook.name: Stage(0, hook.num_stages) for hook in hooks}), isolated_random_state(0):
            return pseudo_collate([dataset[i] for i in range(2)])


@contextmanager
def _without_messages() -> Iterator[None]:
    """mmengine logs how every parameter was initialised; a model is made a dozen times here."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
