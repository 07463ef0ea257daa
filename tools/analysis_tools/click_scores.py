"""What clicks and boxes bring: mean IoU after each click and from a box, and the number of clicks that an IoU takes (NoC).

    python tools/analysis_tools/click_scores.py FRAMES ANNOTATIONS [--binary] [--clicks 20] [--first-frames] [--out FILE]

FRAMES and ANNOTATIONS hold files of the same names, or a folder of them for each sequence (--first-frames takes its first one).
A robot clicks in the middle of the largest error, at the largest object of each picture (as RITM and f-BRS evaluate); the box
is the tight one around it.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmvos.apis import init_click_segmenter
from mmvos.evaluation.functional.region import jaccard
from mmvos.interaction import InteractiveSegmenter
from mmvos.models.interactive import next_click
from mmvos.structures import Box, Click, InputError, Prompt, atomic_path, object_ids_of, read_label_map
from mmvos.utils import command_line
from mmvos.videos import list_frames, read_frame


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('frames', help='folder of pictures, or of sequences')
    parser.add_argument('annotations', help='label maps of the same names')
    parser.add_argument('--binary', action='store_true', help='annotations are black and white: what is not 0 is object 1')
    parser.add_argument('--clicks', type=int, default=20, help='clicks on each picture (default: 20)')
    parser.add_argument('--target', type=float, default=0.85, help='IoU of NoC (default: 0.85)')
    parser.add_argument('--sequences', nargs='+', metavar='NAME', help='sub-folders to take (default: all)')
    parser.add_argument('--first-frames', action='store_true', help='the first frame of each sequence only')
    parser.add_argument('--config', default='click_segmenter/click-segmenter_lite0.py', help='model (default: %(default)s)')
    parser.add_argument('--checkpoint', help='weights (default: those that ship with the config)')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')
    parser.add_argument('--out', metavar='FILE', help='gets the figures of each picture as JSON')
    return parser.parse_args(argv)


def pictures(args: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, frame and mask bool ``(H, W)`` of the largest object of each picture that has one."""
    frames, annotations = Path(args.frames), Path(args.annotations)
    folders = args.sequences or sorted(p.name for p in frames.iterdir() if p.is_dir()) or ['']
    for folder in folders:
        paths = list_frames(frames / folder)
        for path in paths[:1] if args.first_frames else paths:
            mask = annotations / folder / f'{Path(path).stem}.png'
            if not mask.is_file():
                continue
            frame = read_frame(path)
            label_map = read_label_map(mask, frame.shape[:2], binary=args.binary)
            ids = object_ids_of(label_map)
            if ids:
                largest = max(ids, key=lambda i: np.count_nonzero(label_map == i))
                yield f'{folder}/{Path(path).stem}'.lstrip('/'), frame, label_map == largest


def scores(segmenter: InteractiveSegmenter, name: str, frame: np.ndarray, truth: np.ndarray, count: int) -> dict:
    """IoU after each click and from the box, and seconds of each click; the features of the frame are made before."""
    segmenter.prepare(frame, name)
    clicks: list[Click] = []
    found, ious, seconds = np.zeros_like(truth), [], []
    for _ in range(count):
        if (found != truth).any():
            clicks.append(Click(*next_click(truth, found)))
        begin = time.perf_counter()
        found = segmenter.label_map(frame, [Prompt(1, clicks=list(clicks))], name) == 1
        seconds.append(time.perf_counter() - begin)
        ious.append(jaccard(found, truth))
    ys, xs = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    box = Box(float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))
    boxed = segmenter.label_map(frame, [Prompt(1, box=box)], name) == 1
    return dict(picture=name, clicks=ious, box=jaccard(boxed, truth), seconds=seconds)


@command_line
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.clicks < 1:
        raise InputError(f'--clicks {args.clicks}: expected at least 1.')
    segmenter = InteractiveSegmenter(init_click_segmenter(args.config, args.checkpoint, args.device))
    rows = []
    for name, frame, truth in pictures(args):
        rows.append(scores(segmenter, name, frame, truth, args.clicks))
        shown = ' '.join(f'{value:.3f}' for value in rows[-1]['clicks'][:5])
        print(f'{name}: clicks {shown}, box {rows[-1]["box"]:.3f}', flush=True)
    if not rows:
        raise InputError(f'{args.frames}: no picture with an object in {args.annotations}.')
    means = np.mean([row['clicks'] for row in rows], 0)
    needed = [next((k + 1 for k, v in enumerate(row['clicks']) if v >= args.target), args.clicks) for row in rows]
    seconds = np.median([row['seconds'] for row in rows], 0)
    print(f'mean of {len(rows)} pictures:')
    print('  ' + ', '.join(f'{k} click{"s" * (k > 1)} {means[k - 1]:.3f}' for k in (1, 2, 3, 5, 10, 20) if k <= args.clicks))
    print(f'  box {np.mean([row["box"] for row in rows]):.3f}, NoC@{args.target * 100:g} {np.mean(needed):.2f}')
    further = f', further ones {np.mean(seconds[1:]):.3f} s' if args.clicks > 1 else ''
    print(f'  first click {seconds[0]:.3f} s{further} (medians)')
    if args.out:
        with atomic_path(args.out) as temporary, open(temporary, 'w') as file:
            json.dump(rows, file, indent=1)


if __name__ == '__main__':
    main()
