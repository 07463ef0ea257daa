"""Results as tables and files."""

import csv
import json
import math
import os
from collections.abc import Sequence
from typing import Any

from mmvos.structures import atomic_path

Path = str | os.PathLike


def write_json(
    path: Path, protocol: str, metrics: dict[str, Any], rows: Sequence[dict[str, Any]], warnings: Sequence[str] = ()
) -> None:
    """Write metrics under their official names at the top level, and the rows of the objects; NaN becomes null.

    Args:
        path (Path): the file.
        protocol (str): name of the protocol, under ``protocol``.
        metrics (dict): ``{name: figure}``.
        rows (Sequence[dict]): rows of the objects, under ``per_object``.
        warnings (Sequence[str]): under ``warnings``, where there are any.
    """
    content = dict(metrics, protocol=protocol, per_object=list(rows), **({'warnings': list(warnings)} if warnings else {}))
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        json.dump(_plain(content), file, indent=2, allow_nan=False)
        file.write('\n')


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a table with one line per object.

    Args:
        path (Path): the file.
        rows (Sequence[dict]): ``{column: value}`` of each object.
    """
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8', newline='') as file:
        writer = csv.DictWriter(file, _columns(rows), lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)


def format_table(rows: Sequence[dict[str, Any]], metrics: dict[str, Any]) -> str:
    """The objects' rows and, below, the metrics, as text."""
    columns = _columns(rows)
    if not rows:
        return _figures(metrics)
    lines = [columns] + [[_text(row.get(column, '')) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    body = ['  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return '\n'.join([*body, _figures(metrics)])


def _figures(metrics: dict[str, Any]) -> str:
    return '  '.join(f'{key}: {_text(value)}' for key, value in metrics.items())


def _columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _text(value: Any) -> str:
    return f'{value:.4f}' if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, 'item'):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
