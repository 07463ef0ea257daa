"""Reduce a checkpoint to what inference needs: the weights, as float16, and the classes.

    python tools/model_converters/publish_checkpoint.py work_dirs/NAME/iter_3000.pth NAME.pth [--config CONFIG]

With the model's config, the weights of a frozen backbone that come with a package are left out; a model that is built with
``pretrained=True`` has them. The result is read with ``torch.load(..., weights_only=True)``.
"""

import argparse
import os

import torch
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line, load_config
from mmvos.utils.checkpoint import rename_weights, read_checkpoint, state_dict_of


def leave_out_packages(weights: dict[str, Tensor], model: nn.Module, source: str) -> dict[str, str]:
    """Remove, in place, the weights that a model has from packages.

    Args:
        weights (dict): weights by their names.
        model (nn.Module): the model, newly built.
        source (str): name of the checkpoint, for messages.

    Returns:
        dict: ``{beginning of the names that were removed: package}``.

    Raises:
        InputError: they are not those of the package.
    """
    packages = {}
    for part, module in model.named_modules():
        if not getattr(module, 'from_package', False):
            continue
        for name, value in module.state_dict(prefix=f'{part}.').items():
            if name in weights and not torch.equal(weights.pop(name).half(), value.half()):
                raise InputError(f'{source}: {name} is not that of the package {module.package}, though the part is frozen.')
        packages[f'{part}.'] = module.package
    return packages


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Reduce a checkpoint to what inference needs.')
    parser.add_argument('source', help='checkpoint of a training run')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--config', help='config of the model: leave out what comes with packages')
    parser.add_argument('--float32', action='store_true', help='keep single precision')
    args = parser.parse_args()
    if args.config and args.float32:
        raise InputError('--float32 keeps everything; what comes with packages is left out of float16 checkpoints only.')
    checkpoint = read_checkpoint(args.source)
    weights = {name.removeprefix('module.'): value for name, value in state_dict_of(checkpoint).items()}
    if not weights or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(f'{args.source}: expected weights, found {len(weights)} entries that are not all tensors.')
    meta: dict[str, dict] = {}
    if args.config:
        model = MODELS.build(load_config(args.config).model)
        rename_weights(weights, getattr(model, 'renamed_weights', {}))
        meta['packages'] = leave_out_packages(weights, model, args.source)
    if not args.float32:
        weights = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
        infinite = [name for name, value in weights.items() if not value.isfinite().all()]
        if infinite:
            raise InputError(f'{args.source}: {infinite[0]} does not fit into float16; use --float32.')
    known = checkpoint.get('meta', {}).get('dataset_meta') or {}
    meta['dataset_meta'] = {name: tuple(known[name]) for name in ('classes', 'cat_ids') if name in known}
    with atomic_path(args.out) as temporary:
        torch.save(dict(state_dict=weights, meta=meta), temporary)
    print(f'{args.out}: {sum(v.numel() for v in weights.values()):,} numbers, {os.path.getsize(args.out) / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
