"""Parts of a model that begin to learn later than the others."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from typing_extensions import override

from mmvos.registry import HOOKS
from mmvos.structures import InputError

from .attributes import find_attribute

DATA_BATCH = dict | tuple | list | None


@HOOKS.register_module()
class FreezeHook(Hook):
    """A part of the model begins to learn later.

    Its learning rate is 0 in each iteration until then, which also holds for a model that is wrapped for several
    processes; batch norms keep counting. Needs an optimizer whose parameter groups do not mix the part with others,
    as those of ``paramwise_cfg`` with ``custom_keys`` do not.

    Args:
        module (str): dotted path of the part.
        until (int): epoch in which it begins to learn, from 0.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self, module: str, until: int) -> None:
        self.module, self.until = module, until
        self._groups: list[dict] = []
        self._rates: list[tuple[dict, float]] = []

    def before_train(self, runner: Runner) -> None:
        owner, name = find_attribute(runner.model, self.module)
        frozen = {id(p) for p in getattr(owner, name).parameters()}
        self._groups = []
        for group in runner.optim_wrapper.optimizer.param_groups:
            inside = [id(p) in frozen for p in group['params']]
            if any(inside) and not all(inside):
                raise InputError(
                    f'the optimizer mixes {self.module} with other parameters in one group; set '
                    f"paramwise_cfg=dict(custom_keys={{'{self.module}': dict(lr_mult=...)}})."
                )
            if any(inside):
                self._groups.append(group)

    @override
    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None) -> None:
        if runner.epoch < self.until:
            self._rates = [(group, group['lr']) for group in self._groups]
            for group in self._groups:
                group['lr'] = 0.0

    @override
    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None, outputs: dict | None = None
    ) -> None:
        for group, rate in self._rates:  # schedulers go on from the true rate
            group['lr'] = rate
        self._rates = []
