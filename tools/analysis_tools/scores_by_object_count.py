"""Scores by the number of objects in the video, from a metric's JSON file.

    python tools/test.py CONFIG CHECKPOINT --cfg-options test_evaluator.json_file=scores.json
    python tools/analysis_tools/scores_by_object_count.py scores.json

Each column is the mean over the objects of the videos with so many objects.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence

from mmvos.utils import command_line

SCORES = ('J-Mean', 'F-Mean')


def by_object_count(rows: Sequence[dict], scores: Sequence[str] = SCORES) -> dict[int, dict[str, float]]:
    """``{number of objects: {'videos': n, 'objects': m, score: mean}}`` from rows of objects with their ``video``."""
    counts = Counter(row['video'] for row in rows)
    groups: dict[int, list[dict]] = defaultdict(list)
    for row in rows:
        groups[counts[row['video']]].append(row)
    table = {}
    for count, group in sorted(groups.items()):
        table[count] = dict(videos=len(group) // count, objects=len(group))
        for score in scores:
            values = [row[score] for row in group if row.get(score) is not None]
            table[count][score] = sum(values) / len(values) if values else float('nan')
    return table


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Scores by the number of objects in the video.')
    parser.add_argument('json_file', help="a metric's json_file, with per_object rows")
    args = parser.parse_args()
    try:
        with open(args.json_file) as file:
            rows = json.load(file)['per_object']
        table = by_object_count(rows)
    except FileNotFoundError:
        sys.exit(f'error: {args.json_file}: not found.')
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        sys.exit(
            f'error: {args.json_file}: {type(error).__name__} {error}. Expected the JSON file of a metric with '
            "'per_object' rows that name their video."
        )
    columns = ('videos', 'objects', *SCORES)
    print('objects per video  ' + '  '.join(f'{c:>8}' for c in columns))
    for count, row in table.items():
        print(f'{count:>17}  ' + '  '.join(f'{row[c]:8.4f}' if isinstance(row[c], float) else f'{row[c]:8d}' for c in columns))


if __name__ == '__main__':
    main()
