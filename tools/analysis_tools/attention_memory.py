"""What an STA model's attention takes from its memory: are its results others with another frame there?

    python tools/analysis_tools/attention_memory.py VIDEO [VIDEO ...] --other VIDEO --frames 10

Each video is run four times: as ever (memory: the frame before), with each frame as its own memory, with a frame of another
video, and without attention (Gamma = 0). The surest instance of a frame is compared with that of the first run: IoU of the
masks, and score. Per level: Gamma, the size of what is added, and how many positions share the attention.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from mmvos.cli.main import run_module

#: surest instances below this score are not compared
MIN_SCORE = 0.3
MEMORIES = ('frame before', 'own frame', 'frame of another video', 'no attention')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('videos', nargs='+', metavar='VIDEO', help='video files or folders of frames')
    parser.add_argument('--other', required=True, metavar='VIDEO', help='whose frames stand in for the memory')
    parser.add_argument('--frames', type=int, default=10, metavar='N', help='frames of each video (default: %(default)s)')
    parser.add_argument('--config', default='sta-masktrack-rcnn', help='a config, or a name of one with weights')
    parser.add_argument('--checkpoint', help='weights (default: those that ship with the config)')


def run(args: argparse.Namespace) -> None:
    from mmvos.apis import init_model
    from mmvos.structures import InputError
    from mmvos.videos import open_video

    model = init_model(args.config, args.checkpoint)
    if not getattr(model, 'attends', False):
        raise InputError(f'{args.config}: not a model with a SpatioTemporalNeck.')
    video = open_video(args.other)
    other = [video.read(index) for index in range(min(args.frames, len(video)))]
    per_memory: dict[str, list[tuple[float, float]]] = {memory: [] for memory in MEMORIES[1:]}
    levels: list[list[tuple[float, float]]] = []
    for path in args.videos:
        video = open_video(path)
        frames = [video.read(index) for index in range(min(args.frames, len(video)))]
        usual = list(surest(model, frames, MEMORIES[0], other))
        for memory, found in per_memory.items():
            for before, after in zip(usual[1:], list(surest(model, frames, memory, other))[1:], strict=True):
                if before['score'] >= MIN_SCORE:
                    found.append((overlap(before['mask'], after['mask']), after['score'] - before['score']))
        levels.append(shares(model, frames))
    print('\n'.join(table(per_memory)))
    print('\n'.join(level_table(model, levels)))


def surest(model: Any, frames: Sequence[Any], memory: str, other: Sequence[Any]) -> Iterator[dict]:
    """Mask (run-length code, None: no instance) and score of the surest instance of each frame, with a memory."""
    from unittest import mock

    import torch

    from mmvos.inference import open_session

    neck = model.detector.neck
    usual, kept = neck.enhance, iter(raw_maps(model, other) if memory == MEMORIES[2] else ())

    def enhance(maps, before):
        if memory == MEMORIES[2]:
            before = [next(kept)]
        return usual(maps, before if memory != MEMORIES[1] else ())

    with mock.patch.object(neck, 'enhance', enhance), without_attention(neck, memory == MEMORIES[3]), torch.no_grad():
        session = open_session(model)
        for frame in frames:
            found = session.step(frame).pred_track_instances
            best = int(found.scores.argmax()) if len(found.scores) else None
            yield dict(mask=None, score=0.0) if best is None else dict(mask=found.masks[best], score=float(found.scores[best]))


@contextmanager
def without_attention(neck: Any, absent: bool) -> Iterator[None]:
    """Gamma is 0 for a while."""
    gammas = [attention.gamma.data for attention in neck.attentions]
    for attention, gamma in zip(neck.attentions, gammas, strict=True):
        attention.gamma.data = gamma * (0 if absent else 1)
    try:
        yield
    finally:
        for attention, gamma in zip(neck.attentions, gammas, strict=True):
            attention.gamma.data = gamma


def raw_maps(model: Any, frames: Sequence[Any]) -> list[tuple]:
    """What the memory would keep of each frame."""
    from unittest import mock

    from mmvos.inference import open_session

    seen: list[tuple] = []
    usual = model.kept_maps

    def kept_maps(raw):
        seen.append(usual(raw))
        return seen[-1]

    with mock.patch.object(model, 'kept_maps', kept_maps):
        session = open_session(model)
        for frame in frames:
            session.step(frame)
    return seen[::2]  # asked for twice a frame: to read and to write


def shares(model: Any, frames: Sequence[Any]) -> list[tuple[float, float]]:
    """Per level: ``|Gamma A| / |x|``, and the positions that share the attention of one position, of all (from the entropy)."""
    import torch

    maps = raw_maps(model, frames)
    found = []
    with torch.no_grad():
        for level, attention in enumerate(model.detector.neck.attentions):
            sizes, spreads = [], []
            for before, now in pairwise(maps):
                parts = attention.literal(now[level], [before[level]])
                sizes.append(float((parts['sta'] - now[level]).norm() / now[level].norm()))
                entropy = -(parts['cor'] * parts['cor'].clamp(min=1e-12).log()).sum(1)
                spreads.append(float(entropy.exp().mean() / parts['cor'].shape[1]))
            found.append((sum(sizes) / len(sizes), sum(spreads) / len(spreads)))
    return found


def overlap(a: Any, b: Any) -> float:
    """IoU of two run-length codes; 0 where only one of them is there."""
    import pycocotools.mask as rle

    return 0.0 if a is None or b is None else float(rle.iou([a], [b], [0])[0, 0])


def table(per_memory: Mapping[str, Sequence[tuple[float, float]]]) -> Iterator[str]:
    """Lines of a markdown table: how much the surest instances change."""
    yield '| memory | frames | IoU with the usual mask | change of score |'
    yield '| --- | --- | --- | --- |'
    for memory, found in per_memory.items():
        means = [sum(values) / max(len(found), 1) for values in zip(*found, strict=True)] or [0.0, 0.0]
        yield f'| {memory} | {len(found)} | {means[0]:.3f} | {means[1]:+.3f} |'


def level_table(model: Any, levels: Sequence[Sequence[tuple[float, float]]]) -> Iterator[str]:
    """Lines of a markdown table: what each level adds, the mean over videos."""
    yield '| level | Gamma | size of what is added | positions that share the attention |'
    yield '| --- | --- | --- | --- |'
    for number, attention in zip(model.detector.neck.levels, model.detector.neck.attentions, strict=True):
        of_level = [found[list(model.detector.neck.levels).index(number)] for found in levels]
        size, spread = (sum(values) / len(levels) for values in zip(*of_level, strict=True))
        yield f'| {number} | {float(attention.gamma.detach()):+.3f} | {100 * size:.1f} % | {100 * spread:.1f} % |'


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
