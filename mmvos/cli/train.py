"""Train the model of a config.

examples:
  mmvos train configs/agame/agame_mini_synthvos.py
  mmvos train CONFIG --work-dir work_dirs/mine --amp
  mmvos train CONFIG --resume                          go on after the training was stopped or killed
  mmvos train CONFIG --cfg-options train_cfg.max_iters=100 train_dataloader.batch_size=2
  tools/dist_train.sh CONFIG 4                         four processes

A training that was killed goes on with --resume, and ends with the weights that it would have had.
"""

import argparse

from .options import add_run, read_run_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='PATH',
        help='continue: from the newest readable checkpoint of the work dir (no value or "auto"), or from PATH',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by the number of samples in a step, against the config's auto_scale_lr.base_batch_size",
    )


def run(args: argparse.Namespace) -> None:
    import os
    from contextlib import nullcontext

    from mmvos.engine import build_runner
    from mmvos.structures import InputError
    from mmvos.utils import run_lock
    from mmvos.utils.amp import use_amp
    from mmvos.utils.distributed import check_cpu_training, check_restarts, is_first_process, process_group

    cfg = read_run_config(args)
    check_restarts(args.resume)
    check_cpu_training(cfg, args.launcher)
    if args.amp:
        use_amp(cfg)
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise InputError(f'{args.config}: --auto-scale-lr needs auto_scale_lr = dict(base_batch_size=...) in the config.')
        cfg.auto_scale_lr.enable = True
    if args.resume:
        cfg.resume = args.resume if args.resume == 'auto' else True
        if args.resume != 'auto':
            cfg.load_from = args.resume
            if not os.path.isfile(cfg.load_from):
                raise InputError(f'{cfg.load_from}: checkpoint not found.')
    lock = run_lock(cfg.work_dir, '--work-dir') if is_first_process(args.launcher) else nullcontext()
    with lock, process_group(cfg, args.launcher):
        build_runner(cfg).train()
