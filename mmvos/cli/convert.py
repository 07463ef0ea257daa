"""Convert a checkpoint of an original implementation to MMVOS's parameter names.

examples:
  mmvos convert rgmp weights.pth rgmp.pth
  mmvos convert --list

Nothing that the file holds is run. A parameter that has no place in MMVOS is an error.
"""

import argparse

from .options import known_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('method', nargs='?', help='which implementation it comes from: one of --list')
    parser.add_argument('src', nargs='?', help="the original's checkpoint")
    parser.add_argument('dst', nargs='?', help='where the converted one goes')
    parser.add_argument('--list', action='store_true', help='print the names of the implementations')


def run(args: argparse.Namespace) -> None:
    from mmvos.converters import CONVERTERS, convert
    from mmvos.structures import InputError, atomic_path

    if args.list:
        print('\n'.join(sorted(CONVERTERS)))
        return
    if args.dst is None:
        raise InputError('expected METHOD SRC DST; --list prints the methods.')
    import torch

    from mmvos.utils.checkpoint import read_foreign_checkpoint

    known_name(args.method, CONVERTERS, 'method')
    checkpoint = read_foreign_checkpoint(args.src)
    try:
        weights = convert(args.method, checkpoint)
    except InputError as error:
        raise InputError(f'{args.src}: {error}') from error
    with atomic_path(args.dst) as temporary:
        torch.save(dict(state_dict=weights, meta=dict(converted_from=args.method)), temporary)
    count = sum(v.numel() for v in weights.values())
    print(f'{args.dst}: {len(weights)} tensors, {count:,} numbers')
