"""Speed and memory of any model, stage by stage, as it runs in inference.

    python tools/analysis_tools/benchmark.py CONFIG [CHECKPOINT]                     # videos of the config's test set
    python tools/analysis_tools/benchmark.py CONFIG [CHECKPOINT] --video V --prompt MASK.png
    python tools/analysis_tools/benchmark.py CONFIG --synthetic 480 854 --num-objects 3 --num-frames 20
    python tools/analysis_tools/benchmark.py CONFIG [CHECKPOINT] --video V --prompt MASK.png --outputs
    python tools/analysis_tools/benchmark.py CONFIG [CHECKPOINT] --video V --prompt MASK.png --outputs --to-and-fro 600

Two runs: one as users have it (frames decoded ahead of need) for frames/s, one stage after the other for the table.
Stages do not overlap: the time of a flow estimator that a tracker calls counts as flow, decoding inside an offline
model's pass as decoding. ``output`` is everything outside the model: resizing, normalisation, label maps, object ids.

With ``--outputs``, each video is segmented as ``mmvos segment`` does it, with label maps and an overlay video on the disk, and
what is said is which part of the thread that runs the network is network: where nothing else uses the other cores, frames/s
are that share of those of the network alone. It counts that thread's processor time, which a busy machine does not change.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmvos.analysis.measuring import procedural_video
from mmvos.apis import VOSInferencer
from mmvos.inference import open_session
from mmvos.models.flow import FlowEstimator
from mmvos.models.segmentors.base import OfflineVOSModel
from mmvos.models.trackers import BoxTracker
from mmvos.registry import DATASETS, MODELS
from mmvos.utils import command_line, load_config, prepare_for_inference
from mmvos.utils.checkpoint import load_weights
from mmvos.utils.compiling import compile_networks
from mmvos.videos import FrameArrays, Video, open_video

STAGES = ('decode', 'flow', 'tracker', 'network', 'output')


class StageClock:
    """Seconds per stage; a stage that begins inside another one stops the other's clock."""

    def __init__(self, device: torch.device, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = defaultdict(float)
        self._device, self._now, self._stack, self._since = device, now, [], 0.0

    def _tick(self) -> None:
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)
        now = self._now()
        if self._stack:
            self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    def push(self, stage: str) -> None:
        self._tick()
        self._stack.append(stage)

    def pop(self) -> None:
        self._tick()
        self._stack.pop()

    def timed(self, stage: str, function: Callable) -> Callable:
        """``function``, clocked."""

        def call(*args, **kwargs):
            self.push(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self.pop()

        return call

    def timed_items(self, stage: str, function: Callable) -> Callable:
        """A function that returns an iterator, each of whose items is clocked."""

        def call(*args, **kwargs) -> Iterator:
            items, end = iter(function(*args, **kwargs)), object()
            while (item := self.timed(stage, next)(items, end)) is not end:
                yield item

        return call


def instrument(model: nn.Module, clock: StageClock) -> None:
    """Clock the stages of a model, on this instance only."""
    for name in ('init_state', 'step', 'add_objects', 'keep_objects'):
        if hasattr(model, name):
            setattr(model, name, clock.timed('network', getattr(model, name)))
    if isinstance(model, OfflineVOSModel):
        model.segment = clock.timed_items('network', model.segment)
    parts = {id(part): part for part in _parts(model)}
    for part in parts.values():
        if isinstance(part, FlowEstimator):
            part.forward = clock.timed('flow', part.forward)
        if isinstance(part, BoxTracker):
            for name in ('init', 'add', 'update'):
                setattr(part, name, clock.timed('tracker', getattr(part, name)))


def _parts(model: nn.Module) -> Iterator[Any]:
    """Modules of the model, and the trackers and estimators that they hold as plain attributes."""
    for module in model.modules():
        yield module
        for value in vars(module).values():
            if isinstance(value, (BoxTracker, FlowEstimator)):
                yield value
                yield from (v for v in vars(value).values() if isinstance(v, FlowEstimator))


def videos_of(args, cfg) -> list[Video]:
    """What is run over."""
    if args.synthetic:
        frames, label_map = procedural_video(tuple(args.synthetic), args.num_objects, args.num_frames or 20)
        return [FrameArrays(frames, video_id='synthetic', prompts={0: label_map})]
    if args.video:
        options = dict(binary=True) if args.binary else {}
        videos = [open_video(args.video, prompts={0: args.prompt} if args.prompt else None, prompt_options=options)]
    else:
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        videos = [dataset[i]['inputs'] for i in range(min(args.num_videos, len(dataset)))]
    return [to_and_fro(video, args.to_and_fro) for video in videos] if args.to_and_fro else videos


class InOrder(FrameArrays):
    """Frames of a video in an order that begins with its first ones, those with prompts among them.

    Args:
        video (Video): the video.
        order (Sequence[int]): its frames.
        prefetch (int): frames that are decoded ahead of need.
    """

    def __init__(self, video: Video, order: Sequence[int], prefetch: int = 0) -> None:
        prompts = {i: prompt for i, prompt in video.prompts.items() if i < len(order)}
        super().__init__(order, video_id=video.video_id, prefetch=prefetch, prompts=prompts)
        self.video = video

    def read(self, index: int) -> np.ndarray:
        return self.video.read(self.frames[index])


def to_and_fro(video: Video, num_frames: int) -> InOrder:
    """A video of ``num_frames`` frames that runs to its end, back to its first frame, and so on."""
    period = max(2 * (len(video) - 1), 1)
    return InOrder(video, [min(i % period, -i % period) for i in range(num_frames)])


def shorten(video: Video, num_frames: int | None, prefetch: int) -> InOrder:
    """The video's first frames, decoded ``prefetch`` frames ahead."""
    return InOrder(video, range(min(num_frames or len(video), len(video))), prefetch)


def run(
    model: nn.Module,
    videos: list[Video],
    num_frames: int | None,
    prefetch: int,
    clock: StageClock | None = None,
    now: Callable[[], float] = time.perf_counter,
    amp: bool | None = None,
) -> tuple:
    """Frames and seconds."""
    frames, start = 0, now()
    for video in videos:
        short = shorten(video, num_frames, prefetch)
        segment = open_session(model, amp=amp).run
        if clock is not None:
            short.read = clock.timed('decode', short.read)
            segment = clock.timed_items('output', segment)
        frames += sum(1 for _ in segment(short))
    return frames, now() - start


def run_with_outputs(args: argparse.Namespace, cfg: Any) -> None:
    """Segment as a user does, label maps and overlays included, and print what the network's thread did."""
    inferencer = VOSInferencer(args.config, args.checkpoint, args.device, args.amp, compiled=args.compile)
    videos = [shorten(video, args.num_frames, 4) for video in videos_of(args, cfg)]
    run(inferencer.model, videos[:1], 3, 0)  # warm-up
    clock = StageClock(torch.device(args.device), time.thread_time)
    instrument(inferencer.model, clock)
    begin, own, every = time.perf_counter(), time.thread_time(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        frames = sum(inferencer.save(video, f'{folder}/{i}', progress=False)['frames'] for i, video in enumerate(videos))
    seconds, own, every = time.perf_counter() - begin, time.thread_time() - own, time.process_time() - every
    network = sum(clock.seconds.values())
    print(f'{args.config}: {frames} frames with label maps and overlay, {frames / seconds:.2f} frames/s by the clock')
    print(f'{seconds:.1f} s by the clock, {every:.1f} s of processor time')
    print("| processor time | ms/frame | of the network's thread |\n|---|--:|--:|")
    rows = {'network': network, "the rest of the network's thread": own - network, 'other threads': every - own}
    for name, value in rows.items():
        print(f'| {name} | {1000 * value / frames:.2f} | {100 * value / own:.1f} % |')


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?', help="weights (default, or 'none': as initialised)")
    parser.add_argument('--video', help='a video file or a folder of frames')
    parser.add_argument('--prompt', help='label map of its first frame')
    parser.add_argument('--binary', action='store_true', help='the prompt is black and white, of one object')
    parser.add_argument('--synthetic', nargs=2, type=int, metavar=('HEIGHT', 'WIDTH'), help='a video made up here')
    parser.add_argument('--num-objects', type=int, default=2, help='of the synthetic video')
    parser.add_argument('--num-frames', type=int, help='only the first frames of each video')
    parser.add_argument(
        '--to-and-fro', type=int, metavar='FRAMES', help='each video to its end and back, until it is this long'
    )
    parser.add_argument('--num-videos', type=int, default=3, help='of the test set')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument(
        '--cpu-time', action='store_true', help='processor seconds, not those of the clock: for a busy machine; not for a GPU'
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--compile', action='store_true', help='compile the networks by torch.compile, in the warm-up')
    parser.add_argument('--fast', action='store_true', help='fold batch norms and use channels-last images')
    parser.add_argument('--outputs', action='store_true', help='segment as mmvos segment does, files on the disk included')
    return parser.parse_args()


@command_line
def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    init_default_scope(cfg.get('default_scope', 'mmvos'))
    if args.outputs:
        run_with_outputs(args, cfg)
        return
    model = MODELS.build(cfg.model)
    if args.checkpoint and args.checkpoint.lower() != 'none':
        load_weights(model, args.checkpoint)
    device = torch.device(args.device)
    model.to(device).eval()
    amp = args.amp or None
    if args.fast:
        prepare_for_inference(model)
    if args.compile:
        compile_networks(model)
    videos = videos_of(args, cfg)
    run(model, videos[:1], 3, 0, amp=amp)  # warm-up
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
    now = time.process_time if args.cpu_time else time.perf_counter
    frames, seconds = run(model, videos, args.num_frames, 4, now=now, amp=amp)
    clock = StageClock(device, now)
    instrument(model, clock)
    staged_frames, staged_seconds = run(model, videos, args.num_frames, 0, clock, now, amp)

    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else f'CPU, {torch.get_num_threads()} thread(s)'
    unit = 'processor time' if args.cpu_time else 'time'
    print(f'{args.config}: {len(videos)} video(s), {frames} frames, {name}, {unit}')
    print('| stage | ms/frame | share |\n|---|---|---|')
    for stage in STAGES:
        value = clock.seconds[stage]
        print(f'| {stage} | {1000 * value / staged_frames:.2f} | {100 * value / staged_seconds:.1f} % |')
    print(f'| all, one after the other | {1000 * staged_seconds / staged_frames:.2f} | |')
    print(f'\nend to end: {frames / seconds:.2f} frames/s ({1000 * seconds / frames:.2f} ms/frame)')
    if clock.seconds['network']:
        print(f'network only: {staged_frames / clock.seconds["network"]:.2f} frames/s')
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'peak memory of the process: {peak:.0f} MiB')
    if device.type == 'cuda':
        print(f'peak memory on the GPU: {torch.cuda.max_memory_allocated(device) / 2**20:.0f} MiB')


if __name__ == '__main__':
    main()
