"""Test a model on the videos of its config: metrics, label maps, a submission, pictures.

python tools/test.py CONFIG CHECKPOINT|none [--out DIR] [--submission FILE.zip] [--show-dir DIR]
tools/dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES
"""

import argparse
import json
import os

from mmengine.config import DictAction
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvos.structures import atomic_path
from mmvos.utils import command_line, load_config, prepare_cpu_launch, prepare_for_inference
from mmvos.utils.checkpoint import init_weights_quietly, load_weights


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a model on the videos of its config.')
    parser.add_argument('config', help='path of the config file')
    parser.add_argument('checkpoint', help='path of the weights, or "none" for a model without weights of its own')
    parser.add_argument('--work-dir', help='where logs go (default: work_dirs/<config name>)')
    parser.add_argument('--data-root', help="root folder of the test data (default: the config's)")
    parser.add_argument('--out', metavar='DIR', help='write label maps (palette PNG) to DIR/<video>/<frame>.png')
    parser.add_argument('--submission', metavar='FILE.zip', help="write what the benchmark's server takes")
    parser.add_argument('--show-dir', metavar='DIR', help='draw the results over the frames')
    parser.add_argument('--metrics', metavar='FILE.json', help='write the metrics to a file')
    parser.add_argument('--amp', action='store_true', help='mixed precision (float16; bfloat16 on a CPU)')
    parser.add_argument(
        '--fast', action='store_true', help='fold batch norms and use channels-last images: same results up to rounding'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def add_outputs(cfg, args) -> None:
    """Put the writers that the command line asks for beside the config's metrics."""
    evaluators = cfg.get('test_evaluator') or []
    evaluators = list(evaluators) if isinstance(evaluators, (list, tuple)) else [evaluators]
    if args.out:
        evaluators.append(dict(type='LabelMapWriter', out_dir=args.out))
    if args.submission:
        if not cfg.get('submission'):
            raise SystemExit(f'{args.config}: this config names no submission format (a top-level `submission = dict(...)`).')
        evaluators.append(dict(cfg.submission, outfile=args.submission))
    cfg.test_evaluator = evaluators
    if args.show_dir:
        cfg.default_hooks.visualization.update(draw=True, out_dir=args.show_dir)


@command_line
def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = (
        args.work_dir or cfg.get('work_dir') or os.path.join('work_dirs', os.path.splitext(os.path.basename(args.config))[0])
    )
    add_outputs(cfg, args)
    if args.amp:
        cfg.model.setdefault('test_cfg', {})['amp'] = True
    cfg.load_from, cfg.resume = None, False
    for key in (
        'train_cfg',
        'train_dataloader',
        'optim_wrapper',
        'param_scheduler',
        'val_cfg',
        'val_dataloader',
        'val_evaluator',
    ):
        cfg.pop(key, None)  # a test needs no training set
    if args.data_root:
        cfg.test_dataloader.dataset.data_root = args.data_root
    prepare_cpu_launch(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if args.checkpoint.lower() == 'none':
        init_weights_quietly(model)  # weights that come with a package, e.g. of the backbone
    else:
        load_weights(model, args.checkpoint)
    if args.fast:
        prepare_for_inference(model)
    metrics = runner.test()
    if args.metrics and is_main_process():
        with atomic_path(args.metrics) as temporary, open(temporary, 'w') as file:
            json.dump(metrics, file, indent=2)


if __name__ == '__main__':
    main()
