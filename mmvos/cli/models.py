"""List the models: what each reached, the size of its weights, and the name or config to give to other commands.

examples:
  mmvos models                 the models whose weights come with MMVOS
  mmvos models --all           every config of the zoo, with the scores that its metafile has
  mmvos models recall --all    those with "recall" in their names
  mmvos models --json          the same for programs
"""

import argparse
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('pattern', nargs='?', default='', help='only names with this text in them')
    parser.add_argument('--all', action='store_true', help='configs without shipped weights, too')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> int:
    import json

    from mmvos.utils import configs_root

    rows = [row for row in models(configs_root()) if args.pattern in row['name'] and (args.all or row['weights_bytes'])]
    if args.json:
        print(json.dumps(rows, indent=2))
    elif rows:
        _print_table(rows)
    else:
        print(
            f'no model with {args.pattern!r} in its name{"" if args.all else " has weights that come with MMVOS; see --all"}.'
        )
    return int(not rows)


def models(root: Path) -> list[dict[str, Any]]:
    """The models of all metafiles, those whose weights come with MMVOS first.

    Args:
        root (Path): folder that holds ``configs``.

    Returns:
        list[dict]: ``name``, ``config``, ``method``, ``weights`` (a name to give to other commands, an address, or None),
        ``weights_bytes`` (size of weights that come with MMVOS, else 0), ``scores``, ``{data set: {metric: value}}``, and
        ``source`` of the scores: ``'MMVOS'`` if they were measured with it, ``'paper'``, or who reported them.
    """
    import yaml

    from mmvos.weights import shipped_weights

    rows = []
    for metafile in sorted((root / 'configs').glob('*/metafile.yml')):
        for model in yaml.safe_load(metafile.read_text(encoding='utf-8')).get('Models', ()):
            results = model.get('Results', ())
            row = dict(
                name=model['Name'],
                config=model['Config'],
                method=model['In Collection'],
                weights=model.get('Weights'),
                weights_bytes=0,
                scores={result['Dataset']: result['Metrics'] for result in results},
                source=results[0]['Source'] if results else None,
            )
            shipped = shipped_weights().get(model['Name'])
            if shipped:  # all that is known of them is in weights.json
                row.update(weights=shipped.name, weights_bytes=shipped.size, scores=shipped.metrics, source='MMVOS')
            rows.append(row)
    return sorted(rows, key=lambda row: (not row['weights_bytes'], row['method'], row['name']))


def _print_table(rows: list[dict[str, Any]]) -> None:
    width = max(len(row['name']) for row in rows)
    print(f'{"name":<{width}}  {"weights":>8}  scores')
    for row in rows:
        size = f'{row["weights_bytes"] / 1e6:.1f} MB' if row['weights_bytes'] else '-'
        scores = [f'{data}: {", ".join(f"{k} {v}" for k, v in metrics.items())}' for data, metrics in row['scores'].items()]
        if row['source'] != 'MMVOS':
            scores = [f'{line} ({row["source"]})' for line in scores]
        print(f'{row["name"]:<{width}}  {size:>8}  {scores[0] if scores else "-"}')
        print(*(f'{"":<{width}}  {"":>8}  {line}' for line in scores[1:]), sep='\n', end='\n' if scores[1:] else '')
