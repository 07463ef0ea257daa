"""Convert a checkpoint of an original implementation to MMVOS's parameter names.

python tools/model_converters/convert_checkpoint.py METHOD SRC.pth DST.pth
"""

import argparse
import sys

import torch

from mmvos.converters import CONVERTERS, convert, load_foreign_checkpoint
from mmvos.structures import atomic_path
from mmvos.utils import command_line


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Convert a checkpoint of an original implementation.')
    parser.add_argument('method', choices=sorted(CONVERTERS), help='which implementation it comes from')
    parser.add_argument('src', help="the original's checkpoint")
    parser.add_argument('dst', help='where the converted one goes')
    args = parser.parse_args()
    try:
        checkpoint = load_foreign_checkpoint(args.src)
        weights = convert(args.method, checkpoint)
    except FileNotFoundError:
        sys.exit(f'error: {args.src}: checkpoint not found.')
    except Exception as error:  # whatever a damaged or foreign file leads to, in one line
        sys.exit(f'error: {args.src}: {error.args[0] if error.args else error}')
    with atomic_path(args.dst) as temporary:
        torch.save(dict(state_dict=weights, meta=dict(converted_from=args.method)), temporary)
    count = sum(v.numel() for v in weights.values())
    print(f'{args.dst}: {len(weights)} tensors, {count:,} numbers')


if __name__ == '__main__':
    main()
