"""Train the model of a config.

python tools/train.py CONFIG [--work-dir DIR] [--resume [auto|PATH]] [--amp] [--auto-scale-lr] [--cfg-options k=v ...]
tools/dist_train.sh CONFIG NUM_PROCESSES

A training that was killed goes on with --resume, and ends with the weights that it would have had.
"""

import argparse
import os
from contextlib import nullcontext

from mmengine.config import DictAction

from mmvos.engine import build_runner
from mmvos.structures import InputError
from mmvos.utils import command_line, load_config, prepare_cpu_launch, run_lock
from mmvos.utils.amp import use_amp
from mmvos.utils.distributed import is_first_process


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train the model of a config.')
    parser.add_argument('config', help='path of the config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go (default: work_dirs/<config name>)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='PATH',
        help='continue: from the newest readable checkpoint of the work dir (no value or "auto"), or from PATH',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision (float16; bfloat16 on a CPU)')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by the number of samples in a step, against the config's auto_scale_lr.base_batch_size",
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@command_line
def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = (
        args.work_dir or cfg.get('work_dir') or os.path.join('work_dirs', os.path.splitext(os.path.basename(args.config))[0])
    )
    if args.amp:
        use_amp(cfg)
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise InputError(f'{args.config}: --auto-scale-lr needs auto_scale_lr = dict(base_batch_size=...) in the config.')
        cfg.auto_scale_lr.enable = True
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
        if cfg.load_from and not os.path.isfile(cfg.load_from):
            raise InputError(f'{cfg.load_from}: checkpoint not found.')
    with run_lock(cfg.work_dir, '--work-dir') if is_first_process(args.launcher) else nullcontext():
        prepare_cpu_launch(cfg, args.launcher)
        build_runner(cfg).train()


if __name__ == '__main__':
    main()
