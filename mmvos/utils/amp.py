"""Mixed precision by one switch."""

import torch
from mmengine.config import Config


def use_amp(cfg: Config) -> None:
    """Turn the optimiser wrapper of a training config, and the session's precision at validation, to mixed precision.

    mmengine's ``AmpOptimWrapper`` refuses a CPU; there, bfloat16 autocast needs no loss scaling, and MMVOS's
    ``CPUAmpOptimWrapper`` is used.
    """
    wrapper = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if wrapper not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp cannot be combined with the optimiser wrapper {wrapper!r} of this config.')
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        cfg.optim_wrapper.type = 'CPUAmpOptimWrapper'
        cfg.optim_wrapper.pop('loss_scale', None)
