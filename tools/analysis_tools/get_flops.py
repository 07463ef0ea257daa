"""Multiply-adds of one frame and parameters of a model, part by part.

examples:
  tools/analysis_tools/get_flops.py configs/recall_vos/recall-vos_lite0.py
  tools/analysis_tools/get_flops.py CONFIG --size 720 1280 --objects 5

The model runs once as in a video, at the size to which its test_cfg resizes the frames.
"""

import argparse
import sys

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mmengine.config import DictAction

    parser.add_argument('config', help='path of a config')
    parser.add_argument('--size', nargs=2, type=int, default=[480, 854], metavar=('H', 'W'), help='size of the video')
    parser.add_argument('--objects', type=int, default=1, help='number of objects (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the config')


def run(args: argparse.Namespace) -> None:
    from mmvos.analysis import count_costs
    from mmvos.registry import MODELS
    from mmvos.utils import load_config

    # as it is trained: batch norms are not folded, weights are of no concern
    model = MODELS.build(load_config(args.config, args.cfg_options).model).eval()
    costs = count_costs(model, tuple(args.size), args.objects)
    width = max(len(cost.name) for cost in costs)
    print(f'{"part":<{width}}  {"GMAC":>9}  {"parameters":>10}  {"trained":>10}')
    for cost in costs:
        print(f'{cost.name:<{width}}  {cost.gmac:>9.3f}  {cost.parameters / 1e6:>9.3f}M  {cost.trainable / 1e6:>9.3f}M')


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
