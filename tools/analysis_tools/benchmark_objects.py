"""Time and memory per frame against the number of objects: is one more object cheap?

    python tools/analysis_tools/benchmark_objects.py CONFIG [CONFIG ...] [--objects 1 2 4 8] [--out DIR]

Every number is measured in a process of its own, through the session that tests and demos use, on moving procedural
frames, with the weights that the model is built with (time does not depend on them). Writes objects.json, objects.md
and objects.png. Flow estimation is part of the time, and is also reported by itself. Peak memory is what the session
adds to the loaded model: allocated by PyTorch on a GPU, resident in the process on a CPU.
"""

import argparse
import json
import math
import multiprocessing
import os
import statistics
import threading
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from mmvos.inference import VOSSession
from mmvos.models.flow import FlowEstimator
from mmvos.registry import MODELS
from mmvos.structures import atomic_path
from mmvos.utils import command_line, load_config


class Measurement(NamedTuple):
    """``milliseconds`` per frame (median), ``flow_milliseconds`` of them for flow, ``megabytes`` at the peak."""

    config: str
    objects: int
    milliseconds: float
    flow_milliseconds: float
    megabytes: float


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Time and memory against the number of objects.')
    parser.add_argument('configs', nargs='+', help='config files of prompted, causal models')
    parser.add_argument('--objects', nargs='+', type=int, default=[1, 2, 4, 8])
    parser.add_argument('--size', nargs=2, type=int, default=[480, 854], metavar=('HEIGHT', 'WIDTH'))
    parser.add_argument('--frames', type=int, default=8, help='timed frames')
    parser.add_argument('--warmup', type=int, default=2, help='frames before')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads')
    parser.add_argument('--cpu-time', action='store_true', help="the process's CPU time: for a machine that is busy")
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--out', default='work_dirs/benchmark_objects', help='folder of the results')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides, for all configs')
    return parser.parse_args(argv)


def procedural_video(size: tuple[int, int], objects: int, frames: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames BGR uint8 that move 2 pixels at a time over a smooth texture, and the label map of the first frame: a grid
    of ellipses."""
    height, width = size
    rng = np.random.default_rng(0)
    texture = cv2.resize(
        rng.integers(0, 256, (height // 8, (width + 2 * frames) // 8, 3), dtype=np.uint8),
        (width + 2 * frames, height),
        interpolation=cv2.INTER_CUBIC,
    )
    columns = math.ceil(math.sqrt(objects * width / height))
    rows = math.ceil(objects / columns)
    label_map = np.zeros(size, np.uint8)
    for index in range(objects):
        centre = (int((index % columns + 0.5) * width / columns), int((index // columns + 0.5) * height / rows))
        axes = (max(width // columns // 3, 1), max(height // rows // 3, 1))
        cv2.ellipse(label_map, centre, axes, 0, 0, 360, index + 1, -1)
    return [np.ascontiguousarray(texture[:, 2 * i : 2 * i + width]) for i in range(frames)], label_map


class _PeakRSS:
    """Largest resident memory of the process while the block runs, sampled every 2 ms."""

    def __enter__(self) -> '_PeakRSS':
        self.start = self.peak = self._now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    @staticmethod
    def _now() -> int:
        return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')

    def _sample(self) -> None:
        while not self._stop.wait(0.002):
            self.peak = max(self.peak, self._now())

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def added(self) -> int:
        return self.peak - self.start


class _Clock:
    """Seconds, after all work on the device is done: of the wall, or of the process on a CPU."""

    def __init__(self, device: str, cpu_time: bool = False) -> None:
        self.cuda = device.startswith('cuda')
        self.read = time.process_time if cpu_time else time.perf_counter

    def __call__(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
        return self.read()


def time_flow(model: torch.nn.Module, clock: _Clock) -> list[float]:
    """A list that grows by the seconds of every estimation of optical flow in the model."""
    seconds, started = [], []
    for module in model.modules():
        if isinstance(module, FlowEstimator):
            module.register_forward_pre_hook(lambda *_: started.append(clock()))
            module.register_forward_hook(lambda *_: seconds.append(clock() - started.pop()))
    return seconds


def measure(config: str, objects: int, args: argparse.Namespace) -> Measurement:
    """One configuration with one number of objects."""
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    init_default_scope('mmvos')
    cfg = load_config(config, args.cfg_options)
    model = MODELS.build(cfg.model).to(args.device).eval()
    if not (model.causal and model.prompted):
        raise SystemExit(
            f'{config}: {type(model).__name__} is not a causal model with prompts; the number of objects cannot be chosen.'
        )
    clock = _Clock(args.device, args.cpu_time)
    flow_seconds = time_flow(model, clock)
    frames, label_map = procedural_video(tuple(args.size), objects, 1 + args.warmup + args.frames)
    session = VOSSession(model, amp=args.amp)
    if clock.cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    seconds = []
    with _PeakRSS() as memory:
        session.step(frames[0], label_map)
        for index, frame in enumerate(frames[1:]):
            if index == args.warmup:
                flow_seconds.clear()
            start = clock()
            session.step(frame)
            if index >= args.warmup:
                seconds.append(clock() - start)
    added = torch.cuda.max_memory_allocated() - before if clock.cuda else memory.added
    flow = sum(flow_seconds) / args.frames
    return Measurement(config, objects, 1000 * statistics.median(seconds), 1000 * flow, added / 2**20)


def _in_process(queue, config: str, objects: int, args: argparse.Namespace) -> None:
    queue.put(measure(config, objects, args))


def measure_apart(config: str, objects: int, args: argparse.Namespace) -> Measurement:
    """:func:`measure` in a fresh process, so that no run leaves memory for the next."""
    context = multiprocessing.get_context('spawn')
    queue = context.SimpleQueue()
    process = context.Process(target=_in_process, args=(queue, config, objects, args))
    process.start()
    process.join()
    if process.exitcode != 0 or queue.empty():
        raise SystemExit(
            f'{config} with {objects} objects: the measuring process ended with exit code '
            f'{process.exitcode}; its message is above.'
        )
    return queue.get()


def table(results: dict[str, list[Measurement]], args: argparse.Namespace) -> str:
    """A markdown table."""
    lines = [
        f'{args.size[1]}x{args.size[0]}, {args.device}, {args.threads} CPU thread(s), median of {args.frames} '
        f'frames{", mixed precision" if args.amp else ""}{", CPU time" if args.cpu_time else ""}',
        '',
        '| config | objects | ms/frame | of it flow | ms per further object | peak memory, MB |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for config, rows in results.items():
        first = rows[0]
        for row in rows:
            more = row.objects - first.objects
            further = f'{(row.milliseconds - first.milliseconds) / more:.0f}' if more else ''
            lines.append(
                f'| {Path(config).stem} | {row.objects} | {row.milliseconds:.0f} | '
                f'{row.flow_milliseconds:.0f} | {further} | {row.megabytes:.0f} |'
            )
    return '\n'.join(lines) + '\n'


def plot(results: dict[str, list[Measurement]], path: Path) -> None:
    """Time and memory against the number of objects."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout='constrained')
    for config, rows in results.items():
        counts = [row.objects for row in rows]
        left.plot(counts, [row.milliseconds for row in rows], marker='o', label=Path(config).stem)
        right.plot(counts, [row.megabytes for row in rows], marker='o', label=Path(config).stem)
    for axes, name in ((left, 'ms per frame'), (right, 'peak memory, MB')):
        axes.set(xlabel='objects', ylabel=name, xticks=sorted({row.objects for rows in results.values() for row in rows}))
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    left.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)


@command_line
def main(argv=None) -> None:
    args = parse_args(argv)
    if min(args.objects) < 1 or max(args.objects) > 254:
        raise SystemExit(f'--objects {args.objects}: expected numbers from 1 to 254.')
    out = Path(args.out)
    results = {}
    for config in args.configs:
        results[config] = []
        for objects in sorted(set(args.objects)):
            row = measure_apart(config, objects, args)
            results[config].append(row)
            print(
                f'{Path(config).stem}: {objects} objects, {row.milliseconds:.0f} ms/frame, {row.megabytes:.0f} MB', flush=True
            )
    out.mkdir(parents=True, exist_ok=True)
    text = table(results, args)
    (out / 'objects.md').write_text(text)
    rows = [row._asdict() for measurements in results.values() for row in measurements]
    (out / 'objects.json').write_text(json.dumps(rows, indent=1))
    plot(results, out / 'objects.png')
    print(f'\n{text}\nwritten to {out}')


if __name__ == '__main__':
    main()
