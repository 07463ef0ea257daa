"""What a machine with a GPU shows in ten minutes, without a network.

examples:
  tools/misc/check_gpu.py                                         # everything
  tools/misc/check_gpu.py --device cpu --size 120 214 --frames 60 --seconds 10     # a rehearsal
  tools/misc/check_gpu.py --sections labels memory --methods rgmp main

labels     every mini method gives the labels of the CPU, in float32
speed      frames/s of the papers' networks beside what the papers state; random weights, two objects
waits      how often the host waits for the GPU in a frame, and in which lines
training   iterations/s of the mini configs, and the share that waits for data
memory     MiB that a long video adds, for every mini method that goes from frame to frame

Findings are appended to check.jsonl, tables are written to check.md. A run that was stopped, or whose time was up, goes on with
what is missing. An item that fails says so, and the next one starts.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from mmvos.cli.main import run_module

SECTIONS = ('machine', 'labels', 'speed', 'waits', 'training', 'memory')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--device', default='cuda', help='cpu rehearses it (default: %(default)s)')
    parser.add_argument(
        '--sections', nargs='+', choices=SECTIONS, default=SECTIONS, metavar='NAME', help=f'of {", ".join(SECTIONS)}'
    )
    parser.add_argument(
        '--methods', nargs='+', metavar='WORD', help='items with one of these words in their name (default: all)'
    )
    parser.add_argument('--seconds', type=float, default=20, help='time for each item (default: %(default)s)')
    parser.add_argument('--minutes', type=float, default=60, help='no item is begun after this time (default: %(default)s)')
    parser.add_argument('--size', nargs=2, type=int, default=[480, 854], metavar=('H', 'W'), help='size of the videos of speed')
    parser.add_argument('--frames', type=int, default=5000, help='frames of the long video (default: %(default)s)')
    parser.add_argument('--out', default='work_dirs/check_gpu', help='folder of the results (default: %(default)s)')


def run(args: argparse.Namespace) -> int:
    import torch

    from mmvos.analysis.device_check import CheckSettings, items, settings_record, tables
    from mmvos.structures import InputError, atomic_path

    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise InputError('--device cuda: this torch sees no GPU; --device cpu rehearses the check.')
    settings = CheckSettings(args.device, args.seconds, (args.size[0], args.size[1]), args.frames)
    out, begun = Path(args.out), time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    path = out / 'check.jsonl'
    how = settings_record(settings)
    lines = path.read_text().splitlines() if path.exists() else []
    records = {(record['section'], record['name']): record for record in map(json.loads, lines) if record['settings'] == how}
    chosen = [
        item
        for item in items()
        if item.section in args.sections and (not args.methods or any(w.lower() in item.name.lower() for w in args.methods))
    ]
    for item in chosen:
        known = records.get((item.section, item.name))
        if known is None or 'failed' in known['found']:
            if time.monotonic() - begun > 60 * args.minutes:
                break
            start = time.monotonic()
            try:
                found = item.find(settings)
            except Exception as error:  # a fault of one method must not hide what the others show
                found = dict(failed=f'{type(error).__name__}: {error}'[:300])
            took = round(time.monotonic() - start, 1)
            record = dict(section=item.section, name=item.name, found=found, seconds=took, settings=how)
            records[item.section, item.name] = record
            with path.open('a') as file:
                file.write(json.dumps(record) + '\n')
            print(f'{item.section} {item.name}: {found} ({took} s)', flush=True)
    with atomic_path(out / 'check.md') as temporary:
        Path(temporary).write_text(tables(list(records.values())))
    missing = sum((item.section, item.name) not in records for item in chosen)
    failed = sum('failed' in record['found'] for record in records.values())
    print(f'{len(chosen) - missing} of {len(chosen)} items, {failed} failed; written to {out}')
    return 3 if missing or failed else 0


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
