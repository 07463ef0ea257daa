"""The weights that come with MMVOS: files beside this one, and ``weights.json``, which says what each of them is."""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ShippedWeights:
    """An entry of ``weights.json``.

    Args:
        name (str): name under which inferencers and commands know the model with these weights.
        file (Path): checkpoint, float16; the weights of a frozen backbone that come with a package are not in it.
        sha256 (str): digest of the file.
        config (str): config of the model, below ``configs``.
        task (str): ``'vos'``, ``'vis'`` or ``'click'``: which inferencer runs the model.
        training_configs (tuple[str, ...]): configs of the training, in order, below ``configs``.
        metrics (dict): ``{data set: {metric: value}}``, measured with these weights.
        log (str): log of the training, below the repository.
        data (tuple[dict, ...]): what the weights were trained on: ``name`` and ``licence`` of each source.
        aliases (tuple[str, ...]): names of earlier versions.
        packages (dict): ``{beginning of parameter names: package that has these weights, with its licence}``.
    """

    name: str
    file: Path
    sha256: str
    config: str
    task: str
    training_configs: tuple[str, ...]
    metrics: dict[str, dict[str, float]]
    log: str
    data: tuple[dict[str, str], ...]
    aliases: tuple[str, ...]
    packages: dict[str, str]


@cache
def shipped_weights() -> dict[str, ShippedWeights]:
    """All weights that come with MMVOS, by their names."""
    entries = json.loads((_FOLDER / 'weights.json').read_text(encoding='utf-8'))
    return {name: _entry(name, values) for name, values in entries.items()}


def find_weights(name: str) -> ShippedWeights | None:
    """The weights of a name or an alias; hyphens and underscores are the same. None: there are none."""
    wanted = plain_name(name)
    for weights in shipped_weights().values():
        if wanted in map(plain_name, (weights.name, *weights.aliases)):
            return weights
    return None


def weights_file(source: str | os.PathLike) -> Path:
    """The file of a checkpoint: a path as it is, the name of shipped weights (if no such file is there) as their file."""
    path = Path(source)
    found = None if path.exists() else find_weights(os.fspath(source))
    return found.file if found else path


def plain_name(name: str) -> str:
    """A name as it is compared."""
    return name.lower().replace('_', '-')


def _entry(name: str, values: dict[str, Any]) -> ShippedWeights:
    for field in ('training_configs', 'data', 'aliases'):
        values[field] = tuple(values[field])
    return ShippedWeights(name=name, **{**values, 'file': _FOLDER / values['file']})
