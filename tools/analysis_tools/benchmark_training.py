"""How fast configs train on this machine, and whether they wait for data or for the network.

examples:
  tools/analysis_tools/benchmark_training.py                                       # the mini configs
  tools/analysis_tools/benchmark_training.py configs/recall_vos/recall-vos_lite0_davis2016-synthvos_stage1.py --made-data
  tools/analysis_tools/benchmark_training.py CONFIG --workers 8 --pin-memory --cudnn-benchmark --tf32 --amp

The runner trains as always, without checkpoints and validation, from random weights: nothing is downloaded. With --made-data,
procedural clips take the place of files. `waiting` is the part of an iteration in which the training waits for the next batch;
with no workers, that is all the time that making it takes.
"""

import argparse
import sys
from pathlib import Path

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mmengine.config import DictAction

    parser.add_argument('configs', nargs='*', help='configs that train (default: the mini configs of all methods)')
    parser.add_argument('--made-data', action='store_true', help='procedural clips in the place of files')
    parser.add_argument('--iterations', type=int, default=20, help='timed iterations (default: %(default)s)')
    parser.add_argument('--warmup', type=int, default=2, help='iterations before them (default: %(default)s)')
    parser.add_argument('--seconds', type=float, default=60, help='time for each config (default: %(default)s)')
    parser.add_argument('--workers', type=int, help='processes that make batches (default: of the config)')
    parser.add_argument('--persistent-workers', action='store_const', const=True, help='they live on from epoch to epoch')
    parser.add_argument('--pin-memory', action='store_const', const=True, help='batches in memory that a GPU copies at once')
    parser.add_argument('--cudnn-benchmark', action='store_const', const=True, help='try the algorithms of each convolution')
    parser.add_argument('--tf32', action='store_true', help='products on a GPU with 10 bits of mantissa')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--threads', type=int, default=1, help='threads on the CPU (default: %(default)s)')
    parser.add_argument('--cpu-time', action='store_true', help='CPU time of the training process: for a busy machine')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the configs')
    parser.add_argument('--out', help='also write the table to this file')


def run(args: argparse.Namespace) -> None:
    import torch

    from mmvos.analysis.device_check import mini_trainings
    from mmvos.analysis.training_speed import TrainingSwitches, measure_training
    from mmvos.structures import atomic_path

    torch.set_num_threads(args.threads)
    names = ('workers', 'persistent_workers', 'pin_memory', 'cudnn_benchmark', 'tf32', 'amp')
    switches = TrainingSwitches(**{name: getattr(args, name) for name in names})
    how = dict(iterations=args.iterations, warmup=args.warmup, seconds=args.seconds, made_data=args.made_data)
    lines = ['| config | iterations/s | ms/iteration | of it waiting for data | loss |', '|---|--:|--:|--:|--:|']
    print('\n'.join(lines), flush=True)
    for config in args.configs or mini_trainings().values():
        speed = measure_training(config, switches, **how, cpu_time=args.cpu_time, cfg_options=args.cfg_options)
        waiting = f'{speed.waiting:.0f} ms, {100 * speed.waiting / speed.milliseconds:.0f} %'
        cells = (Path(config).stem, f'{speed.per_second:.2f}', f'{speed.milliseconds:.0f}', waiting, f'{speed.loss:.4g}')
        lines.append(f'| {" | ".join(cells)} |')
        print(lines[-1], flush=True)
    if args.out:
        with atomic_path(args.out) as temporary:
            Path(temporary).write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
