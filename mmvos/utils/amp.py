"""Mixed precision by one switch."""

import torch
from mmengine.config import Config

from mmvos.structures import InputError


def use_amp(cfg: Config) -> None:
    """Turn a training config to mixed precision: its optimiser wrapper, and the sessions of its validation.

    mmengine's ``AmpOptimWrapper`` refuses a CPU; there, bfloat16 autocast needs no loss scaling, and MMVOS's
    ``CPUAmpOptimWrapper`` is used.

    Args:
        cfg (Config): changed in place.

    Raises:
        InputError: an optimiser wrapper that has no mixed precision.
    """
    wrapper = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if wrapper not in ('OptimWrapper', 'AmpOptimWrapper', 'CPUAmpOptimWrapper'):
        raise InputError(f'--amp cannot be combined with the optimiser wrapper {wrapper!r} of this config.')
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        cfg.optim_wrapper.type = 'CPUAmpOptimWrapper'
        cfg.optim_wrapper.pop('loss_scale', None)
    if cfg.get('val_cfg'):
        cfg.val_cfg.fp16 = True


def use_amp_in_test(cfg: Config) -> None:
    """Turn a test config to mixed precision.

    Args:
        cfg (Config): changed in place.
    """
    cfg.test_cfg.fp16 = True
