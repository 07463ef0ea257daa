"""A model as it is, compiled, and exported: time of a frame, start-up, and whether the labels are equal.

examples:
  tools/analysis_tools/benchmark_deployment.py                                   # the default, A-GAME and RGMP
  tools/analysis_tools/benchmark_deployment.py recall-vos --video clip.mp4 --prompt mask.png --frames 40
  tools/analysis_tools/benchmark_deployment.py agame_lite0 --forms eager onnxruntime --cpu-time

All forms of a model run in one process, frame by frame in turn, so that other work on the machine slows all of them. Start-up
is what it takes from the model's name or file to the end of the third frame, less three frames of later ones; making the
exported file is not part of it.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvos.cli.main import run_module

FORMS = ('eager', 'compiled', 'onnxruntime')
#: frames of the start
STARTING = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mmengine.config import DictAction

    parser.add_argument('models', nargs='*', default=['recall-vos', 'agame_lite0', 'rgmp_lite0'], help='names or configs')
    parser.add_argument('--forms', nargs='+', choices=FORMS, default=FORMS, help='what is measured (default: all)')
    parser.add_argument('--size', nargs=2, type=int, default=[480, 854], metavar=('HEIGHT', 'WIDTH'), help='of a made-up video')
    parser.add_argument('--objects', type=int, default=1, help='in the made-up video (default: %(default)s)')
    parser.add_argument('--video', help='a video file or folder of frames in its place')
    parser.add_argument('--prompt', help='label map of its first frame')
    parser.add_argument('--frames', type=int, default=12, help='frames after the start (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=1, help='threads on the CPU (default: %(default)s)')
    parser.add_argument('--cpu-time', action='store_true', help='processor time: for a busy machine')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help="overrides of the models' configs"
    )
    parser.add_argument('--out', help='also write the table to this file')


@dataclass
class Form:
    """A form of a model that runs.

    Args:
        name (str): one of :data:`FORMS`.
        session (Any): its session.
        start (float): seconds from its name to its session.
        seconds (list[float]): of each frame.
        labels (list[Any]): label map of each frame.
    """

    name: str
    session: Any
    start: float
    seconds: list[float] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)

    def step(self, now: Callable[[], float], *frame: Any) -> None:
        begin = now()
        result = self.session.step(*frame)
        self.seconds.append(now() - begin)
        self.labels.append(result.pred_label_map)

    @property
    def per_frame(self) -> float:
        """Median of the seconds of a frame after the start."""
        later = sorted(self.seconds[STARTING:])
        return later[len(later) // 2]

    @property
    def start_up(self) -> float:
        return max(self.start + sum(self.seconds[:STARTING]) - STARTING * self.per_frame, 0.0)


def run(args: argparse.Namespace) -> None:
    import numpy as np
    import torch

    from mmvos.structures import InputError, atomic_path

    if args.frames < 1:
        raise InputError(f'--frames {args.frames}: expected at least 1.')
    torch.set_num_threads(args.threads)
    if args.cpu_time:
        os.environ['TORCHINDUCTOR_COMPILE_THREADS'] = '1'  # in this process, whose time is measured
    frames, label_map = _clip(args)
    unit = 'processor time' if args.cpu_time else 'time'
    height, width = label_map.shape
    lines = [
        f'{unit}, {args.threads} thread(s), {width}x{height}, {len(np.unique(label_map)) - 1} object(s)',
        '',
        '| model | form | ms/frame | of eager | start-up, s | pixels that differ |\n|---|---|--:|--:|--:|--:|',
    ]
    print('\n'.join(lines), flush=True)
    for model in args.models:
        for row in _rows(model, args, frames, label_map):
            lines.append(row)
            print(row, flush=True)
    if args.out:
        with atomic_path(args.out) as temporary:
            Path(temporary).write_text('\n'.join(lines) + '\n')


def _processor_time() -> float:
    """Seconds of this process and of the compilers that it has run."""
    return sum(os.times()[:4])


def _rows(model: str, args: argparse.Namespace, frames: list[Any], label_map: Any) -> list[str]:
    now = _processor_time if args.cpu_time else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        forms = [_opened(name, model, args, Path(folder) / 'model.zip', frames[0].shape[:2], now) for name in args.forms]
    for index, frame in enumerate(frames):
        for form in forms:
            form.step(now, frame, *([label_map] if index == 0 else []))
    first, rows = forms[0], []
    for form in forms:
        differ = sum(int((a != b).sum()) for a, b in zip(form.labels, first.labels, strict=True))
        cells = (
            *(model, form.name, f'{1000 * form.per_frame:.0f}', f'{form.per_frame / first.per_frame:.2f}'),
            *(f'{form.start_up:.1f}', f'{differ} of {sum(labels.size for labels in form.labels)}'),
        )
        rows.append(f'| {" | ".join(cells)} |')
    return rows


def _opened(name: str, model: str, args: argparse.Namespace, path: Path, size: Any, now: Callable[[], float]) -> Form:
    import torch

    from mmvos.apis import VOSInferencer, init_model
    from mmvos.deployment import export_model, of_one_size

    options = args.cfg_options
    torch.manual_seed(0)  # for a model without weights
    if name == 'onnxruntime':
        export_model(init_model(model, device='cpu', cfg_options=options), path, (size[0], size[1]))
        torch.manual_seed(0)
    begin = now()
    given: dict[str, Any] = dict(model=path) if name == 'onnxruntime' else dict(model=model, cfg_options=options)
    session = VOSInferencer(**given, device='cpu', compiled=name == 'compiled').session()
    session.settings = of_one_size(session.settings)  # as the exported file is
    return Form(name, session, now() - begin)


def _clip(args: argparse.Namespace) -> tuple[list[Any], Any]:
    """Frames, and the label map of the first one.

    Raises:
        InputError: a video without a prompt, or too short a one.
    """
    from mmvos.analysis.measuring import procedural_video
    from mmvos.structures import InputError
    from mmvos.videos import open_video

    count = STARTING + args.frames
    if not args.video:
        return procedural_video(tuple(args.size), args.objects, count)
    if not args.prompt:
        raise InputError(f'--video {args.video}: needs --prompt, the label map of its first frame.')
    video = open_video(args.video, prompts={0: args.prompt})
    if len(video) < count:
        raise InputError(f'{args.video}: has {len(video)} frames; expected {count} (--frames {args.frames} after the start).')
    frames = [video.read(index) for index in range(count)]
    return frames, video.prompts[0].read(frames[0].shape[:2])


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
