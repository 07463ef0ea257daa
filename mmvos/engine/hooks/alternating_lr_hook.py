"""Learning rates that depend on the stream that a training batch comes from."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from typing_extensions import override

from mmvos.registry import HOOKS
from mmvos.structures import InputError


@HOOKS.register_module()
class AlternatingLRHook(Hook):
    """For the step of one batch, multiplies the learning rate of every parameter by a factor of the batch's stream.

    The schedulers see the undisturbed rates. The optimiser must have one group per parameter (``optim_wrapper =
    dict(paramwise_cfg=dict(norm_decay_mult=1.), ...)`` or any other ``paramwise_cfg`` does that).

    Args:
        lr_mult (dict[str, dict[str, float]]): ``{stream: {prefix of the parameter's name: factor}}``; the longest prefix that
            fits counts, ``''`` fits all.
    """

    priority = 'VERY_HIGH'  # after the step: restored before the schedulers look

    def __init__(self, lr_mult: dict[str, dict[str, float]]) -> None:
        self.lr_mult = {stream: dict(table) for stream, table in lr_mult.items()}

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        self._factors: dict[str, list] = {}
        for stream, table in self.lr_mult.items():
            unused = [prefix for prefix in table if not any(name.startswith(prefix) for name in names.values())]
            if unused:
                raise InputError(f'AlternatingLRHook: no parameter of the model begins with {unused[0]!r} (stream {stream!r}).')
            factors = []
            for group in runner.optim_wrapper.optimizer.param_groups:
                found = {self._factor(table, names[id(parameter)]) for parameter in group['params']}
                if len(found) > 1:
                    raise InputError(
                        'AlternatingLRHook: a group of the optimiser holds parameters with different factors '
                        f'{sorted(found)}. Give optim_wrapper a paramwise_cfg, which makes one group per '
                        'parameter.'
                    )
                factors.append(found.pop())
            self._factors[stream] = factors

    @staticmethod
    def _factor(table: dict[str, float], name: str) -> float:
        fitting = [prefix for prefix in table if name.startswith(prefix)]
        return table[max(fitting, key=len)] if fitting else 1.0

    @override
    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        streams = {sample.get('stream') for sample in data_batch['data_samples']}
        if len(streams) != 1 or not streams <= self._factors.keys():
            raise InputError(
                f'AlternatingLRHook: a batch of the streams {sorted(map(str, streams))}; expected one of '
                f'{sorted(self._factors)}.'
            )
        groups = runner.optim_wrapper.optimizer.param_groups
        self._scheduled = [group['lr'] for group in groups]
        for group, factor in zip(groups, self._factors[streams.pop()], strict=True):
            group['lr'] *= factor

    @override
    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        for group, rate in zip(runner.optim_wrapper.optimizer.param_groups, self._scheduled, strict=True):
            group['lr'] = rate
