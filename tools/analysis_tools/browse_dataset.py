"""Draw what a training sees: samples of the training set of a config, after its pipeline.

examples:
  tools/analysis_tools/browse_dataset.py configs/agame/agame_mini_synthvos.py --out-dir samples
  tools/analysis_tools/browse_dataset.py CONFIG --out-dir samples --count 50 --seed 1
  tools/analysis_tools/browse_dataset.py CONFIG --out-dir samples --stage 2      a later stage of its curriculum

Each picture shows a clip, and below it the same clip with its label maps.
"""

import argparse
import sys

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mmengine.config import DictAction

    parser.add_argument('config', help='path of a config')
    parser.add_argument('--out-dir', required=True, help='gets <number of the sample>.jpg')
    parser.add_argument('--count', type=int, default=8, help='number of samples (default: %(default)s)')
    parser.add_argument('--stage', type=int, default=0, help='stage of the curriculum, from 0 (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the random transforms (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the config')


def run(args: argparse.Namespace) -> None:
    from mmvos.analysis import draw_samples
    from mmvos.utils import load_config

    for path in draw_samples(load_config(args.config, args.cfg_options), args.out_dir, args.count, args.stage, args.seed):
        print(path)


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
