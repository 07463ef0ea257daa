"""Fine-tuning a model, and putting it back."""

import copy
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvos.structures import InputError
from mmvos.utils.ranks import by_itself

from .samples import GivenFrame, SampleMaker
from .stage import OnlineStage


class TrainingReport(TypedDict):
    """What a training did and took: optimiser steps, first and last loss, seconds."""

    name: str
    iterations: int
    first_loss: float
    last_loss: float
    synthesis_seconds: float
    train_seconds: float


def fine_tune(
    model: nn.Module, stage: OnlineStage, samples: SampleMaker, given: Sequence[GivenFrame], report: TrainingReport
) -> None:
    """Train a model, in its trainable mode, on samples of given frames; ends early at a loss that is not finite.

    Args:
        model (nn.Module): changed in place; see :func:`trainable_mode`.
        stage (OnlineStage): how it is trained.
        samples (SampleMaker): makes the batches.
        given (Sequence[GivenFrame]): at least one frame.
        report (TrainingReport): written to as training goes on.
    """
    rng = np.random.default_rng(np.random.randint(2**31))
    wrapper = build_optim_wrapper(model, copy.deepcopy(dict(stage.optim_wrapper)))
    configs = stage.param_scheduler or []
    schedulers = [
        PARAM_SCHEDULERS.build(dict(config, optimizer=wrapper, by_epoch=False))
        for config in ([configs] if isinstance(configs, Mapping) else configs)
    ]
    for iteration in range(stage.max_iters):
        start = time.perf_counter()
        batch = samples.batch(iteration, given, rng)
        middle = time.perf_counter()
        loss = train_step(model, batch, wrapper)
        for scheduler in schedulers:
            scheduler.step()
        report['synthesis_seconds'] += middle - start
        report['train_seconds'] += time.perf_counter() - middle
        report['iterations'] = iteration + 1
        report['last_loss'] = loss
        if iteration == 0:
            report['first_loss'] = loss
        if not math.isfinite(loss):
            return


def train_step(model: Any, batch: list[dict], wrapper: OptimWrapper, weight: float = 1.0) -> float:
    """One optimiser step; returns the loss before it. Nothing is changed if the loss is not finite.

    Args:
        model (BaseVOSModel): not wrapped for several processes.
        batch (list[dict]): samples, as a training pipeline gives them.
        wrapper (OptimWrapper): holds the model's parameters.
        weight (float): factor of the loss.
    """
    data = model.data_preprocessor(pseudo_collate(batch), training=True)
    with wrapper.optim_context(model):
        loss, _ = model.parse_losses(model(**data, mode='loss'))
    if torch.isfinite(loss):
        wrapper.update_params(weight * loss)
    return loss.item()


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters and buffers."""
    return {name: tensor.detach().clone() for name, tensor in _tensors(model).items()}


def copy_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put a snapshot back, in place; a buffer that has grown since then is made as large as it was."""
    tensors = _tensors(model)
    with torch.no_grad():
        for name, value in weights.items():
            tensor = tensors[name]
            if tensor.shape != value.shape:
                tensor.resize_(value.shape)
            tensor.copy_(value)


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


@contextmanager
def restored(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside, the weights and buffers are the same afterwards."""
    before = snapshot(model)
    try:
        yield
    finally:
        copy_weights(model, before)


@contextmanager
def trainable_mode(model: nn.Module, stage: OnlineStage) -> Iterator[None]:
    """Training mode and gradients for the parameters that the stage trains; evaluation mode afterwards.

    The process trains by itself: on videos of its own, or on the same samples as all others.

    Raises:
        InputError: the stage's ``trainable`` matches no parameter that trains.
    """
    flags = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    if stage.trainable is not None:
        chosen = {name for name in flags if any(re.search(pattern, name) for pattern in stage.trainable)}
        if not any(flags[name] for name in chosen):
            raise InputError(f'online training: no parameter that trains matches trainable={list(stage.trainable)}.')
        for name, parameter in model.named_parameters():
            parameter.requires_grad = flags[name] and name in chosen
    model.train()
    for module in model.modules() if stage.freeze_bn else ():
        if isinstance(module, _BatchNorm):
            module.eval()
    try:
        with torch.enable_grad(), by_itself():
            yield
    finally:
        model.zero_grad(set_to_none=True)
        for name, parameter in model.named_parameters():
            parameter.requires_grad = flags[name]
        model.eval()
