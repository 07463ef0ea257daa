"""How fast a config trains, and whether it waits for data or for the network."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from mmvos.engine import build_runner
from mmvos.structures import InputError
from mmvos.utils import load_config

from .measuring import Clock


@dataclass(frozen=True)
class TrainingSwitches:
    """What changes the speed of a training and not what is learned (TF32 and mixed precision: its rounding).

    Args:
        workers (int | None): ``train_dataloader.num_workers``: processes that make batches; 0: the training process makes them
            itself. None: as the config says, likewise below.
        persistent_workers (bool | None): ``train_dataloader.persistent_workers``: they live on from epoch to epoch.
        pin_memory (bool | None): ``train_dataloader.pin_memory``: batches in memory that a GPU copies from without waiting.
        cudnn_benchmark (bool | None): ``env_cfg.cudnn_benchmark``: try each convolution's algorithms; for inputs of one size.
        tf32 (bool): products on a GPU with 10 bits of mantissa.
        amp (bool): ``AmpOptimWrapper``.
    """

    workers: int | None = None
    persistent_workers: bool | None = None
    pin_memory: bool | None = None
    cudnn_benchmark: bool | None = None
    tf32: bool = False
    amp: bool = False

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 0:
            raise InputError(f'workers is {self.workers}; expected a number from 0.')

    def apply(self, cfg: Config) -> None:
        """Set them in a config."""
        loader = cfg.train_dataloader
        for name, value in (('num_workers', self.workers), ('pin_memory', self.pin_memory)):
            if value is not None:
                loader[name] = value
        if self.persistent_workers is not None:
            loader['persistent_workers'] = self.persistent_workers
        if not loader.get('num_workers', 0):
            loader['persistent_workers'] = False
        if self.cudnn_benchmark is not None:
            cfg.setdefault('env_cfg', {})['cudnn_benchmark'] = self.cudnn_benchmark
        if self.amp:
            cfg.optim_wrapper['type'] = 'AmpOptimWrapper'


@dataclass
class TrainingSpeed:
    """What an iteration of a training takes.

    Attributes:
        iterations (int): iterations that were timed.
        milliseconds (float): time of an iteration.
        waiting (float): milliseconds of it in which the training waits for the next batch.
        loss (float): loss of the last iteration.
        switches (dict[str, Any]): the :class:`TrainingSwitches`.
    """

    iterations: int
    milliseconds: float
    waiting: float
    loss: float
    switches: dict[str, Any]

    @property
    def per_second(self) -> float:
        """Iterations a second."""
        return 1000 / self.milliseconds


class _EnoughIterations(Exception):
    """Ends a training that was measured."""


class _SpeedHook(Hook):
    """Times iterations, the waiting for batches apart, and ends the training."""

    priority = 'VERY_LOW'

    def __init__(self, iterations: int, warmup: int, seconds: float, clock: Clock) -> None:
        self.iterations, self.warmup, self.seconds, self.clock = iterations, warmup, seconds, clock
        self.done, self.waiting, self.loss = -warmup, 0.0, float('nan')
        self.begun = self.first = self.last = clock()

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:  # noqa: ARG002
        if self.done >= 0:
            self.waiting += self.clock() - self.last

    def after_train_iter(
        self,
        runner: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
        data_batch: Any = None,  # noqa: ARG002
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        self.done, self.last = self.done + 1, self.clock()
        self.loss = float((outputs or {}).get('loss', float('nan')))
        if self.done <= 0:
            self.first = self.last
        elif self.done >= self.iterations or self.last - self.begun > self.seconds:
            raise _EnoughIterations


def measure_training(
    config: str,
    switches: TrainingSwitches | None = None,
    iterations: int = 20,
    warmup: int = 2,
    seconds: float = 60,
    made_data: bool = False,
    cpu_time: bool = False,
    cfg_options: dict[str, Any] | None = None,
) -> TrainingSpeed:
    """Speed of the training of a config as the runner does it, without checkpoints and validation.

    Args:
        config (str): path of a config, also below MMVOS's ``configs``.
        switches (TrainingSwitches | None): what is changed of the config.
        iterations (int): iterations that are timed.
        warmup (int): iterations before them.
        seconds (float): end after the iteration that passes this time, if one was timed.
        made_data (bool): procedural clips instead of files, see :func:`with_made_data`.
        cpu_time (bool): CPU time of the training process instead of the wall's, for a machine that is busy.
        cfg_options (dict): overrides of the config.
    """
    switches = switches or TrainingSwitches()
    cfg = load_config(config, cfg_options)
    if 'train_dataloader' not in cfg:
        raise InputError(f'{config}: no train_dataloader; expected a config that trains.')
    if made_data:
        cfg.train_dataloader = with_made_data(cfg.train_dataloader)
    switches.apply(cfg)
    # parts are as their initialisers leave them: no download, no file
    cfg.model, cfg.load_from, cfg.resume = without_files(cfg.model), None, False
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    cfg.default_hooks = {key: hook for key, hook in cfg.default_hooks.items() if key in ('param_scheduler', 'sampler_seed')}
    cfg.default_hooks.update(dict.fromkeys(('timer', 'logger', 'checkpoint', 'runtime_info')))
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    with tempfile.TemporaryDirectory() as folder, _quiet(), _tf32(switches.tf32):
        cfg.work_dir = folder
        runner = build_runner(cfg)
        hook = _SpeedHook(iterations, warmup, seconds, Clock(device, cpu_time))
        runner.register_hook(hook)
        with suppress(_EnoughIterations):
            runner.train()
    if hook.done < 1:
        raise InputError(f'{config}: the training ended after {hook.done + warmup} iterations; expected more than {warmup}.')
    span = hook.last - hook.first
    scale = 1000 / hook.done
    return TrainingSpeed(hook.done, scale * span, scale * hook.waiting, hook.loss, asdict(switches))


def with_made_data(loader: Mapping[str, Any]) -> dict[str, Any]:
    """A loader of a config with procedural clips instead of files: of several streams of data, its SynthVOS one, and of
    that, procedural objects and backgrounds.

    Raises:
        InputError: the loader's data set has nothing that can be made.
    """
    loader = dict(loader)
    dataset = dict(loader['dataset'])
    if 'streams' in dataset:
        made = [stream for stream in dataset['streams'].values() if stream['type'] == 'SynthVOSDataset']
        dataset = dict(made[0]) if made else dataset
        sampler = dict(loader.pop('batch_sampler', None) or {})
        loader |= dict(batch_size=sampler.get('batch_size', 1), sampler=dict(type='EndlessSampler'))
    if dataset['type'] != 'SynthVOSDataset':
        raise InputError(
            f'train_dataloader.dataset is a {dataset["type"]}; made data can only take the place of SynthVOSDataset.'
        )
    for name, procedural in (('objects', 'ProceduralObjects'), ('backgrounds', 'ProceduralBackgrounds')):
        if str(dict(dataset.get(name) or {}).get('type', '')) != procedural:
            dataset[name] = dict(type=procedural)
    return dict(loader, dataset=dataset)


def without_files(part: Any) -> Any:
    """A part of a config that reads no weights."""
    if isinstance(part, Mapping):
        return {k: without_files(v) for k, v in part.items() if not (k == 'init_cfg' and _is_pretrained(v))}
    return [without_files(value) for value in part] if isinstance(part, (list, tuple)) else part


def _is_pretrained(init_cfg: Any) -> bool:
    return isinstance(init_cfg, Mapping) and init_cfg.get('type') == 'Pretrained'


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the runner's reports."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
