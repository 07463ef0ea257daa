"""Time and memory per frame against the number of objects: is one more object cheap?

    python tools/analysis_tools/benchmark_objects.py CONFIG [CONFIG ...] [--objects 1 2 4 8] [--out DIR]

Every number is measured in a process of its own, through the session that tests and demos use, on moving procedural
frames, with the weights that the model is built with (time does not depend on them). Writes objects.json, objects.md
and objects.png. With ``--modules``, the time is split into AGSS-VOS's modules (Figure 7 of its paper). Flow estimation is
part of the time, and is also reported by itself. Peak memory is what the session adds to the loaded model: allocated by
PyTorch on a GPU, resident in the process on a CPU.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import NamedTuple

import cv2
import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from mmvos.analysis.measuring import Clock, PeakMemory, in_fresh_process, memory_in_use, procedural_video
from mmvos.inference import VOSSession
from mmvos.models.flow import FlowEstimator
from mmvos.models.segmentors import AGSSVOS
from mmvos.registry import MODELS
from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line, load_config

#: modules of AGSS-VOS, as Figure 7 of its paper names them, and the methods that compute them
MODULES = {
    'optical flow': 'estimate_flow',
    'warping': 'carry',
    'IAM': 'agnostic_features',
    'ISM': 'specific_features',
    'AGD': 'decode',
}


class Measurement(NamedTuple):
    """``milliseconds`` per frame (median), ``flow_milliseconds`` of them for flow, ``megabytes`` at the peak; mean ``modules``
    milliseconds per frame of each module."""

    config: str
    objects: int
    milliseconds: float
    flow_milliseconds: float
    megabytes: float
    modules: dict[str, float]


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
    parser.add_argument('--modules', action='store_true', help="also the time of each of AGSS-VOS's modules")
    parser.add_argument('--out', default='work_dirs/benchmark_objects', help='folder of the results')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides, for all configs')
    return parser.parse_args(argv)


def time_flow(model: torch.nn.Module, clock: Clock) -> list[float]:
    """A list that grows by the seconds of every estimation of optical flow in the model."""
    seconds, started = [], []
    for module in model.modules():
        if isinstance(module, FlowEstimator):
            module.register_forward_pre_hook(lambda *_: started.append(clock()))
            module.register_forward_hook(lambda *_: seconds.append(clock() - started.pop()))
    return seconds


def time_modules(model: torch.nn.Module, clock: Clock) -> dict[str, list[float]]:
    """For each module of AGSS-VOS a list that grows by the seconds of every call."""
    if not isinstance(model, AGSSVOS):
        raise InputError(f'--modules: {type(model).__name__} has no such modules; expected AGSS-VOS.')
    seconds = {}
    for module, name in MODULES.items():
        seconds[module] = _timed(model, name, clock)
    return seconds


def _timed(model: torch.nn.Module, name: str, clock: Clock) -> list[float]:
    method, spent = getattr(model, name), []

    def call(*inputs):
        start = clock()
        outputs = method(*inputs)
        spent.append(clock() - start)
        return outputs

    setattr(model, name, call)
    return spent


def measure(config: str, objects: int, args: argparse.Namespace) -> Measurement:
    """One configuration with one number of objects."""
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    init_default_scope('mmvos')
    cfg = load_config(config, args.cfg_options)
    model = MODELS.build(cfg.model).to(args.device).eval()
    if not (model.causal and model.prompted):
        raise InputError(
            f'{config}: {type(model).__name__} is not a causal model with prompts; the number of objects cannot be chosen.'
        )
    clock = Clock(args.device, args.cpu_time)
    flow_seconds = time_flow(model, clock)
    module_seconds = time_modules(model, clock) if args.modules else {}
    frames, label_map = procedural_video(tuple(args.size), objects, 1 + args.warmup + args.frames)
    session = VOSSession(model, amp=args.amp)
    seconds, before = [], memory_in_use(args.device)
    with PeakMemory(args.device) as memory:
        session.step(frames[0], label_map)
        for index, frame in enumerate(frames[1:]):
            if index == args.warmup:
                for spent in (flow_seconds, *module_seconds.values()):
                    spent.clear()
            start = clock()
            session.step(frame)
            if index >= args.warmup:
                seconds.append(clock() - start)
    flow = sum(flow_seconds) / args.frames
    modules = {name: 1000 * sum(spent) / args.frames for name, spent in module_seconds.items()}
    megabytes = (memory.bytes - before) / 2**20
    return Measurement(config, objects, 1000 * statistics.median(seconds), 1000 * flow, megabytes, modules)


def table(results: dict[str, list[Measurement]], args: argparse.Namespace) -> str:
    """A markdown table."""
    modules = list(MODULES) if args.modules else []
    lines = [
        f'{args.size[1]}x{args.size[0]}, {args.device}, {args.threads} CPU thread(s), median of {args.frames} '
        f'frames{", mixed precision" if args.amp else ""}{", CPU time" if args.cpu_time else ""}',
        '',
        '| config | objects | ms/frame | of it flow | ms per further object | peak memory, MB |'
        + ''.join(f' {name}, ms |' for name in modules),
        '| --- | --- | --- | --- | --- | --- |' + ' --- |' * len(modules),
    ]
    for config, rows in results.items():
        first = rows[0]
        for row in rows:
            more = row.objects - first.objects
            further = f'{(row.milliseconds - first.milliseconds) / more:.0f}' if more else ''
            lines.append(
                f'| {Path(config).stem} | {row.objects} | {row.milliseconds:.0f} | '
                f'{row.flow_milliseconds:.0f} | {further} | {row.megabytes:.0f} |'
                + ''.join(f' {row.modules[name]:.1f} |' for name in modules)
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
        raise InputError(f'--objects {args.objects}: expected numbers from 1 to 254.')
    out = Path(args.out)
    results = {}
    for config in args.configs:
        results[config] = []
        for objects in sorted(set(args.objects)):
            row = in_fresh_process(measure, config, objects, args)
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
