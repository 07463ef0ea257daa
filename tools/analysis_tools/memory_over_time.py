"""Whether a model takes more memory the longer a video is: resident memory early and late in videos of any length.

examples:
  tools/analysis_tools/memory_over_time.py --frames 20000                              # all small models, 160x96
  tools/analysis_tools/memory_over_time.py --frames 20000 --size 1080 1920 --seconds 600
  tools/analysis_tools/memory_over_time.py recall_vos/recall-vos_lite0.py --weights recall-vos_lite0 --network-size 128 224

Frames are made, not read: decoding takes no part. Each model runs in a process of its own. With --network-size the model
sees frames of that size, its masks have that of the video. A video ends early when --seconds are over; the row says after how
many frames. `growth` is what was added after --first frames.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('configs', nargs='*', help='models that go from frame to frame (default: the mini configs of all)')
    parser.add_argument('--weights', help='checkpoint of a single config (default: the weights that training begins with)')
    parser.add_argument('--frames', type=int, default=5000, help='length of the video (default: %(default)s)')
    parser.add_argument('--first', type=int, default=1000, help='memory is compared from here on (default: %(default)s)')
    parser.add_argument('--size', nargs=2, type=int, default=[96, 160], metavar=('HEIGHT', 'WIDTH'), help='of the video')
    parser.add_argument('--network-size', nargs=2, type=int, metavar=('HEIGHT', 'WIDTH'), help='of what the model sees')
    parser.add_argument('--objects', type=int, default=2, help='default: %(default)s')
    parser.add_argument('--seconds', type=float, default=float('inf'), help='time for each model')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, default=1, help='threads on the CPU (default: %(default)s)')
    parser.add_argument('--out', help='also write the table to this file')


def run(args: argparse.Namespace) -> None:
    from mmvos.analysis.measuring import in_fresh_process
    from mmvos.structures import InputError, atomic_path

    if min(args.frames, args.first, args.objects, args.threads, *args.size) < 1 or args.first >= args.frames:
        raise InputError('--frames, --first, --size, --objects and --threads are numbers from 1; --first is below --frames.')
    lines = [
        f'| {"x".join(map(str, args.size[::-1]))} | frames | MiB after {args.first} | at the end | growth | frames/s |',
        '|---|--:|--:|--:|--:|--:|',
    ]
    print('\n'.join(lines), flush=True)
    for config in args.configs or _causal_minis():
        found = in_fresh_process(measure, config, args)
        lines.append(_row(Path(config).stem, found, args.first))
        print(lines[-1], flush=True)
    if args.out:
        with atomic_path(args.out) as temporary:
            Path(temporary).write_text('\n'.join(lines) + '\n')


def _causal_minis() -> list[str]:
    from mmvos.analysis.device_check import mini_configs, model_class

    return [config for config in mini_configs().values() if getattr(model_class(config), 'causal', True)]


def measure(config: str, args: argparse.Namespace) -> Any:
    """The :class:`~mmvos.analysis.long_run.LongRun` of one model."""
    import cv2
    import torch

    from mmvos.analysis.device_check import mini_model
    from mmvos.analysis.long_run import long_run
    from mmvos.apis import init_model

    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    model = init_model(config, args.weights, args.device) if args.weights else mini_model(config)
    if args.network_size and hasattr(model, 'test_cfg'):
        height, width = args.network_size
        seen = dict(resize=dict(type='FixedSize', height=height, width=width), pad=None)
        model.test_cfg = type(model.test_cfg)(**{**vars(model.test_cfg), **seen})
    how = dict(frames=args.frames, size=tuple(args.size), objects=args.objects)
    return long_run(model, **how, device=args.device, seconds=args.seconds, first_mark=args.first)


def _row(name: str, found: Any, first: int) -> str:
    end, speed = found.megabytes[found.frames], f'{found.frames / found.seconds:.0f}'
    if first not in found.megabytes or found.frames == first:
        return f'| {name} | {found.frames} | too slow | {end:.0f} | | {speed} |'
    early = found.megabytes[first]
    return f'| {name} | {found.frames} | {early:.0f} | {end:.0f} | {end - early:+.1f} | {speed} |'


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
