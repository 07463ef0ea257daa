"""Test a model on the videos of its config: metrics, label maps, a submission, pictures.

examples:
  mmvos test CONFIG CHECKPOINT
  mmvos test CONFIG                                    with the weights that ship with the config
  mmvos test CONFIG CHECKPOINT --out-dir masks --submission davis.zip --show-dir pictures
  mmvos test CONFIG none                               a model without weights of its own
  tools/dist_test.sh CONFIG CHECKPOINT 4               four processes
"""

import argparse
from typing import Any

from .options import add_run, read_run_config

#: parts of a config that only a training reads
_OF_TRAINING = (
    *('train_cfg', 'train_dataloader', 'optim_wrapper', 'param_scheduler'),
    *('val_cfg', 'val_dataloader', 'val_evaluator'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument(
        'checkpoint', nargs='?', help='weights, or "none" for a model without weights of its own (default: the shipped ones)'
    )
    parser.add_argument('--data-root', metavar='DIR', help="root folder of the test data (default: the config's)")
    parser.add_argument('--out-dir', '--out', metavar='DIR', help='write label maps to DIR/<video>/<frame>.png')
    parser.add_argument('--submission', metavar='FILE.zip', help="write what the benchmark's server takes")
    parser.add_argument('--show-dir', metavar='DIR', help='draw the results over the frames')
    parser.add_argument('--metrics', metavar='FILE.json', help='write the metrics to a file')
    parser.add_argument(
        '--fast', action='store_true', help='fold batch norms and use channels-last images: same results up to rounding'
    )


def run(args: argparse.Namespace) -> None:
    import json

    from mmengine.dist import is_main_process
    from mmengine.model import is_model_wrapper
    from mmengine.runner import Runner

    from mmvos.structures import atomic_path
    from mmvos.utils import prepare_cpu_launch, prepare_for_inference
    from mmvos.utils.checkpoint import init_weights_quietly, load_weights

    cfg = read_run_config(args)
    _add_outputs(cfg, args)
    if args.amp:
        cfg.model.setdefault('test_cfg', {})['amp'] = True
    cfg.load_from, cfg.resume = None, False
    for key in _OF_TRAINING:
        cfg.pop(key, None)
    if args.data_root:
        cfg.test_dataloader.dataset.data_root = args.data_root
    checkpoint = args.checkpoint or _shipped_weights(cfg, args.config)
    prepare_cpu_launch(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if checkpoint.lower() == 'none':
        init_weights_quietly(model)  # weights that come with a package, e.g. of the backbone
    else:
        load_weights(model, checkpoint)
    if args.fast:
        prepare_for_inference(model)
    metrics = runner.test()
    if args.metrics and is_main_process():
        with atomic_path(args.metrics) as temporary, open(temporary, 'w') as file:
            json.dump(metrics, file, indent=2)


def _shipped_weights(cfg: Any, config: str) -> str:
    from mmvos.structures import InputError
    from mmvos.utils import configs_root

    if not cfg.get('weights'):
        raise InputError(f'{config}: no weights ship with this config; give a checkpoint, or "none" for untrained weights.')
    return str(configs_root() / cfg.weights)


def _add_outputs(cfg: Any, args: argparse.Namespace) -> None:
    """Put the writers that the command line asks for beside the config's metrics."""
    from mmvos.structures import InputError

    evaluators = cfg.get('test_evaluator') or []
    evaluators = list(evaluators) if isinstance(evaluators, (list, tuple)) else [evaluators]
    if args.out_dir:
        evaluators.append(dict(type='LabelMapWriter', out_dir=args.out_dir))
    if args.submission:
        if not cfg.get('submission'):
            raise InputError(f'{args.config}: this config names no submission format (a top-level `submission = dict(...)`).')
        evaluators.append(dict(cfg.submission, outfile=args.submission))
    cfg.test_evaluator = evaluators
    if args.show_dir:
        cfg.default_hooks.visualization.update(draw=True, out_dir=args.show_dir)
