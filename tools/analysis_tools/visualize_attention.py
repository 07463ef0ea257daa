"""Draw where a place in a frame looks: the attention of COSNet, the reads of RecallVOS; or what AGSS-VOS's modules see.

examples:
  tools/analysis_tools/visualize_attention.py video.mp4 --point 320,240 --frame 20 --box 1:100,80,220,300 --out-dir looks
  tools/analysis_tools/visualize_attention.py video.mp4 --point 320,240 --config COSNET --checkpoint W --out-dir looks
  tools/analysis_tools/visualize_attention.py video.mp4 --prompt MASK.png --config AGSS --checkpoint W --out-dir looks

Writes <part>_<frame>.jpg for each frame that is read, and place.jpg with the place itself.
"""

import argparse
import sys

from mmvos.cli.main import run_module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', help='video file or folder of frames')
    parser.add_argument('--point', metavar='X,Y', help='the place, in pixels; not for AGSS-VOS')
    parser.add_argument('--frame', type=int, default=10, help='the frame that looks, from 0 (default: %(default)s)')
    parser.add_argument('--step', type=int, default=1, help='take every STEP-th of the frames before it (default: all)')
    parser.add_argument('--box', nargs='+', default=[], metavar='ID:X1,Y1,X2,Y2', help='objects in the first frame')
    parser.add_argument('--prompt', metavar='MASK', help='label map of the first frame, in place of --box')
    parser.add_argument('--config', default='recall-vos', help='a config, or a name of one with weights (default: %(default)s)')
    parser.add_argument('--checkpoint', help='weights (default: those that ship with the config)')
    parser.add_argument('--out-dir', required=True, help='gets the pictures')


def run(args: argparse.Namespace) -> None:
    from pathlib import Path

    import cv2

    from mmvos.analysis import attention_maps, draw_attention
    from mmvos.apis import init_model
    from mmvos.structures import InputError
    from mmvos.videos import open_video

    video = open_video(args.video)
    if not 0 < args.frame < len(video) or args.step < 1:
        raise InputError(f'--frame {args.frame} --step {args.step}: expected 1 to {len(video) - 1}, and a step from 1.')
    point = _point(args.point) if args.point else None
    chosen = [*range(0, args.frame, args.step), args.frame]
    frames = [video.read(index) for index in chosen]
    model = init_model(args.config, args.checkpoint)
    prompt = _prompt(args, frames[0]) if model.prompted else None
    out = Path(args.out_dir)
    out.mkdir(parents=True, exist_ok=True)
    for found in attention_maps(model, frames, point, prompt):
        path = out / f'{found.part}_{chosen[found.frame]:05d}.jpg'
        cv2.imwrite(str(path), draw_attention(frames[found.frame], found.weights))
        print(f'{path}: {100 * found.weights.sum():.0f} % of what {found.part} reads' if point else path)
    if point:
        cv2.drawMarker(frames[-1], (round(point[0]), round(point[1])), (0, 255, 255), cv2.MARKER_CROSS, 24, 3)
    cv2.imwrite(str(out / 'place.jpg'), frames[-1])


def _point(text: str) -> tuple[float, float]:
    from mmvos.structures import InputError

    try:
        x, y = (float(part) for part in text.split(','))
    except ValueError as error:
        raise InputError(f'--point {text}: expected X,Y, such as 320,240.') from error
    return x, y


def _prompt(args: argparse.Namespace, frame):
    """Label map of the first frame."""
    from mmvos.apis import init_click_segmenter
    from mmvos.interaction import InteractiveSegmenter
    from mmvos.structures import InputError, prompts_from_text, read_label_map

    if args.prompt:
        return read_label_map(args.prompt)
    if not args.box:
        raise InputError('the model needs a prompt: give --box or --prompt for the first frame.')
    return InteractiveSegmenter(init_click_segmenter()).label_map(frame, prompts_from_text((), args.box))


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
