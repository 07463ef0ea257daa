"""Find, segment and track the instances of a video.

    python demo/vis_demo.py VIDEO --out-dir DIR
    python demo/vis_demo.py VIDEO --config CONFIG --checkpoint WEIGHTS --out-dir DIR

By default with small weights that ship with MMVOS; they know mammals, birds, vehicles, flowers, food and instruments,
from synthetic videos alone. VIDEO is a video file or a folder of frames. DIR gets ``overlay.mp4`` and ``results.json``.
"""

import argparse
import sys

from mmvos.apis import DEFAULT_VIS_MODEL, VIS_MODEL_ALIASES, VISInferencer
from mmvos.utils import command_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Find, segment and track the instances of a video.')
    parser.add_argument('video', help='video file or folder of frames')
    parser.add_argument(
        '--config',
        default=DEFAULT_VIS_MODEL,
        help="path of the config (also relative to MMVOS's configs), or a short name: "
        f'{", ".join(VIS_MODEL_ALIASES)} (default: %(default)s)',
    )
    parser.add_argument('--checkpoint', help='path of the weights (default: those that ship with the config)')
    parser.add_argument('--out-dir', required=True, metavar='DIR', help='where the results go')
    parser.add_argument('--overlay', default='overlay.mp4', help='name of the drawn video (.mp4, .gif, .webp)')
    parser.add_argument('--images', action='store_true', help='write the drawn frames too')
    parser.add_argument('--score-thr', type=float, default=0.3, help='draw instances from this score on')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='names of the classes, by label')
    parser.add_argument('--device', help='default: the GPU if there is one')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    return parser.parse_args()


@command_line
def main() -> None:
    args = parse_args()
    try:
        inferencer = VISInferencer(args.config, args.checkpoint, args.device, args.amp, classes=args.classes)
        summary = inferencer.save(args.video, args.out_dir, args.overlay, args.images, score_thr=args.score_thr)
    except (ValueError, OSError, KeyError) as error:
        sys.exit(f'error: {error}')
    print(
        f'{summary["frames"]} frames, {summary["instances"]} instances, {summary["fps"]:.1f} frames/s; '
        f'overlay and results.json are in {args.out_dir}'
    )


if __name__ == '__main__':
    main()
