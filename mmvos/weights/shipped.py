"""The entries of ``weights.json``, found by name."""

import json
import os
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Literal

from mmvos.structures import InputError, settings_from

#: folder of the files, and the file that describes them
FOLDER = Path(__file__).resolve().parent
INDEX = FOLDER / 'weights.json'


@dataclass(frozen=True)
class TrainingData:
    """What weights were trained with.

    Args:
        name (str): name of the data set or of the weights that training began from.
        source (str): where it comes from.
        licence (str): its licence, or what is known of it.
        use (str): which part of it, and for what.
    """

    name: str
    source: str
    licence: str
    use: str = ''


@dataclass(frozen=True)
class ShippedWeights:
    """An entry of ``weights.json``.

    Args:
        name (str): stem of the model's config; names the model and its weights.
        aliases (tuple[str, ...]): further names.
        former (tuple[str, ...]): paths of earlier versions, below the repository.
        task (str): ``'vos'``, ``'vis'`` or ``'click'``: which inferencer runs the model.
        file (Path): checkpoint, without what comes from packages.
        sha256 (str): digest of the file.
        size (int): its size in bytes.
        config (str): config of the model, below ``configs``.
        training (tuple[str, ...]): configs of the training, in order, below ``configs``.
        averaged (tuple[str, ...]): those of them whose ends were averaged (none: the weights are the end of the last).
        starts (dict[str, tuple[str, ...]]): ``{config: those of the configs before it whose ends' mean it begins with}``, for
            configs that do not begin with the end of another.
        parameters (int): number of the model's parameters, those of a frozen backbone included.
        trained_parameters (int): number of those that the training changed.
        iterations (str): number of iterations of each stage.
        seed (str): seed of each stage.
        hardware (str): what the training ran on.
        time (str): how long it took.
        log (Path): log of the training.
        metrics (dict): ``{data set or clip: {metric: value}}``, measured with these weights.
        frame_ms (dict): ``{clip: milliseconds per frame}`` of one CPU thread.
        data (tuple[TrainingData, ...]): what it was trained with.
    """

    name: str
    aliases: tuple[str, ...]
    former: tuple[str, ...]
    task: Literal['vos', 'vis', 'click']
    file: Path
    sha256: str
    size: int
    config: str
    training: tuple[str, ...]
    averaged: tuple[str, ...]
    starts: dict[str, tuple[str, ...]]
    parameters: int
    trained_parameters: int
    iterations: str
    seed: str
    hardware: str
    time: str
    log: Path
    metrics: dict[str, dict[str, float]]
    frame_ms: dict[str, float]
    data: tuple[TrainingData, ...]


@cache
def shipped_weights() -> dict[str, ShippedWeights]:
    """All weights that come with MMVOS, by their names.

    Raises:
        InputError: an entry of ``weights.json`` that is not complete.
    """
    return {entry['name']: entry_of(entry, f'{INDEX.name}: {entry["name"]}') for entry in read_index()}


def read_index() -> list[dict[str, Any]]:
    """The entries as they are in the file."""
    return json.loads(INDEX.read_text(encoding='utf-8'))


def find_weights(name: str | os.PathLike) -> ShippedWeights | None:
    """The weights of a name, an alias, or a path of an earlier version (with a DeprecationWarning). None: there are none.

    Args:
        name (str | PathLike): capitals do not count, hyphens and underscores are the same.
    """
    path, wanted = PurePath(name).as_posix(), _plain(os.fspath(name))
    for weights in shipped_weights().values():
        if wanted in map(_plain, (weights.name, *weights.aliases)):
            return weights
        if any(path == former or path.endswith(f'/{former}') for former in weights.former):
            warnings.warn(f'{path}: these weights are called {weights.name} now.', DeprecationWarning, stacklevel=2)
            return weights
    return None


def weights_file(source: str | os.PathLike) -> Path:
    """The file of a checkpoint: a path of a file as it is, else that of the shipped weights of this name.

    Raises:
        FileNotFoundError: neither of them; the message lists the names that there are.
    """
    path = Path(source)
    if path.is_file():
        return path
    weights = find_weights(source)
    if weights is None:
        raise FileNotFoundError(
            f'{os.fspath(source)}: checkpoint not found, nor do weights of this name come with MMVOS '
            f'({", ".join(shipped_weights())}).'
        )
    return weights.file


def _plain(name: str) -> str:
    return name.lower().replace('_', '-')


def entry_of(values: dict[str, Any], place: str) -> ShippedWeights:
    """An entry of ``weights.json``.

    Args:
        values (dict): the entry as it is in the file.
        place (str): where it stands, for messages.

    Raises:
        InputError: a field is missing, unknown or of another type.
    """
    values = dict(values)
    for field in ('aliases', 'former', 'training', 'averaged'):
        values[field] = tuple(values.get(field, ()))
    values['starts'] = {config: tuple(ends) for config, ends in values.get('starts', {}).items()}
    for field in ('file', 'log'):
        values[field] = FOLDER / values.get(field, '')
    sources = values.get('data', ())
    values['data'] = tuple(settings_from(TrainingData, source, f'{place}.data[{i}]') for i, source in enumerate(sources))
    weights = settings_from(ShippedWeights, values, place)
    if not set(weights.averaged) <= set(weights.training):
        raise InputError(f'{place}: averaged: expected some of {weights.training}, got {weights.averaged}.')
    for config, ends in weights.starts.items():
        earlier = weights.training[: weights.training.index(config)] if config in weights.training else ()
        if not ends or not set(ends) <= set(earlier):
            raise InputError(
                f'{place}: starts: expected one of {weights.training} and some of those before it, got {weights.starts}.'
            )
    if not weights.data:
        raise InputError(f'{place}: says nothing of the data of the training.')
    return weights
