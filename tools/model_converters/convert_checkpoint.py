"""Convert a checkpoint of an original implementation to MMVOS's parameter names.

python tools/model_converters/convert_checkpoint.py METHOD SRC.pth DST.pth
"""

import argparse

import torch

from mmvos.converters import CONVERTERS, convert
from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line
from mmvos.utils.checkpoint import read_foreign_checkpoint


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Convert a checkpoint of an original implementation.')
    parser.add_argument('method', choices=sorted(CONVERTERS), help='which implementation it comes from')
    parser.add_argument('src', help="the original's checkpoint")
    parser.add_argument('dst', help='where the converted one goes')
    args = parser.parse_args()
    checkpoint = read_foreign_checkpoint(args.src)
    try:
        weights = convert(args.method, checkpoint)
    except InputError as error:
        raise InputError(f'{args.src}: {error}') from error
    with atomic_path(args.dst) as temporary:
        torch.save(dict(state_dict=weights, meta=dict(converted_from=args.method)), temporary)
    count = sum(v.numel() for v in weights.values())
    print(f'{args.dst}: {len(weights)} tensors, {count:,} numbers')


if __name__ == '__main__':
    main()
