"""Logs of trainings: their curves, and how long a step takes."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from mmvos.structures import InputError

#: {name of a number: (steps, values)}
Curves = dict[str, tuple[np.ndarray, np.ndarray]]


def read_scalars(log: str | os.PathLike) -> Curves:
    """The numbers of a training, as mmengine's local backend writes them.

    Args:
        log (str | PathLike): a ``scalars.json``, or a folder that holds one or more (a work dir). Of several, as a training
            that was resumed has, the newest one counts where steps are in both. Or a ``.txt`` that comes with weights
            (``mmvos/weights``): the steps of a later stage are counted on from the last one of the stage before.

    Returns:
        Curves: ``{name: (steps, values)}``, steps ascending: int64 and float64 ``(N,)``.

    Raises:
        InputError: no such file, or one that is no log.
    """
    path = Path(log)
    if path.suffix == '.txt' and path.is_file():
        return _of_weights(path)
    files = sorted(path.rglob('scalars.json'), key=lambda file: file.stat().st_mtime) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise InputError(f'{path}: no log; expected a scalars.json, or a work dir with one in <time>/vis_data.')
    found: dict[str, dict[int, float]] = {}
    for file in files:
        for number, line in enumerate(file.read_text(encoding='utf-8').splitlines(), 1):
            row = _row(file, number, line)
            for name, value in row.items():
                if name != 'step' and isinstance(value, (int, float)):
                    found.setdefault(name, {})[int(row.get('step', 0))] = float(value)
    if not found:
        raise InputError(f'{path}: the log holds no numbers; has the training logged a step?')
    return {
        name: (np.array(sorted(values), np.int64), np.array([values[step] for step in sorted(values)]))
        for name, values in found.items()
    }


def _of_weights(path: Path) -> Curves:
    """Curves of a log with lines such as ``[ 20/600] lr: 1e-3  time: 0.5  loss: 0.7``."""
    found: dict[str, list[tuple[int, float]]] = {}
    step = before = 0
    for line in path.read_text(encoding='utf-8').splitlines():
        place = None if line.startswith('#') else re.search(r'\[ *(\d+)/\d+\]', line)
        if place is None:
            continue
        if int(place[1]) <= step - before:
            before = step
        step = before + int(place[1])
        for name, value in re.findall(r'(\w+): (-?\d[\d.e+-]*)', line[place.end() :]):
            found.setdefault(name, []).append((step, float(value)))
    if not found:
        raise InputError(f'{path}: no line of a training; expected lines such as "[ 20/600] loss: 0.7".')
    return {name: (np.array([s for s, _ in row], np.int64), np.array([v for _, v in row])) for name, row in found.items()}


def _row(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f'{file}, line {number}: not JSON ({error.msg}); expected a scalars.json of a training.') from error
    if not isinstance(row, dict):
        raise InputError(f'{file}, line {number}: {line[:40]!r}; expected an object with numbers.')
    return row


def training_time(curves: Curves, skip: int = 1) -> dict[str, float]:
    """How long a step took.

    Args:
        curves (Curves): numbers of a training by name: steps and values, float64 ``(N,)`` each.
        skip (int): how many of the first logged values are left out: the start is slower.

    Returns:
        dict[str, float]: seconds per step (``mean``, ``slowest``, ``fastest`` logged value) and ``data``, the share of the
        time that a step waited for data, 0 to 1.

    Raises:
        InputError: a log without times.
    """
    if 'time' not in curves:
        raise InputError('the log has no times; expected that of a training (hook IterTimerHook).')
    times = curves['time'][1]
    times = times[skip:] if len(times) > skip else times
    waits = curves['data_time'][1][-len(times) :] if 'data_time' in curves else np.zeros(1)
    return dict(
        mean=float(times.mean()),
        slowest=float(times.max()),
        fastest=float(times.min()),
        data=float(waits.mean() / max(times.mean(), 1e-12)),
    )
