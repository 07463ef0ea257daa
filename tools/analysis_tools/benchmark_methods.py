"""What every method costs on this machine: multiply-adds by part, ms/frame, share of the peak, memory, by number of objects.

examples:
  tools/analysis_tools/benchmark_methods.py                                  # all methods at 480x854
  tools/analysis_tools/benchmark_methods.py --methods RGMP MAIN --size 240 427 --cpu-time

Each row is measured in a process of its own, as an inferencer runs it (batch norms folded, channels last), one frame after the
other; frames are made and decoded before. Beside it the same process times a matrix product and a 3x3 convolution: the
peak. Networks of the papers have random weights, so nothing is downloaded; what depends on what a method finds (DyeNet's
search, instances) says little then. Results are in methods.json and methods.md; a run that was
stopped goes on with the next row.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--methods', nargs='+', metavar='WORD', help='those with one of these words in their name (default: all)'
    )
    parser.add_argument('--size', nargs=2, type=int, default=[480, 854], metavar=('H', 'W'), help='size of the video')
    parser.add_argument('--frames', type=int, default=5, help='timed frames (default: %(default)s)')
    parser.add_argument('--warmup', type=int, default=3, help='frames before them (default: %(default)s)')
    parser.add_argument('--objects', nargs='+', type=int, default=[1, 2, 4, 8], metavar='N', help='numbers of objects')
    parser.add_argument('--device', default='cpu', help='cpu or cuda (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=1, help='threads on the CPU (default: %(default)s)')
    parser.add_argument('--cpu-time', action='store_true', help='CPU time, not the time of the wall: for a busy machine')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--out', default='work_dirs/benchmark_methods', help='folder of the results (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    from mmvos.analysis.measuring import in_fresh_process
    from mmvos.analysis.method_speed import METHODS, MethodSpeed, SpeedSettings, measure_method, speed_table
    from mmvos.structures import InputError, atomic_path

    settings = SpeedSettings(tuple(args.size), args.frames, args.warmup, args.device, args.threads, args.cpu_time, args.amp)
    chosen = [name for name in METHODS if not args.methods or any(word.lower() in name.lower() for word in args.methods)]
    if not chosen:
        raise InputError(f'--methods {" ".join(args.methods)}: no such method; expected words of {", ".join(METHODS)}.')
    if not all(1 <= count <= 254 for count in args.objects):
        raise InputError(f'--objects {args.objects}: expected numbers from 1 to 254.')
    out, objects = Path(args.out), sorted(set(args.objects))
    out.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps(asdict(settings)))
    path = out / 'methods.json'
    found = json.loads(path.read_text()) if path.exists() else dict(settings=wanted, methods={})
    if found['settings'] != wanted:
        raise InputError(f'{path} is of a run with {found["settings"]}; expected {wanted}, or another --out.')
    speeds = {name: [MethodSpeed(**row) for row in rows] for name, rows in found['methods'].items()}
    for name in chosen:
        rows = speeds.setdefault(name, [])
        for count in objects:
            if any(row.objects in (count, None) for row in rows):  # None: it finds its own
                continue
            measured = in_fresh_process(measure_method, METHODS[name], count, settings)
            print(speed_table({name: [measured]}).splitlines()[-1], flush=True)
            rows.append(measured)
            rows.sort(key=lambda row: row.objects or 0)
            ordered = {key: speeds[key] for key in METHODS if speeds.get(key)}
            record = dict(settings=wanted, methods={key: [asdict(row) for row in those] for key, those in ordered.items()})
            for file, text in ((path, json.dumps(record, indent=1)), (out / 'methods.md', speed_table(ordered))):
                with atomic_path(file) as temporary:
                    Path(temporary).write_text(text)
    print(f'written to {out}')


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
