"""J of the objects along a video, and how many are still there: what drifts, and when (MAIN, Figure 6).

    python tools/test.py CONFIG CHECKPOINT --out-dir masks
    python tools/analysis_tools/scores_over_time.py masks data/DAVIS/Annotations/480p --out j.csv [--figure j.png]

Time is counted in annotated frames from the first one of each object, whose mask is given and counts as 0. Each value is the
mean over the objects whose video has such a frame; ``found`` is the share of those that are shown with J above 0.1.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmvos.cli.main import run_module

#: J above which an object is still found
FOUND = 0.1


class Moment(NamedTuple):
    """All objects so many frames after their first one: how many, mean J, and the share that is still found."""

    time: int
    objects: int
    j: float
    found: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('masks', help='label maps of a model: MASKS/<video>/<frame>.png')
    parser.add_argument(
        'annotations', help='true label maps: ANNOTATIONS/<video>/<frame>.png; those of other videos are not read'
    )
    parser.add_argument('--out', required=True, metavar='FILE.csv', help='gets the table')
    parser.add_argument('--figure', metavar='FILE.png', help='gets a plot')


def j_of_video(masks: Path, annotations: Path) -> Iterator[list[float]]:
    """J of each object in each annotated frame from its first one on, the given one left out; void does not count.

    Raises:
        MissingFileError: a frame has no mask.
    """
    from mmvos.evaluation.functional.region import jaccard
    from mmvos.structures import VOID, MissingFileError, object_ids_of, read_label_map

    series: dict[int, list[float]] = {}
    for path in sorted(annotations.glob('*.png')):
        truth = read_label_map(path)
        if not (masks / path.name).is_file():
            raise MissingFileError(f'{masks / path.name}: not found; expected a mask of every annotated frame.')
        found = read_label_map(masks / path.name, truth.shape[:2])
        for object_id, values in series.items():
            values.append(jaccard(truth == object_id, found == object_id, truth == VOID))
        series.update({object_id: [] for object_id in object_ids_of(truth) if object_id not in series})
    yield from series.values()


def over_time(series: Sequence[Sequence[float]]) -> list[Moment]:
    """Means over objects with J of each frame, by time."""
    moments = []
    for time in range(max(map(len, series), default=0)):
        values = [j[time] for j in series if len(j) > time]
        moments.append(Moment(time + 1, len(values), float(np.mean(values)), float(np.mean(np.array(values) > FOUND))))
    return moments


def plot(moments: Sequence[Moment], path: str) -> None:
    """J and the share that is found against time."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    from mmvos.structures import atomic_path

    figure, axes = pyplot.subplots(figsize=(7, 4), layout='constrained')
    times = [moment.time for moment in moments]
    axes.plot(times, [moment.j for moment in moments], label='J')
    axes.plot(times, [moment.found for moment in moments], label=f'share with J > {FOUND}', linestyle='--')
    axes.set(xlabel='annotated frames since the given one', ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)


def run(args: argparse.Namespace) -> Any:
    from mmvos.structures import InputError, atomic_path

    folders = sorted(path for path in Path(args.masks).glob('*') if (Path(args.annotations) / path.name).is_dir())
    if not folders:
        raise InputError(f'{args.masks}: no folder of a video that {args.annotations} has, too.')
    moments = over_time([j for folder in folders for j in j_of_video(folder, Path(args.annotations) / folder.name)])
    with atomic_path(args.out) as temporary, open(temporary, 'w') as file:
        file.write('frames,objects,J,found\n')
        file.writelines(f'{m.time},{m.objects},{m.j:.4f},{m.found:.4f}\n' for m in moments)
    if args.figure:
        plot(moments, args.figure)
    print(f'{len(folders)} videos, {max((m.objects for m in moments), default=0)} objects: {args.out}')


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
