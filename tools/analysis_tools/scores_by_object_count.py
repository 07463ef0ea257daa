"""Scores by the number of objects in the video, or by what is said of it, from a metric's JSON file.

    python tools/test.py CONFIG CHECKPOINT --cfg-options test_evaluator.json_file=scores.json
    python tools/analysis_tools/scores_by_object_count.py scores.json
    python tools/analysis_tools/scores_by_object_count.py scores.json --attributes attributes.json

Each column is the mean over the objects of the videos with so many objects, or with the attribute: attributes.json is
``{video: [attribute, ...]}``, such as DAVIS's occlusion (OCC) or scale variation (SV) (DyeNet, Figure 6).
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from mmvos.structures import read_json
from mmvos.utils import command_line

SCORES = ('J-Mean', 'F-Mean')


def by_object_count(rows: Sequence[dict], scores: Sequence[str] = SCORES) -> dict[int, dict[str, float]]:
    """``{number of objects: {'videos': n, 'objects': m, score: mean}}`` from rows of objects with their ``video``."""
    counts = Counter(row['video'] for row in rows)
    return by_group(rows, {video: [count] for video, count in counts.items()}, scores)


def by_group(rows: Sequence[dict], groups_of: Mapping[str, Sequence[Any]], scores: Sequence[str] = SCORES) -> dict[Any, dict]:
    """The same for groups of videos; a video may be in several, or in none."""
    groups: dict[Any, list[dict]] = defaultdict(list)
    for row in rows:
        for group in groups_of.get(row['video'], ()):
            groups[group].append(row)
    table: dict[Any, dict] = {}
    for name, group in sorted(groups.items()):
        table[name] = dict(videos=len({row['video'] for row in group}), objects=len(group))
        for score in scores:
            values = [row[score] for row in group if row.get(score) is not None]
            table[name][score] = sum(values) / len(values) if values else float('nan')
    return table


def _attributes(path: str) -> dict[str, list[str]]:
    attributes = read_json(path, '{video: [attribute, ...]}')
    if not isinstance(attributes, dict) or not all(isinstance(names, list) for names in attributes.values()):
        sys.exit(f'error: {path}: expected {{video: [attribute, ...]}}.')
    return attributes


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Scores by the number of objects in the video.')
    parser.add_argument('json_file', help="a metric's json_file, with per_object rows")
    parser.add_argument('--attributes', metavar='FILE.json', help='{video: [attribute, ...]}: a row for each attribute')
    args = parser.parse_args()
    try:
        rows = read_json(args.json_file, 'a JSON file of a metric')['per_object']
        table = by_group(rows, _attributes(args.attributes)) if args.attributes else by_object_count(rows)
    except (KeyError, TypeError) as error:
        sys.exit(
            f'error: {args.json_file}: {type(error).__name__} {error}. Expected the JSON file of a metric with '
            "'per_object' rows that name their video."
        )
    columns = ('videos', 'objects', *SCORES)
    print(f'{"attribute" if args.attributes else "objects per video":>17}  ' + '  '.join(f'{c:>8}' for c in columns))
    for count, row in table.items():
        print(f'{count:>17}  ' + '  '.join(f'{row[c]:8.4f}' if isinstance(row[c], float) else f'{row[c]:8d}' for c in columns))


if __name__ == '__main__':
    main()
