"""Whether a packed data set is read as fast as the files that it was made of, decoding included.

    python tools/analysis_tools/benchmark_pack.py data/DAVIS packed/DAVIS [--include '*/480p/*'] [--rounds 3]

The pack is made if it is not there (`mmvos pack`). Images are read in a shuffled order, as training does, through the readers
of the data sets: first all as bytes, then decoded. Files and pack take turns, so that what else the machine does meets both;
`processor` is the time of the processor, system calls included, `wall` that of a clock.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mmvos.cli.main import run_module

Times = tuple[float, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', help='folder of the data set')
    parser.add_argument('pack', help='folder of its packed copy')
    parser.add_argument('--include', nargs='+', default=[], metavar='PATTERN', help='pack only files whose paths match')
    parser.add_argument('--images', type=int, default=2000, help='how many are read (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=3, help='default: %(default)s')


def run(args: argparse.Namespace) -> None:
    import cv2

    from mmvos.structures import InputError, read_bytes
    from mmvos.videos import IMAGE_SUFFIXES, read_frame
    from mmvos.videos.packed import META, open_pack
    from mmvos.videos.packing import pack
    from mmvos.videos.storage import stored

    if min(args.images, args.rounds) < 1:
        raise InputError('--images and --rounds are numbers from 1.')
    cv2.setNumThreads(1)
    if not (Path(args.pack) / META).exists():
        pack(args.source, args.pack, include=args.include)
    names = [path for path in open_pack(args.pack).paths() if Path(path).suffix.lower() in IMAGE_SUFFIXES]
    random.Random(0).shuffle(names)
    places = dict(
        files=[str(Path(args.source) / name) for name in names[: args.images]],
        pack=[stored(f'{args.pack}/{name}', dict(backend='pack'), args.pack) for name in names[: args.images]],
    )
    print(f'{len(places["files"])} images, ms for each, {args.rounds} rounds\n')
    print('| | files: processor | wall | pack: processor | wall | pack / files, processor | by round |')
    print('|---|--:|--:|--:|--:|--:|---|')
    for kind, read in {'bytes': read_bytes, 'bytes and decoding': read_frame}.items():
        print(row(kind, compare(places, read, args.rounds)), flush=True)


def compare(places: dict[str, list[str]], read: Callable[[str], object], rounds: int) -> dict[str, list[Times]]:
    """Processor's and clock's milliseconds per image of every round, after one round that does not count."""
    found: dict[str, list[Times]] = {name: [] for name in places}
    for number in range(rounds + 1):
        for name, paths in places.items():
            wall, processor = time.perf_counter(), time.process_time()
            for path in paths:
                read(path)
            taken = time.process_time() - processor, time.perf_counter() - wall
            if number:
                found[name].append((1000 * taken[0] / len(paths), 1000 * taken[1] / len(paths)))
    return found


def row(kind: str, found: dict[str, list[Times]]) -> str:
    """A line of the table: the least of all rounds, and the ratio of each round."""
    least = {name: [min(column) for column in zip(*times, strict=True)] for name, times in found.items()}
    ratios = [pack[0] / files[0] for files, pack in zip(found['files'], found['pack'], strict=True)]
    cells: Sequence[str] = [f'{value:.3f}' for name in ('files', 'pack') for value in least[name]]
    by_round = ', '.join(f'{ratio:.2f}' for ratio in ratios)
    return f'| {kind} | {" | ".join(cells)} | {least["pack"][0] / least["files"][0]:.2f} | {by_round} |'


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
