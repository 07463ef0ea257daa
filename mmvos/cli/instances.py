"""Find, segment and track the instances of a video; no prompt is needed.

examples:
  mmvos instances video.mp4 --out-dir out
  mmvos instances frames/ --out-dir out --score-thr 0.5 --images
  mmvos instances video.mp4 --config CONFIG --checkpoint WEIGHTS --out-dir out

The default are small weights that ship with MMVOS; they know mammals, birds, vehicles, flowers, food and instruments, from
synthetic videos alone. OUT_DIR gets overlay.mp4 and results.json (YouTube-VIS format).
"""

import argparse

from .options import add_model, counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', help='video file or folder of frames')
    add_model(parser, 'sta-masktrack-rcnn')
    parser.add_argument('--out-dir', required=True, metavar='DIR', help='where the results go')
    parser.add_argument(
        '--overlay', default='overlay.mp4', metavar='NAME', help='file name of the overlay video, .mp4, .gif or .webp'
    )
    parser.add_argument('--images', action='store_true', help='write the drawn frames too')
    parser.add_argument('--score-thr', type=float, default=0.3, help='draw instances from this score on')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='names of the classes, by label')


def run(args: argparse.Namespace) -> None:
    from mmvos.apis import DEFAULT_VIS_MODEL, VISInferencer
    from mmvos.utils import run_lock

    config = args.config or DEFAULT_VIS_MODEL
    inferencer = VISInferencer(config, args.checkpoint, args.device, args.amp, classes=args.classes)
    with run_lock(args.out_dir, '--out-dir'):
        summary = inferencer.save(args.video, args.out_dir, args.overlay, args.images, score_thr=args.score_thr)
    print(
        f'{counted(summary["frames"], "frame")}, {counted(summary["instances"], "instance")}, {summary["fps"]:.1f} frames/s; '
        f'overlay and results.json are in {args.out_dir}'
    )
