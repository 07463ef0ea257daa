"""The mean of the weights of several checkpoints of one model, such as the ends of trainings that began from the same weights.

    python tools/model_converters/average_checkpoints.py CONFIG work_dirs/A/iter_200.pth work_dirs/B/iter_1500.pth --out OUT.pth

After Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time", ICML 2022. Whole numbers, such as counts of batches, are those of the last checkpoint.
"""

import argparse
from pathlib import Path

import torch

import mmvos.models  # noqa: F401  (registers everything)
from mmvos.registry import MODELS
from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line, load_config
from mmvos.utils.checkpoint import load_weights


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument('config', help='config of the model')
    parser.add_argument('checkpoints', nargs='+', metavar='CHECKPOINT', help='at least two, of this model')
    parser.add_argument('--out', type=Path, required=True, metavar='FILE', help='checkpoint that is written')
    args = parser.parse_args()
    if len(args.checkpoints) < 2:
        raise InputError(f'{args.checkpoints[0]}: one checkpoint; expected two or more.')
    model = MODELS.build(load_config(args.config).model)
    mean: dict[str, torch.Tensor] = {}
    for path in args.checkpoints:
        load_weights(model, path)
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                mean[name] = mean.get(name, 0) + value.double() / len(args.checkpoints)
            else:
                mean[name] = value.clone()
    weights = {name: value.float() if value.is_floating_point() else value for name, value in mean.items()}
    with atomic_path(args.out) as temporary:
        torch.save(dict(state_dict=weights), temporary)
    print(f'{args.out}: mean of {len(args.checkpoints)} checkpoints')


if __name__ == '__main__':
    main()
