"""Rows of a paper's ablation tables on small networks and procedural clips, over several seeds: do they point the paper's way?

    python tools/misc/ablations.py agame                       all rows and seeds; goes on where it was stopped
    python tools/misc/ablations.py main --rows full "raw flow" --seeds 0
    python tools/misc/ablations.py agame --table               the table of what is done

Each row is trained and validated by the mini config of its method; results are kept in WORK_DIR/<row>/<seed>/result.json. A row
agrees with the paper if it is on the paper's side of the full model with every seed, and disagrees if it is on the other side
with every seed.
"""

import argparse
import copy
import json
import statistics
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvos.cli.main import run_module

FULL = 'full'


@dataclass(frozen=True)
class Row:
    """A row of a table: the paper's figure (None: it has no such row), and what differs from the mini config."""

    published: float | None
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """The tables of a method: mini config, figure that is compared, and its rows."""

    config: str
    metric: str
    rows: Mapping[str, Row]


STUDIES = {
    'agame': Study(
        'agame/agame_mini_synthvos.py',
        'J&F-Mean',
        {
            FULL: Row(66.0),
            'no appearance': Row(50.0, dict(appearance=None, fusion=dict(in_channels=48))),
            'no mask propagation': Row(64.0, dict(mask_propagation=None, fusion=dict(in_channels=4))),
            'unimodal': Row(64.4, dict(appearance=dict(hard_components=False), fusion=dict(in_channels=2 + 48))),
            'no update': Row(64.9, dict(appearance=dict(update_rate=0.0))),
            'softmax': Row(55.8, dict(appearance=dict(output='posterior'))),
            'no end-to-end': Row(58.8, dict(appearance=dict(detach_fit=True))),
        },
    ),
    'main': Study(
        'main/main_mini_synthvos.py',
        'J-Mean',
        {
            FULL: Row(64.5),
            'plain': Row(60.3, dict(neck=dict(separable=False, dilations=(1, 1, 1)))),
            'dilated': Row(60.6, dict(neck=dict(separable=False))),
            'separable': Row(61.3, dict(neck=dict(dilations=(1, 1, 1)))),
            'BCE': Row(53.8, dict(loss_mask=[dict(type='InstanceBCELoss')])),
            'Dice': Row(
                61.1, dict(loss_mask=[dict(type='WIDLoss', use_alpha=False, overlap_weight=0.0), dict(type='InstanceBCELoss')])
            ),
            'no attention, RGB': Row(32.1, dict(lta=None, sta=None, flow_input=None, instance_shuffle=False)),
            'no attention': Row(32.6, dict(lta=None, sta=None, instance_shuffle=False)),
            'STA, RGB': Row(43.6, dict(lta=None, flow_input=None)),
            'STA': Row(50.0, dict(lta=None)),
            'LTA, RGB': Row(62.5, dict(sta=None, flow_input=None)),
            'LTA': Row(62.8, dict(sta=None)),
            'LTA + STA, RGB': Row(63.2, dict(flow_input=None)),
            'raw flow': Row(61.2, dict(flow_input=dict(_delete_=True, type='RawFlow'))),
            'one instance': Row(61.6, dict(num_slots=1)),
        },
    ),
    'sta': Study(
        'sta_masktrack_rcnn/sta-masktrack-rcnn-disturbed_mini_synthvis.py',
        'segm_mAP',
        {
            FULL: Row(40.0),
            'without attention': Row(
                29.3,
                dict(
                    detector=dict(
                        neck=dict(
                            _delete_=True,
                            type='mmdet.FPN',
                            in_channels=[24, 40, 112, 320],
                            out_channels=64,
                            num_outs=5,
                            norm_cfg=dict(type='GN', num_groups=8),
                        )
                    ),
                    memory=dict(num_maps=0),
                    near_references=0,
                ),
            ),
            'values of the previous frame': Row(None, dict(detector=dict(neck=dict(attention=dict(value_from='previous'))))),
        },
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('study', choices=sorted(STUDIES), help='the method')
    parser.add_argument('--rows', nargs='+', metavar='ROW', help='rows to train (default: all)')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2], metavar='SEED', help='default: 0 1 2')
    parser.add_argument('--work-dir', metavar='DIR', help='default: work_dirs/ablations/STUDY')
    parser.add_argument('--table', action='store_true', help='train nothing')
    parser.add_argument('--max-iters', type=int, metavar='N', help="iterations of a training (default: the config's)")


def run(args: argparse.Namespace) -> None:
    from mmvos.structures import InputError

    study = STUDIES[args.study]
    rows = args.rows or list(study.rows)
    unknown = sorted(set(rows) - set(study.rows))
    if unknown:
        raise InputError(f'--rows {unknown[0]!r}: expected some of {", ".join(study.rows)}.')
    work_dir = Path(args.work_dir or f'work_dirs/ablations/{args.study}')
    for seed in [] if args.table else args.seeds:  # all rows of one seed before the next
        for row in rows:
            if not (work_dir / row / str(seed) / 'result.json').exists():
                train(study, row, seed, work_dir, args.max_iters)
    print('\n'.join(table(study, read_results(study, work_dir))))


def train(study: Study, name: str, seed: int, work_dir: Path, max_iters: int | None = None) -> None:
    """Train a row with a seed, going on from its newest checkpoint, and write the figure of its validation."""
    from mmengine.hooks import Hook

    import mmvos.datasets
    import mmvos.evaluation
    import mmvos.models  # noqa: F401  (registers)
    from mmvos.engine import build_runner
    from mmvos.structures import atomic_path
    from mmvos.utils import load_config

    class Keep(Hook):
        """Keeps the last validation's figures."""

        metrics: Mapping[str, float] = {}

        def after_val_epoch(self, runner: Any, metrics: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
            self.metrics = metrics or {}

    row = study.rows[name]
    cfg = load_config(study.config)
    cfg.merge_from_dict(dict(model=copy.deepcopy(row.changes)))  # mmengine takes `_delete_` out of what it merges
    folder = work_dir / name / str(seed)
    cfg.work_dir, cfg.randomness, cfg.resume = str(folder), dict(seed=seed), 'auto'
    cfg.experiment_name = f'{name}_{seed}'
    if max_iters:
        cfg.train_cfg.update(max_iters=max_iters, val_interval=max_iters)
    by_epoch = cfg.train_cfg.get('type') == 'EpochBasedTrainLoop'
    cfg.merge_from_dict(dict(default_hooks=dict(checkpoint=dict(interval=1 if by_epoch else 25, max_keep_ckpts=1))))
    runner, keep = build_runner(cfg), Keep()
    runner.register_hook(keep)
    runner.train()
    figures = keep.metrics or runner.val()  # resumed after the last iteration: it was not validated
    (figure,) = (value for key, value in figures.items() if key.split('/')[-1] == study.metric)
    with atomic_path(folder / 'result.json') as temporary:
        Path(temporary).write_text(json.dumps({study.metric: float(figure)}))


def read_results(study: Study, work_dir: Path) -> dict[str, dict[int, float]]:
    """``{row: {seed: figure}}`` of what is done."""
    found: dict[str, dict[int, float]] = {}
    for name in study.rows:
        for path in sorted((work_dir / name).glob('*/result.json')):
            found.setdefault(name, {})[int(path.parent.name)] = json.loads(path.read_text())[study.metric]
    return found


def verdict(study: Study, name: str, results: Mapping[str, Mapping[int, float]]) -> str:
    """Whether a row's figures are on the paper's side of the full model's, seed by seed."""
    seeds = sorted(set(results.get(name, {})) & set(results.get(FULL, {})))
    published, full = study.rows[name].published, study.rows[FULL].published
    if name == FULL or not seeds or published is None or full is None:
        return ''
    worse = published < full
    agreeing = sum((results[name][seed] < results[FULL][seed]) == worse for seed in seeds)
    if len(seeds) == 1:
        return 'one seed'
    return {len(seeds): 'agrees', 0: 'disagrees'}.get(agreeing, f'not told apart ({agreeing} of {len(seeds)})')


def table(study: Study, results: Mapping[str, Mapping[int, float]]) -> Iterable[str]:
    """Lines of a markdown table."""
    yield f'| row | paper | {study.metric}: mean, deviation, least to most | seeds | against the full model |'
    yield '| --- | --- | --- | --- | --- |'
    for name, row in study.rows.items():
        figures = list(results.get(name, {}).values())
        deviation = f' ± {statistics.stdev(figures):.3f}' if len(figures) > 1 else ''
        spread = f'{statistics.fmean(figures):.3f}{deviation}, {min(figures):.3f} to {max(figures):.3f}' if figures else ''
        published = '' if row.published is None else row.published
        yield f'| {name} | {published} | {spread} | {len(figures)} | {verdict(study, name, results)} |'


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
