"""What `mmvos batch` costs beside a plain loop, and whether a worker that is killed changes a result.

examples:
  tools/analysis_tools/benchmark_batch.py                                  # 200 videos of 12 frames, 1 and 2 workers
  tools/analysis_tools/benchmark_batch.py --videos 50 --frames 40 --rounds 3 --workers 1
  tools/analysis_tools/benchmark_batch.py --config recall-vos --frames 60 --videos 20

Videos of moving squares are made (.mp4, 160x96, two objects). A process of its own does them in a loop with one model; then
`mmvos batch` does them, which gives each video to a worker, writes it as a whole and keeps account. Seconds per video are
those after the first quarter, so that the start of Python and of the models is not in them: `wall` as a clock measures them,
`processor` what all processes took together. With two workers or more, the last run is once more that of the most workers, of
which one is killed when a third of the videos are done. The masks of all runs must be equal, byte for byte.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmvos.cli.main import run_module

LOOP = """
import sys
from pathlib import Path
import cv2, torch
from mmvos.apis import VOSInferencer
torch.set_num_threads(1)
cv2.setNumThreads(1)
config, weights, source, masks, out = sys.argv[1:]
inferencer = VOSInferencer(config, weights, 'cpu')
for video in sorted(Path(source).iterdir()):
    inferencer.save(video, Path(out, video.stem), f'{masks}/{video.stem}.png', overlay='', progress=False)
    Path(out, video.stem, 'done.json').touch()
"""


class Cost(NamedTuple):
    """Seconds per video, by the clock and of the processor."""

    wall: float
    processor: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', default='rgmp/rgmp_mini_synthvos.py', help='a model of objects (default: a tiny one)')
    parser.add_argument('--weights', help='its checkpoint (default: random weights, the same in all processes)')
    parser.add_argument('--videos', type=int, default=200, help='default: %(default)s')
    parser.add_argument('--frames', type=int, default=12, help='frames of each (default: %(default)s)')
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 2], help='default: 1 2')
    parser.add_argument('--rounds', type=int, default=1, help='the cheapest of so many runs counts (default: %(default)s)')
    parser.add_argument('--out-dir', help='keep videos and results here (default: a folder that is removed)')


def run(args: argparse.Namespace) -> None:
    from mmvos.structures import InputError

    if min(args.videos, args.frames, args.rounds, *args.workers) < 1 or args.videos < 4 * max(args.workers):
        raise InputError('--videos, --frames, --rounds and --workers are numbers from 1, with four videos per worker.')
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.out_dir or temporary).absolute()
        make_videos(folder, args.videos, args.frames)
        args.weights = args.weights or random_weights(args.config, folder / 'random.pth')
        compare(args, folder)


def random_weights(config: str, path: Path) -> str:
    """A checkpoint of the weights that a model begins its training with; its path."""
    import torch

    from mmvos.apis import init_model

    torch.manual_seed(0)
    torch.save(dict(state_dict=init_model(config, 'none', 'cpu').state_dict()), path)
    return str(path)


def make_videos(folder: Path, count: int, frames: int) -> None:
    """``videos/<number>.mp4`` and the label maps of their first frames, ``masks/<number>.png``."""
    from mmvos.structures import write_label_map
    from mmvos.testing.small_videos import moving_squares
    from mmvos.visualization import VideoWriter

    width = max(160, 112 + 4 * frames) // 16 * 16
    for number in range(count):
        images, label_maps = moving_squares(frames, 96, width, seed=number)
        with VideoWriter(folder / 'videos' / f'{number:05d}.mp4', 10) as writer:
            for image in images:
                writer.write(image)
        write_label_map(folder / 'masks' / f'{number:05d}.png', label_maps[0])


def compare(args: argparse.Namespace, folder: Path) -> None:
    """Print the table, and what became of a run with a killed worker."""
    runs: dict[str, list[Cost]] = {}
    for number in range(args.rounds):
        for name, command in commands(args.config, args.weights, args.workers).items():
            out = folder / f'results-{name}-{number}'.replace(' ', '-')
            found = cost(command, folder, out, args.videos)
            print(f'{name}, round {number + 1}: {found}', file=sys.stderr, flush=True)
            check_equal(folder / 'results-loop-0', out)
            runs.setdefault(name, []).append(found)
    best = {name: Cost(*map(min, zip(*costs, strict=True))) for name, costs in runs.items()}
    print(f'{args.videos} videos of {args.frames} frames, {args.config}, seconds per video (least of {args.rounds})\n')
    print('| | wall | videos/s against the loop | processor | against the loop |')
    print('|---|--:|--:|--:|--:|')
    for name, one in best.items():
        faster, more = best['loop'].wall / one.wall, 100 * (one.processor / best['loop'].processor - 1)
        print(f'| {name} | {one.wall:.4f} | {faster:.2f} | {one.processor:.4f} | {more:+.1f} % |', flush=True)
    if max(args.workers) > 1:
        kill_one(list(commands(args.config, args.weights, [max(args.workers)]).values())[-1], folder, args.videos)


def commands(config: str, weights: str, workers: Sequence[int]) -> dict[str, list[str]]:
    """Command lines by name; SOURCE, MASKS and OUT stand for folders."""
    found = {'loop': [sys.executable, '-W', 'ignore', '-c', LOOP, config, weights, 'SOURCE', 'MASKS', 'OUT']}
    for count in workers:
        command = [sys.executable, '-W', 'ignore', '-m', 'mmvos', 'batch', 'SOURCE', '--prompts', 'MASKS', '--out-dir', 'OUT']
        command += ['--config', config, '--checkpoint', weights, '--device', 'cpu', '--workers', str(count), '--threads', '1']
        found[f'{count} workers' if count > 1 else '1 worker'] = command
    return found


def start(command: Sequence[str], folder: Path, out: Path) -> subprocess.Popen:
    """Start a command of :func:`commands` on the videos of a folder."""
    places = dict(SOURCE=str(folder / 'videos'), MASKS=str(folder / 'masks'), OUT=str(out))
    environment = dict(os.environ, OMP_NUM_THREADS='1')
    line = [places.get(word, word) for word in command]
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def cost(command: Sequence[str], folder: Path, out: Path, videos: int) -> Cost:
    """What a command takes from a quarter of the videos to nine tenths of them."""
    process, marks = start(command, folder, out), []
    for part in (0.25, 0.9):
        wait_for(process, out, max(int(part * videos), 1 + (marks[0][0] if marks else 0)))
        marks.append((number_done(out), time.perf_counter(), processor_of(process.pid)))
    finish(process)
    done, wall, processor = (late - early for early, late in zip(*marks, strict=True))
    return Cost(wall / done, processor / done)


def number_done(out: Path) -> int:
    """How many videos are done."""
    return len(list(out.glob('*/done.json')))


def wait_for(process: subprocess.Popen, out: Path, videos: int) -> None:
    """Wait until so many videos are done.

    Raises:
        RuntimeError: the process has ended before; it failed, or the videos are too few or too short to be measured.
    """
    while number_done(out) < videos:
        if process.poll() is not None:
            raise RuntimeError(f'{number_done(out)} videos were done: {finish(process)}')
        time.sleep(0.05)


def processor_of(pid: int) -> float:
    """Seconds of the processor that a process and its children have taken."""
    import psutil

    first = psutil.Process(pid)
    times = [process.cpu_times() for process in (first, *first.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def finish(process: subprocess.Popen) -> str:
    """Wait for a process; what it wrote to stderr."""
    errors = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f'exit code {process.returncode}: {errors[-2000:]}')
    return errors


def check_equal(expected: Path, found: Path) -> None:
    """The masks of two runs are the same files."""
    masks = [{path.relative_to(out): path.read_bytes() for path in out.glob('*/masks/*.png')} for out in (expected, found)]
    if masks[0] != masks[1]:
        raise RuntimeError(f'{found}: the masks are not those of {expected}')


def kill_one(command: Sequence[str], folder: Path, videos: int) -> None:
    """Kill a worker (SIGKILL) when a third of the videos are done; the others and its successor finish."""
    import psutil

    out = folder / 'results-killed'
    process = start(command, folder, out)
    wait_for(process, out, videos // 3)
    workers = [child for child in psutil.Process(process.pid).children() if 'spawn_main' in ' '.join(child.cmdline())]
    workers[-1].kill()
    errors = finish(process)
    check_equal(folder / 'results-loop-0', out)
    tried = sum('It is tried again' in line for line in errors.splitlines())
    print(
        f'\nA worker killed in the middle: {tried} video tried again, all {videos} done, masks equal to the loop byte for byte.'
    )


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
