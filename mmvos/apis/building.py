"""Models with their weights, on a device."""

import os

import torch
from mmengine.config import Config
from torch import nn

from mmvos.deployment import is_exported, open_exported
from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils import prepare_for_inference
from mmvos.utils.checkpoint import init_weights_quietly, load_weights

from .models import checkpoint_of, config_of

DEFAULT_MODEL = 'recall-vos'


def init_model(
    config: str | os.PathLike | Config = DEFAULT_MODEL,
    checkpoint: str | None = None,
    device: str | torch.device | None = None,
    cfg_options: dict | None = None,
    trainable: bool = False,
) -> nn.Module:
    """Build a model, load its weights and put it on a device, ready for inference.

    Args:
        config (str | os.PathLike | Config): a config, its path (also relative to MMVOS's ``configs``), or a name that
            ``mmvos models`` lists; also a file of ``mmvos export``, which has its weights.
        checkpoint (str | None): path of the weights, or a name of ``mmvos models`` (default: those that ship with the config,
            if any).
        device (str | torch.device | None): default: the GPU if there is one.
        cfg_options (dict | None): overrides of the config.
        trainable (bool): leave it as it learns, for a training: slower, its batch norms are not folded.

    Returns:
        nn.Module: the model in evaluation mode, on the device.

    Raises:
        InputError: a config, weights or a device that is not there or does not fit; weights or overrides for an exported model,
            or one that is to be trained.
    """
    if is_exported(config):
        if trainable:
            raise InputError(f'{config}: an exported model cannot be trained; give the config that it was exported from.')
        if checkpoint is not None or cfg_options:
            raise InputError(f'{config}: an exported model has its weights and settings; give no others.')
        return open_exported(config, device)
    device = checked_device(device)
    config = config_of(config, cfg_options)
    model, weights = MODELS.build(config.model), checkpoint_of(config, checkpoint)
    if weights is None:
        init_weights_quietly(model)  # may fetch pretrained weights of a backbone, which a checkpoint replaces
    else:
        load_weights(model, weights)
    model = model.to(device)
    return model.eval() if trainable else prepare_for_inference(model)


def checked_device(device: str | torch.device | None) -> torch.device:
    """The device of a name; without one the GPU if there is one, else the CPU.

    Raises:
        InputError: there is no such device.
    """
    try:
        chosen = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch was built without CUDA
        raise InputError(f'--device {device}: not a device of this machine; expected cpu, cuda, cuda:1, ...') from error
    return chosen
