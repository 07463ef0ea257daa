"""Running several processes, with and without a GPU."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed
from mmengine.config import Config
from torch.distributed import PrefixStore, TCPStore

from mmvos.structures import InputError

#: environment variables that hold a process's number, by launcher
_RANK = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')
#: of <sys/prctl.h>
_PR_SET_PDEATHSIG = 1
_own_stores: list[TCPStore] = []


def is_first_process(launcher: str) -> bool:
    """Whether this is the first of all processes, before they know of each other.

    Args:
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
    """
    return launcher == 'none' or os.environ.get(_RANK[launcher], '0') == '0'


def check_cpu_training(cfg: Config, launcher: str) -> None:
    """Refuse a training that several processes without an accelerator cannot do, before it starts.

    Args:
        cfg (Config): config of the run.
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        InputError: the model has a SyncBN, which PyTorch has for accelerators alone.
    """
    if launcher != 'none' and not torch.cuda.is_available() and _has_sync_bn(cfg.model):
        raise InputError(
            'model: SyncBN cannot train in processes without a GPU; train in one process (--launcher none), '
            'or with BN in its place.'
        )


def check_restarts(resume: str | None) -> None:
    """Refuse a training that torchrun would start again from its first iteration.

    Args:
        resume (str | None): value of ``--resume``; None or empty: not given.

    Raises:
        InputError: torchrun has ``--max-restarts``, and the training no ``--resume``.
    """
    if int(os.environ.get('TORCHELASTIC_MAX_RESTARTS', 0)) and not resume:
        raise InputError(
            'torchrun --max-restarts: a training that is started again would begin at the first iteration; add --resume.'
        )


def _has_sync_bn(part: Any) -> bool:
    if isinstance(part, Mapping):
        return part.get('type') in ('SyncBN', 'SyncBatchNorm') or any(map(_has_sync_bn, part.values()))
    return isinstance(part, (list, tuple)) and any(map(_has_sync_bn, part))


def prepare_cpu_launch(cfg: Config, launcher: str) -> None:
    """Make a launcher work on a machine without an accelerator.

    Args:
        cfg (Config): config of the run; its ``env_cfg`` and ``model_wrapper_cfg`` are set.
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Two faults of mmengine 0.10 are worked around, both only on the CPU:

    - ``Runner`` calls ``torch.cuda.set_device`` for every launcher, which a CPU build of torch does not have. It leaves a
      process group that exists already alone, so the gloo group is made here.
    - The default wrapper of the model gets ``device_ids=[LOCAL_RANK]``, which DistributedDataParallel refuses for a module
      on the CPU.
    """
    if launcher == 'none' or torch.cuda.is_available():
        return
    if launcher == 'slurm':
        os.environ.setdefault('RANK', os.environ['SLURM_PROCID'])
        os.environ.setdefault('WORLD_SIZE', os.environ['SLURM_NTASKS'])
        os.environ.setdefault('LOCAL_RANK', os.environ['SLURM_LOCALID'])
    elif launcher == 'mpi':
        os.environ.setdefault('RANK', os.environ['OMPI_COMM_WORLD_RANK'])
        os.environ.setdefault('WORLD_SIZE', os.environ['OMPI_COMM_WORLD_SIZE'])
        os.environ.setdefault('LOCAL_RANK', os.environ['OMPI_COMM_WORLD_LOCAL_RANK'])
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    os.environ.setdefault('MASTER_PORT', '29500')
    torch.distributed.init_process_group('gloo')
    env = cfg.get('env_cfg') or {}
    cfg.env_cfg = dict(env, dist_cfg=dict(env.get('dist_cfg') or {}, backend='gloo'))
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    wrapper['find_unused_parameters'] = cfg.get('find_unused_parameters', False)
    cfg.setdefault('model_wrapper_cfg', wrapper)
    if cfg.get('runner_type') == 'FlexibleRunner':
        strategy = cfg.setdefault('strategy', dict(type='DDPStrategy'))
        if strategy['type'] == 'DDPStrategy':
            strategy.setdefault('model_wrapper', wrapper)


@contextmanager
def process_group(cfg: Config, launcher: str) -> Iterator[None]:
    """The processes that a launcher has started work together inside, and take leave of each other at an orderly end.

    Were the group left to the interpreter's end, its threads could outlive what they use, and a process whose work is complete
    would be aborted (signal 6). After an error nobody is waited for.

    Args:
        cfg (Config): config of the run; see :func:`prepare_cpu_launch`.
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
    """
    if launcher == 'pytorch':
        _end_with_launcher()
        _leave_earlier_attempts()
    prepare_cpu_launch(cfg, launcher)
    yield
    if launcher != 'none' and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def _end_with_launcher() -> None:
    """Ask Linux for a SIGTERM when torchrun dies.

    Nobody would look after this process any more, and at its end it would wait without end: the store in which all
    processes meet is torchrun's.
    """
    if sys.platform == 'linux' and 'TORCHELASTIC_RUN_ID' in os.environ:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _leave_earlier_attempts() -> None:
    """Let processes that ``torchrun --max-restarts`` has started again meet in a store of their own.

    torchrun keeps one store for all attempts. The addresses that the processes of the attempt before have left there would be
    taken for those of the new ones, which would wait for the dead without end. So the first process opens another store; its
    port is found in torchrun's under the number of the attempt, and PyTorch finds it in the environment.
    """
    attempt = int(os.environ.get('TORCHELASTIC_RESTART_COUNT', 0))
    if not attempt or os.environ.get('TORCHELASTIC_USE_AGENT_STORE') != 'True':
        return
    host, port = os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT'])
    shared = PrefixStore(f'mmvos/attempt_{attempt}', TCPStore(host, port, is_master=False, wait_for_workers=False))
    if os.environ['RANK'] == '0':
        # kept until the process ends; `multi_tenant` lets PyTorch open it once more in this process
        _own_stores.append(TCPStore(host, 0, is_master=True, wait_for_workers=False, multi_tenant=True))
        shared.set('port', str(_own_stores[-1].port))
    os.environ['MASTER_PORT'] = shared.get('port').decode()
    os.environ['TORCHELASTIC_USE_AGENT_STORE'] = 'False'
