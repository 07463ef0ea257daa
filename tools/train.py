"""Train the model of a config.

python tools/train.py CONFIG [--work-dir DIR] [--resume [auto|PATH]] [--amp] [--cfg-options k=v ...]
tools/dist_train.sh CONFIG NUM_PROCESSES
"""

import argparse
import os

from mmengine.config import DictAction
from mmengine.runner import Runner

from mmvos.utils import command_line, load_config, prepare_cpu_launch
from mmvos.utils.amp import use_amp


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train the model of a config.')
    parser.add_argument('config', help='path of the config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go (default: work_dirs/<config name>)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='PATH',
        help='continue: from the newest checkpoint of the work dir (no value or "auto"), or from PATH',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision (float16; bfloat16 on a CPU)')
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
    prepare_cpu_launch(cfg, args.launcher)
    cfg.work_dir = (
        args.work_dir or cfg.get('work_dir') or os.path.join('work_dirs', os.path.splitext(os.path.basename(args.config))[0])
    )
    if args.amp:
        use_amp(cfg)
    if args.resume:
        cfg.resume = True
        if args.resume != 'auto':
            if not os.path.isfile(args.resume):
                raise SystemExit(f'{args.resume}: checkpoint not found.')
            cfg.load_from = args.resume
        else:
            cfg.load_from = None
    Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
