"""Plot the curves of trainings, or tell how long a step takes.

examples:
  tools/analysis_tools/analyze_logs.py plot_curve work_dirs/a work_dirs/b --keys loss --out loss.png
  tools/analysis_tools/analyze_logs.py plot_curve work_dirs/a --keys J-Mean F-Mean --out scores.png
  tools/analysis_tools/analyze_logs.py cal_train_time work_dirs/a

A log is a work dir, or a scalars.json in one.
"""

import argparse
import sys

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    tasks = parser.add_subparsers(dest='task', required=True)
    plot = tasks.add_parser('plot_curve', help='plot numbers over the steps')
    plot.add_argument('logs', nargs='+', metavar='LOG', help='work dirs or files scalars.json')
    plot.add_argument('--keys', nargs='+', default=['loss'], metavar='NAME', help='what is plotted (default: loss)')
    plot.add_argument('--out', required=True, metavar='FILE', help='picture: .png, .svg or .pdf')
    time = tasks.add_parser('cal_train_time', help='seconds per step')
    time.add_argument('logs', nargs='+', metavar='LOG', help='work dirs or files scalars.json')


def run(args: argparse.Namespace) -> None:
    from mmvos.analysis import read_scalars, training_time

    curves = {log: read_scalars(log) for log in args.logs}
    if args.task == 'plot_curve':
        _plot(curves, args.keys, args.out)
        return
    for log, numbers in curves.items():
        times = training_time(numbers)
        print(
            f'{log}: {times["mean"]:.4f} s/step on average (logged values from {times["fastest"]:.4f} to '
            f'{times["slowest"]:.4f}), {100 * times["data"]:.0f} % of it waiting for data'
        )


def _plot(curves: dict, keys: list[str], out: str) -> None:
    import matplotlib

    from mmvos.structures import InputError

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4.5))
    for log, numbers in curves.items():
        for key in keys:
            if key not in numbers:
                raise InputError(f'{log}: no {key!r} in the log; it has {", ".join(sorted(numbers))}.')
            axis.plot(
                *numbers[key],
                label=key if len(curves) == 1 else f'{log} {key}',
                marker='.' if len(numbers[key][0]) < 30 else '',
            )
    axis.set_xlabel('step')
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(out, dpi=120, bbox_inches='tight')
    print(out)


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
