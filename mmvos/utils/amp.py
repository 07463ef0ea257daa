"""Mixed precision: one switch, and what stays out of it."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
from mmengine.config import Config

from mmvos.structures import InputError

Method = TypeVar('Method', bound=Callable[..., Any])


def in_float32(method: Method) -> Method:
    """Decorator of a function, or a part's method, that is not to be run in half precision: autocast is off inside.

    Matrices that are solved, and sums of many cells, lose too much in 8 or 11 bits, and some operations do not exist in
    them. The function brings its arguments to float32 itself where they may be halves (see :func:`widened`).
    """

    @functools.wraps(method)
    def run(*args: Any, **kwargs: Any) -> Any:
        tensor = next(_tensors([*args, *kwargs.values()]))
        with torch.autocast(tensor.device.type, enabled=False):
            return method(*args, **kwargs)

    return run  # type: ignore[return-value]  # the same signature as the method


def widened(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor as float32; float64 stays."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


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
