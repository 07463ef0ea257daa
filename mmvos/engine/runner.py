"""Runners whose checkpoints are complete or not there, and what a training is resumed from."""

import difflib
import glob
import importlib.util
import logging
import os
import re
from pathlib import Path
from typing import Any

from mmengine._strategy import FSDPStrategy
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import all_gather_object, is_main_process
from mmengine.logging import print_log
from mmengine.registry import RUNNERS
from mmengine.runner import FlexibleRunner as _FlexibleRunner
from mmengine.runner import Runner as _Runner
from torch import nn

from mmvos.models.segmentors.stepwise_training import StepwiseTrainedModel
from mmvos.registry import MODELS, OPTIMIZERS
from mmvos.structures import InputError, atomic_path, read_bytes
from mmvos.utils.checkpoint import read_checkpoint

from .stepwise_distributed import StepwiseDistributed

#: strategies of mmengine whose checkpoint is one file
_ONE_FILE = ('SingleDeviceStrategy', 'DDPStrategy', 'FSDPStrategy')
#: the package that a strategy of mmengine needs
_PACKAGES = dict(DeepSpeedStrategy='deepspeed', ColossalAIStrategy='colossalai')


class _AtomicCheckpoints:
    """Local checkpoint files appear under their names when they are complete and on the disk."""

    def save_checkpoint(self, out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        """Save a checkpoint; arguments as for mmengine's runner.

        Raises:
            OSError: it cannot be written; what was under the name before is still there.
        """
        save = super().save_checkpoint  # type: ignore[misc]  # a mixin: the runner it is mixed into has it
        if '://' in os.fspath(out_dir) or not self._writes_one_file():
            save(out_dir, filename, *args, **kwargs)
        elif is_main_process():
            with atomic_path(Path(out_dir, filename), durable=True) as temporary:
                save(os.path.dirname(temporary), os.path.basename(temporary), *args, **kwargs)
        elif self._is_spread():
            save(out_dir, filename, *args, **kwargs)  # hands its part to the first process, and writes nothing

    def _writes_one_file(self) -> bool:
        """Whether the first process writes the checkpoint of all."""
        return True

    def _is_spread(self) -> bool:
        """Whether every process holds a part of what is saved."""
        return False


class Runner(_AtomicCheckpoints, _Runner):
    """mmengine's ``Runner``. A model that is trained frame by frame on several processes is not given to
    ``DistributedDataParallel``, which would step once per clip."""

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """The wrapper around the optimiser; mmengine does not say which optimiser it does not know.

        Raises:
            InputError: the optimiser is not registered.
        """
        optimizer = optim_wrapper.get('optimizer') if isinstance(optim_wrapper, dict) else None
        name = optimizer.get('type') if isinstance(optimizer, dict) else None
        if isinstance(name, str) and OPTIMIZERS.get(name) is None:
            near = difflib.get_close_matches(name, [*OPTIMIZERS.parent.module_dict, *OPTIMIZERS.module_dict], n=3)
            raise InputError(f'optim_wrapper.optimizer: no optimiser {name!r}; nearest: {", ".join(near) or "none"}.')
        return super().build_optim_wrapper(optim_wrapper)

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> nn.Module:
        """The model for the processes of the run."""
        if self.distributed and isinstance(model, StepwiseTrainedModel) and not model.through_time:
            return StepwiseDistributed(model.to(get_device()))
        return super().wrap_model(model_wrapper_cfg, model)


class FlexibleRunner(_AtomicCheckpoints, _FlexibleRunner):
    """mmengine's ``FlexibleRunner`` (``runner_type = 'FlexibleRunner'``), for strategies such as FSDP or DeepSpeed."""

    def _writes_one_file(self) -> bool:
        return type(self.strategy).__name__ in _ONE_FILE  # other strategies write a folder, all ranks together

    def _is_spread(self) -> bool:
        return isinstance(self.strategy, FSDPStrategy)


def build_runner(cfg: Config) -> _Runner | _FlexibleRunner:
    """The runner of a config: mmengine's, or the one that ``runner_type`` names.

    Args:
        cfg (Config): config of a training or test. With ``resume='auto'`` (or ``resume=True`` and no ``load_from``) the newest
            readable checkpoint of the work dir is resumed from; where there is none, training begins as without ``resume``:
            with the weights of ``load_from``, if it is given.

    Raises:
        InputError: the processes of a training see different checkpoints, or the strategy cannot train the model, see
            :func:`check_strategy`.
    """
    check_strategy(cfg)
    resumes = bool(cfg.get('resume'))
    if resumes:
        resume_newest(cfg)
    name = cfg.get('runner_type', 'Runner')
    own: dict[str, type[Runner] | type[FlexibleRunner]] = dict(Runner=Runner, FlexibleRunner=FlexibleRunner)
    runner = own[name].from_cfg(cfg) if name in own else RUNNERS.build(cfg)
    runner.logger.addFilter(_is_for_users)
    if resumes:
        chosen = set(all_gather_object(cfg.get('load_from')))
        if len(chosen) > 1:
            raise InputError(f'--resume: the processes found different checkpoints, {sorted(map(str, chosen))}.')
    return runner


def _is_for_users(record: logging.LogRecord) -> bool:
    """Whether a line of the log is for the user; mmengine tells itself, at each checkpoint, that one of its classes will go."""
    return not record.getMessage().startswith(('"FileClient" will be deprecated', '"HardDiskBackend" is the alias'))


def check_strategy(cfg: Config) -> None:
    """Refuse a ``strategy`` that would not do, or not be able to do, what it says, before the training starts.

    Args:
        cfg (Config): config of a training.

    Raises:
        InputError: a strategy without ``runner_type = 'FlexibleRunner'``, whose package is not installed, that needs several
            processes and has one, whose checkpoints could not be read again, or that cannot train the model.
    """
    strategy, several = cfg.get('strategy') or {}, cfg.get('launcher', 'none') != 'none'
    name = strategy.get('type', '')
    if cfg.get('runner_type') != 'FlexibleRunner':
        if name:
            raise InputError(f"strategy {name}: is for runner_type = 'FlexibleRunner', and this config has another one.")
        return
    if name in _PACKAGES and importlib.util.find_spec(_PACKAGES[name]) is None:
        raise InputError(f'strategy {name}: {_PACKAGES[name]} is not installed.')
    if name == 'FSDPStrategy' and not several:
        raise InputError(f'strategy {name}: spreads a model over processes; start several (tools/dist_train.sh).')
    if name == 'FSDPStrategy' and strategy.get('state_dict_cfg') != 'full':
        raise InputError(f"strategy {name}: expected state_dict_cfg='full'; parts of checkpoints cannot be read again.")
    if name == 'FSDPStrategy' and get_device() == 'cpu':
        raise InputError(f"strategy {name}: is for GPUs, and there is none; use strategy = dict(type='DDPStrategy').")
    model = MODELS.get(cfg.model.type)
    if several and model and issubclass(model, StepwiseTrainedModel) and not cfg.model.get('through_time'):
        raise InputError(f'{cfg.model.type}: steps once per frame, which FlexibleRunner cannot; leave out runner_type.')


def resume_newest(cfg: Config) -> None:
    """Name the checkpoint that a training goes on from, and take over its seed, in the config.

    Args:
        cfg (Config): config of a training with ``resume``, see :func:`build_runner`.
    """
    if cfg.resume == 'auto' or not cfg.get('load_from'):
        newest = newest_checkpoint(cfg.work_dir)
        if newest is None:
            start = f'the weights of {cfg.load_from}' if cfg.get('load_from') else 'the start'
            print_log(f'{cfg.work_dir}: there is no checkpoint to resume from; training begins from {start}.', 'current')
            cfg.resume = False
            return
        cfg.load_from, cfg.resume = newest, True
    if os.path.isfile(cfg.load_from):
        meta = _resumable(cfg.load_from)
        print_log(f'resuming from {cfg.load_from}, iteration {meta["iter"]}.', 'current')
        if meta.get('seed') is not None:
            cfg.randomness = dict(cfg.get('randomness') or {}, seed=meta['seed'])


def newest_checkpoint(work_dir: str) -> str | None:
    """The newest checkpoint of a work dir from which training can be resumed.

    Args:
        work_dir (str): folder of the training. Where the checkpoints lie elsewhere, its ``last_checkpoint`` says so.

    Returns:
        Its path, None if there never was one. Files that cannot be read are reported and passed over.

    Raises:
        InputError: none is left that can be read: to begin again would overwrite what is there.
    """
    named, folders, pointer = '', {os.path.abspath(work_dir): None}, os.path.join(work_dir, 'last_checkpoint')
    if os.path.isfile(pointer):
        named = read_bytes(pointer, 'the name of a checkpoint', limit=4096).decode(errors='replace').strip()
        if named:
            folders[os.path.abspath(os.path.dirname(named))] = None
    paths = [path for folder in folders for path in glob.glob(os.path.join(glob.escape(folder), '*.pth'))]
    numbered = [(path, re.fullmatch(r'(epoch|iter)_(\d+)\.pth', os.path.basename(path))) for path in paths]
    found = [(match[1], int(match[2]), os.stat(path).st_mtime_ns, path) for path, match in numbered if match]
    if len({kind for kind, *_ in found}) == 1:
        found.sort()
    else:  # numbers of epochs and iterations cannot be compared
        found.sort(key=lambda entry: entry[2])
    for *_, path in reversed(found):
        try:
            _resumable(path)
        except InputError as error:
            print_log(f'skipped: {error}', 'current')
            continue
        return path
    if named or found:
        lost, wrong = (found[-1][-1], 'cannot be read') if found else (named, 'is not there')
        raise InputError(
            f'{lost}: --resume needs it, and it {wrong}, nor is there another checkpoint of {work_dir}. '
            'Put one back, or begin from the start: without --resume, or in another --work-dir.'
        )
    return None


def _resumable(path: str) -> dict[str, Any]:
    """``meta`` of a checkpoint from which training can be resumed.

    Raises:
        InputError: it cannot be read, or is not one of a training.
    """
    checkpoint = read_checkpoint(path)
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if not isinstance(meta, dict) or not {'epoch', 'iter'} <= meta.keys() or 'message_hub' not in checkpoint:
        raise InputError(f'{path}: not a checkpoint of a training; it does not say where the training was.')
    return meta
