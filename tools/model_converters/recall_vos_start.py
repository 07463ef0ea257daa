"""Starting weights of RecallVOS: the linear part of its keys and target features as principal components of the backbone's
features.

    python tools/model_converters/recall_vos_start.py CONFIG PICTURES [PICTURES ...] --out data/recall-vos_lite0_start.pth

PICTURES are folders, which are searched for images; 80 of all images are drawn.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.models import *  # noqa: F403  (registers)
from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils import command_line, load_config
from mmvos.videos import IMAGE_SUFFIXES, read_frame

SIZE = (448, 256)  # width, height
CELLS = 20_000  # cells that the covariance is taken over


def principal_components(maps: Sequence[Tensor], count: int) -> tuple[Tensor, Tensor]:
    """Directions ``(count, sum of channels)`` and variances of maps ``(B, C_i, h, w)``, at the size of the first."""
    cells = torch.cat([_resized(m, maps[0]) for m in maps], 1).transpose(0, 1).flatten(1)
    cells = cells[:, torch.randperm(cells.shape[1])[:CELLS]]
    cells = cells - cells.mean(1, keepdim=True)
    variances, directions = torch.linalg.eigh(cells @ cells.t() / cells.shape[1])
    return directions.flip(1)[:, :count].t(), variances.flip(0)[:count]


def _resized(maps: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(maps, like.shape[-2:], mode='bilinear', align_corners=False)


def _share(maps: Tensor, share: float) -> Tensor:
    """The factor that gives maps this share of the squared length of a key."""
    return share**0.5 / maps.pow(2).sum(1).mean().sqrt()


@torch.no_grad()
def start_neck(neck: torch.nn.Module, maps: Sequence[Tensor]) -> None:
    """Set a ``RecallNeck`` by the backbone's maps of some pictures, ``(B, C_i, h_i, w_i)`` each."""
    deviations = [m.transpose(0, 1).flatten(1).std(1).clamp(min=0.05) for m in maps[2:]]
    neck.scales.copy_(1 / torch.cat(deviations))
    scaled = [m / d.view(-1, 1, 1) for m, d in zip(maps[2:], deviations, strict=True)]
    channels = [m.shape[1] for m in scaled]
    keys = neck.key_16.out_channels
    for start, shares, convs in (
        (0, (0.33, 0.53, 0.14), (neck.fine_key_8, neck.fine_key_16)),
        (1, (0.45, 0.35, 0.15, 0.05), (neck.key_16, neck.key_32)),
    ):
        used = scaled[start : start + len(shares)]
        factors = [_share(m, share) for m, share in zip(used, shares, strict=True)]
        directions, _ = principal_components([m * f for m, f in zip(used, factors, strict=True)], keys)
        parts = [d * f for d, f in zip(directions.split(channels[start : start + len(shares)], 1), factors, strict=True)]
        first = 1 if start == 0 else 2
        for conv, weight in zip(convs, (torch.cat(parts[:first], 1), torch.cat(parts[first:], 1)), strict=True):
            conv.weight.copy_(weight[..., None, None])
    directions, variances = principal_components(scaled[1:], neck.target_16.out_channels)
    directions = directions / variances.sqrt()[:, None] ** 0.8  # the ridge is to treat directions nearly alike
    spread = torch.einsum('dc,bchw->dbhw', directions, torch.cat([_resized(m, scaled[1]) for m in scaled[1:]], 1))
    directions = directions / spread.flatten(1).std(1).mean()
    fine = channels[1] + channels[2]
    neck.target_16.weight.copy_(directions[:, :fine, None, None])
    neck.target_32.weight.copy_(directions[:, fine:, None, None])


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config')
    parser.add_argument('pictures', nargs='+', type=Path, metavar='PICTURES')
    parser.add_argument('--out', type=Path, required=True, help='checkpoint that is written')
    args = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    model = MODELS.build(load_config(args.config).model).eval()
    paths = sorted(p for folder in args.pictures for p in folder.rglob('*') if p.suffix.lower() in IMAGE_SUFFIXES)
    paths = [p for p in paths if 'Annotations' not in p.parts and 'masks' not in p.parts]
    if not paths:
        raise InputError(f'{args.pictures[0]}: no pictures found.')
    found = []
    with torch.no_grad():
        for path in random.sample(paths, min(len(paths), 80)):
            pixels = cv2.resize(read_frame(path), SIZE, interpolation=cv2.INTER_AREA)[..., ::-1]
            image = model.data_preprocessor.normalise(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float())
            found.append(model.backbone(image))
    start_neck(model.neck, [torch.cat(level) for level in zip(*found, strict=True)])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=model.state_dict()), args.out)
    print(f'{args.out}: from {len(found)} pictures')


if __name__ == '__main__':
    main()
