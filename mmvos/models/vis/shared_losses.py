"""mmdet's losses in several processes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmvos.utils.ranks import mean_over_ranks


class SharedLosses:
    """Makes losses that each process has divided by its own number of samples those of the whole batch.

    mmdet divides losses by the number of sampled anchors or RoIs (``avg_factor``), or takes the mean over positive RoIs, of
    the images of one process. How many there are is noted when a loss is computed.

    Args:
        modules (Mapping[str, nn.Module]): loss modules, by the names of what they give in the dict of losses.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self.names = tuple(modules)
        self._counts: dict[str, float] = {}
        for name, module in modules.items():
            module.register_forward_pre_hook(partial(self._note, name), with_kwargs=True)

    def _note(self, name: str, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:  # noqa: ARG002  (a hook)
        count = kwargs.get('avg_factor')
        self._counts[name] = float(len(args[0]) if count is None else count)

    def rescaled(self, losses: dict[str, Any]) -> dict[str, Any]:
        """The losses of this process, each times its number of samples over the mean number of all processes.

        A loss that was not computed, for want of positive samples, is 0 and stays so.
        """
        device = next(value.device for value in losses.values() if isinstance(value, Tensor))
        counts = torch.tensor([self._counts.get(name, 0.0) for name in self.names], device=device)
        self._counts.clear()
        shares = dict(zip(self.names, counts / mean_over_ranks(counts).clamp(min=1e-6), strict=True))
        return {name: _times(value, shares[name]) if name in shares else value for name, value in losses.items()}


def _times(value: Tensor | list[Tensor], share: Tensor) -> Tensor | list[Tensor]:
    return [level * share for level in value] if isinstance(value, list) else value * share
