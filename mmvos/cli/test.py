"""Test a model on the videos of its config: metrics, label maps, a submission, pictures.

examples:
  mmvos test CONFIG CHECKPOINT
  mmvos test CONFIG                                    with the weights that ship with the config
  mmvos test CONFIG CHECKPOINT --out-dir masks --submission davis.zip --show-dir pictures
  mmvos test CONFIG none                               a model without weights of its own
  mmvos test CONFIG CHECKPOINT --resume                go on after the test was stopped or killed
  tools/dist_test.sh CONFIG CHECKPOINT 4               four processes

A video that fails is reported, the others are done, and the exit code is 3; a submission, or a file of figures, is written
only when all are done.
"""

import argparse
import sys
from typing import Any

from .options import add_compile, add_run, read_run_config

#: parts of a config that only a training reads
OF_TRAINING = (
    *('train_cfg', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'auto_scale_lr'),
    *('val_cfg', 'val_dataloader', 'val_evaluator'),
    'strategy',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='weights: a file, a name that `mmvos models` lists, or "none" for a model without any (default: the shipped ones)',
    )
    parser.add_argument('--data-root', metavar='DIR', help="root folder of the test data (default: the config's)")
    parser.add_argument(
        '--out-dir',
        '--out',
        metavar='DIR|FILE.pkl',
        help='write label maps to DIR/<video>/<frame>.png, or all results to one pickle file',
    )
    parser.add_argument('--submission', metavar='FILE.zip', help="write what the benchmark's server takes")
    parser.add_argument('--show-dir', metavar='DIR', help='draw the results over the frames')
    parser.add_argument('--show', action='store_true', help='show the results in a window')
    parser.add_argument('--wait-time', type=float, default=2.0, metavar='S', help='seconds that --show keeps a frame; 0: a key')
    parser.add_argument(
        '--on-error', choices=['skip', 'stop'], default='skip', help='what a video that fails means for the others'
    )
    parser.add_argument('--resume', action='store_true', help='take what an earlier run of this test has done')
    parser.add_argument(
        '--tta',
        action='store_true',
        help="segment a mirrored copy, too, and average (other copies: the config's tta_model = dict(flip=..., scales=(...)))",
    )
    parser.add_argument('--metrics', metavar='FILE.json', help='write the metrics to a file')
    parser.add_argument(
        '--fast', action='store_true', help='fold batch norms and use channels-last images: same results up to rounding'
    )
    add_compile(parser)


def run(args: argparse.Namespace) -> int:
    from contextlib import ExitStack

    from mmvos.structures.atomic import name_unwritten
    from mmvos.utils import run_lock
    from mmvos.utils.distributed import is_first_process, process_group

    _check_outputs(args)
    cfg = read_run_config(args)
    _add_outputs(cfg, args)
    if args.amp:
        cfg.test_cfg.fp16 = True
    cfg.load_from, cfg.resume = None, False
    for key in OF_TRAINING:
        cfg.pop(key, None)
    if cfg.get('runner_type') == 'FlexibleRunner':  # for strategies
        cfg.pop('runner_type')
    if args.data_root:
        cfg.test_dataloader.dataset.data_root = args.data_root
    if cfg.test_cfg.get('type') == 'VideoTestLoop':
        cfg.test_cfg.on_error = args.on_error
    checkpoint = args.checkpoint or _shipped_weights(cfg, args.config)
    with ExitStack() as around:
        for option in ('out_dir', 'submission', 'show_dir') if is_first_process(args.launcher) else ():
            if getattr(args, option):
                around.enter_context(run_lock(getattr(args, option), f'--{option.replace("_", "-")}'))
        around.enter_context(process_group(cfg, args.launcher))
        try:
            return _test(cfg, checkpoint, args)
        except OSError as error:  # mmengine's files of the work dir; MMVOS's own say their names
            name_unwritten(error, cfg.work_dir)
            raise


def _test(cfg: Any, checkpoint: str, args: argparse.Namespace) -> int:
    """Run the test; returns the exit code."""
    import json
    import os

    from mmengine.dist import is_main_process
    from mmengine.model import is_model_wrapper

    from mmvos.engine import VideoTestLoop, build_runner
    from mmvos.engine.finished_videos import FinishedVideos, digest_of_run
    from mmvos.structures import InputError, atomic_path
    from mmvos.utils import prepare_for_inference
    from mmvos.utils.checkpoint import init_weights_quietly, load_weights
    from mmvos.utils.command_line import SOME_FAILED
    from mmvos.utils.compiling import compile_networks

    runner = build_runner(cfg)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if checkpoint.lower() == 'none':
        init_weights_quietly(model)  # weights that come with a package, e.g. of the backbone
    else:
        load_weights(model, checkpoint)
    if args.tta:
        cfg.tta_model = dict(type='AugmentedModel', **{k: v for k, v in (cfg.get('tta_model') or {}).items() if k != 'type'})
    digest = digest_of_run(cfg, model)
    trained = bool(cfg.test_cfg.get('online_training'))
    if args.fast and not trained:  # else each trained copy is
        prepare_for_inference(model)
    if args.compile:
        if trained:
            raise InputError('--compile: the test has online_training, which trains the model; expected a test without it.')
        compile_networks(model)
    if args.tta:
        _augment(runner, model, cfg)
    loop = runner.test_loop
    if not isinstance(loop, VideoTestLoop):
        if args.resume:
            raise InputError(f'{args.config}: --resume is for tests on videos; this one is on still images.')
        metrics, failures = runner.test(), []
    else:
        loop.finished = FinishedVideos(os.path.join(cfg.work_dir, 'finished'), digest, args.resume)
        metrics, failures = runner.test(), loop.failures
        if is_main_process() and not failures:
            loop.finished.clear()
    if failures:
        print(
            f'error: {len(failures)} videos failed, see the log; nothing was written for all of them. '
            'What the others gave is kept: the same command with --resume does those that failed.',
            file=sys.stderr,
        )
        return SOME_FAILED
    if args.metrics and is_main_process():
        with atomic_path(args.metrics) as temporary, open(temporary, 'w') as file:
            json.dump(metrics, file, indent=2)
    return 0


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse names that no output can have, before the work and not after it."""
    import os

    from mmvos.structures import InputError, check_output

    for path in (args.submission, args.metrics, args.out_dir if _is_pickle(args.out_dir) else None):
        if path:
            check_output(path)
    for path in (args.show_dir, None if _is_pickle(args.out_dir) else args.out_dir):
        if path and os.path.exists(path) and not os.path.isdir(path):
            raise InputError(f'{path}: is no folder; expected one, or a name that is not taken.')


def _is_pickle(path: str | None) -> bool:
    return path is not None and path.endswith(('.pkl', '.pickle'))


def _augment(runner: Any, model: Any, cfg: Any) -> None:
    """Put a model that sees several copies of each video in the model's place.

    Raises:
        InputError: a model or a test that this cannot be done for.
    """
    from mmvos.models.segmentors import BaseVOSModel
    from mmvos.registry import MODELS
    from mmvos.structures import InputError

    if not isinstance(model, BaseVOSModel):
        raise InputError(f'--tta: {type(model).__name__} gives instances; expected a model that segments prompted objects.')
    if cfg.test_cfg.get('online_training'):
        raise InputError('--tta: the test has online_training, which trains the model as it is; expected a test without it.')
    runner.model = MODELS.build(dict(cfg.tta_model, member=model)).to(next(model.parameters()).device)


def _shipped_weights(cfg: Any, config: str) -> str:
    from mmvos.structures import InputError

    if not cfg.get('weights'):
        raise InputError(f'{config}: no weights ship with this config; give a checkpoint, or "none" for untrained weights.')
    return cfg.weights


def _add_outputs(cfg: Any, args: argparse.Namespace) -> None:
    """Put the writers that the command line asks for beside the config's metrics."""
    from mmvos.structures import InputError

    evaluators = cfg.get('test_evaluator') or []
    evaluators = list(evaluators) if isinstance(evaluators, (list, tuple)) else [evaluators]
    if args.out_dir:
        outfile, folder = dict(type='ResultsDump', outfile=args.out_dir), dict(type='LabelMapWriter', out_dir=args.out_dir)
        evaluators.append(outfile if _is_pickle(args.out_dir) else folder)
    if args.submission:
        if not cfg.get('submission'):
            raise InputError(f'{args.config}: this config names no submission format (a top-level `submission = dict(...)`).')
        evaluators.append(dict(cfg.submission, outfile=args.submission))
    cfg.test_evaluator = evaluators
    if args.show_dir or args.show:
        hook = dict((cfg.get('default_hooks') or {}).get('visualization') or dict(type='VOSVisualizationHook'))
        hook.update(draw=bool(args.show_dir), out_dir=args.show_dir, show=args.show, wait_time=args.wait_time)
        cfg.default_hooks = dict(cfg.get('default_hooks') or {}, visualization=hook)
