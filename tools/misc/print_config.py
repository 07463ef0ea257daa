"""Print a config with all that it inherits, as one file.

examples:
  tools/misc/print_config.py configs/agame/agame_mini_synthvos.py
  tools/misc/print_config.py CONFIG --cfg-options model.test_cfg.amp=True
  tools/misc/print_config.py CONFIG --out full.py       a file, which can be used in its place
"""

import argparse
import sys

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mmengine.config import DictAction

    parser.add_argument('config', help='path of a config')
    parser.add_argument('--out', metavar='FILE', help='write it to a file')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the config')


def run(args: argparse.Namespace) -> None:
    from mmvos.structures import atomic_path
    from mmvos.utils import load_config

    text = load_config(args.config, args.cfg_options).pretty_text
    if not args.out:
        print(text)
        return
    with atomic_path(args.out) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        file.write(text)


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
