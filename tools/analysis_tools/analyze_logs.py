"""Plot the curves of trainings, or tell how long a step takes.

examples:
  tools/analysis_tools/analyze_logs.py plot_curve work_dirs/a work_dirs/b --keys loss --out loss.png
  tools/analysis_tools/analyze_logs.py plot_curve work_dirs/a --keys J-Mean F-Mean --out scores.png
  tools/analysis_tools/analyze_logs.py plot_curve mmvos/weights/*.txt --panels --out zoo.svg
  tools/analysis_tools/analyze_logs.py cal_train_time work_dirs/a

A log is a work dir, a scalars.json in one, or a .txt that comes with weights.
"""

import argparse
import sys
from pathlib import Path

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    tasks = parser.add_subparsers(dest='task', required=True)
    plot = tasks.add_parser('plot_curve', help='plot numbers over the steps')
    plot.add_argument('logs', nargs='+', metavar='LOG', help='work dirs, files scalars.json, or .txt of weights')
    plot.add_argument('--keys', nargs='+', default=['loss'], metavar='NAME', help='what is plotted (default: loss)')
    plot.add_argument('--panels', action='store_true', help='a panel for each log, with its own axes')
    plot.add_argument('--out', required=True, metavar='FILE', help='picture: .png, .svg or .pdf')
    time = tasks.add_parser('cal_train_time', help='seconds per step')
    time.add_argument('logs', nargs='+', metavar='LOG', help='work dirs, files scalars.json, or .txt of weights')


def run(args: argparse.Namespace) -> None:
    from mmvos.analysis import read_scalars, training_time

    curves = {log: read_scalars(log) for log in args.logs}
    if args.task == 'plot_curve':
        _plot(curves, args.keys, args.panels, args.out)
        return
    for log, numbers in curves.items():
        times = training_time(numbers)
        print(
            f'{log}: {times["mean"]:.4f} s/step on average (logged values from {times["fastest"]:.4f} to '
            f'{times["slowest"]:.4f}), {100 * times["data"]:.0f} % of it waiting for data'
        )


def _plot(curves: dict, keys: list[str], panels: bool, out: str) -> None:
    import matplotlib

    from mmvos.structures import InputError

    matplotlib.use('Agg')
    matplotlib.rcParams['svg.hashsalt'] = 'mmvos'  # equal logs give equal files
    import matplotlib.pyplot as plt

    columns = min(3, len(curves)) if panels else 1
    rows = -(-len(curves) // columns) if panels else 1
    size = (3.2 * columns, 2.2 * rows) if panels else (7, 4.5)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout='constrained')
    axes = list(grid.flat) if panels else [grid[0, 0]] * len(curves)
    for axis in axes[len(curves) :]:
        axis.remove()
    for axis, (log, numbers) in zip(axes, curves.items(), strict=False):
        name = Path(log).stem if panels else log
        for key in keys:
            if key not in numbers:
                raise InputError(f'{log}: no {key!r} in the log; it has {", ".join(sorted(numbers))}.')
            label = key if panels or len(curves) == 1 else f'{name} {key}'
            axis.plot(*numbers[key], label=label, marker='.' if len(numbers[key][0]) < 30 else '')
        axis.set_xlabel('step')
        axis.grid(visible=True, alpha=0.3)
        if panels:
            axis.set_title(name, fontsize='medium')
        if len(keys) > 1 or not panels:
            axis.legend()
        else:
            axis.set_ylabel(keys[0])
    figure.savefig(out, dpi=120, metadata=dict(Date=None) if out.endswith('.svg') else None)
    print(out)


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
