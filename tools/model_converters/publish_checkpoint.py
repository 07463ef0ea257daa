"""Reduce a checkpoint to what inference needs: the weights, as float16, and the classes.

    python tools/model_converters/publish_checkpoint.py work_dirs/NAME/iter_3000.pth NAME.pth

The result is read with ``torch.load(..., weights_only=True)``.
"""

import argparse
import os

import torch

from mmvos.structures import atomic_path
from mmvos.utils import command_line
from mmvos.utils.checkpoint import read_checkpoint, state_dict_of


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Reduce a checkpoint to what inference needs.')
    parser.add_argument('source', help='checkpoint of a training run')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--float32', action='store_true', help='keep single precision')
    args = parser.parse_args()
    checkpoint = read_checkpoint(args.source)
    weights = state_dict_of(checkpoint)
    if not args.float32:
        weights = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
        infinite = [name for name, value in weights.items() if not value.isfinite().all()]
        if infinite:
            raise SystemExit(f'{args.source}: {infinite[0]} does not fit into float16; use --float32.')
    known = checkpoint.get('meta', {}).get('dataset_meta') or {}
    meta = dict(dataset_meta={name: tuple(known[name]) for name in ('classes', 'cat_ids') if name in known})
    with atomic_path(args.out) as temporary:
        torch.save(dict(state_dict=dict(weights), meta=meta), temporary)
    print(f'{args.out}: {sum(v.numel() for v in weights.values()):,} numbers, {os.path.getsize(args.out) / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
