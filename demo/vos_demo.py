"""Segment your own video.

    python demo/vos_demo.py VIDEO_OR_FRAME_FOLDER --prompt MASK.png --out-dir DIR

MASK.png is an 8-bit palette or grey PNG of the frame's size; its pixel values are object ids (0 = background). More objects
may begin later: ``--prompt 0=first.png 40=second.png``.
"""

import argparse
import sys

from mmvos.apis import DEFAULT_MODEL, MODEL_ALIASES, VOSInferencer
from mmvos.utils import command_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Segment objects in a video.')
    parser.add_argument('video', help='video file (mp4, avi, ...) or folder of frames')
    parser.add_argument(
        '--prompt',
        nargs='+',
        metavar='[FRAME=]MASK.png',
        default=[],
        help='label map of the objects; FRAME (default 0) is the position of the frame that it belongs to',
    )
    parser.add_argument('--out-dir', required=True, help='gets masks/<frame>.png and the overlay')
    parser.add_argument(
        '--config', default=DEFAULT_MODEL, help=f'config file, or one of {", ".join(MODEL_ALIASES)} (default: %(default)s)'
    )
    parser.add_argument('--checkpoint', help='weights (default: those that ship with the config)')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--overlay', default='overlay.mp4', help='file name of the overlay video, .mp4, .gif or .webp')
    parser.add_argument(
        '--fit-masks',
        action='store_true',
        help='resize a mask of another size to its frame (nearest neighbour) instead of stopping',
    )
    parser.add_argument(
        '--binary', action='store_true', help='masks are black and white (0 and 255, say): whatever is not 0 is object 1'
    )
    return parser.parse_args()


def parse_prompts(items) -> dict:
    prompts = {}
    for item in items:
        frame, separator, path = item.partition('=')
        if separator and frame.isdigit():
            prompts[int(frame)] = path
        else:
            prompts[0] = item
    return prompts


@command_line
def main() -> None:
    args = parse_args()
    try:
        inferencer = VOSInferencer(args.config, args.checkpoint, device=args.device, amp=args.amp)
        summary = inferencer.save(
            args.video,
            args.out_dir,
            parse_prompts(args.prompt) or None,
            overlay=args.overlay,
            size_mismatch='resize' if args.fit_masks else 'error',
            binary=args.binary,
        )
    except (ValueError, OSError, KeyError) as error:
        message = str(error).replace("size_mismatch='resize'", '--fit-masks').replace('binary=True', '--binary')
        sys.exit(f'error: {message}')
    print(
        f'{summary["frames"]} frames, {len(summary["objects"])} objects, {summary["fps"]:.1f} frames/s; '
        f'masks and overlay are in {args.out_dir}'
    )


if __name__ == '__main__':
    main()
