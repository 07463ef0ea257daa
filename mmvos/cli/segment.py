"""Segment objects in a video: point at them in one frame, get their masks in all.

examples:
  mmvos segment video.mp4 --click 1:320,240 --out-dir out
  mmvos segment video.mp4 --click 1:320,240 1:300,200:- --box 2:100,80,220,300 --out-dir out
  mmvos segment frames/ --prompt first.png 40=second.png --out-dir out
  mmvos segment video.mp4 --click 1:50,60 --at 30 --export coco cutouts --out-dir out

--click ID:X,Y is a point on object ID, ID:X,Y:- one beside it; --box ID:X1,Y1,X2,Y2 is a box around it; both in pixels of
frame --at. --prompt takes masks: 8-bit palette or grey PNG of the frame's size, pixel value = object id. To click in a
browser instead: mmvos annotate.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', help='video file (mp4, avi, ...) or folder of frames')
    parser.add_argument('--click', nargs='+', action='extend', default=[], metavar='ID:X,Y[:-]', help='points on objects')
    parser.add_argument('--box', nargs='+', action='extend', default=[], metavar='ID:X1,Y1,X2,Y2', help='boxes around objects')
    parser.add_argument('--at', type=int, default=0, metavar='FRAME', help='frame of the clicks and boxes, from 0')
    parser.add_argument(
        '--prompt', nargs='+', action='extend', default=[], metavar='[FRAME=]MASK', help='label maps; FRAME is 0 if not said'
    )
    parser.add_argument('--out-dir', required=True, help='gets masks/<frame>.png and the overlay')
    parser.add_argument('--export', nargs='+', default=[], metavar='FORMAT', help='further forms, such as coco, cvat, cutouts')
    parser.add_argument('--overlay', default='overlay.mp4', help='file name of the overlay video, .mp4, .gif or .webp')
    parser.add_argument('--config', help='a config, or a name of one with weights (default: the shipped model)')
    parser.add_argument('--checkpoint', help='weights (default: those that ship with the config)')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--fit-masks', action='store_true', help='resize masks of another size (nearest neighbour)')
    parser.add_argument('--binary', action='store_true', help='masks are black and white: whatever is not 0 is object 1')


def run(args: argparse.Namespace) -> None:
    from mmvos.apis import VOSInferencer
    from mmvos.exports import EXPORTS
    from mmvos.structures import InputError, prompts_from_text

    unknown = [name for name in args.export if name not in EXPORTS]
    if unknown:
        raise InputError(f'--export {unknown[0]}: not known; expected one of {", ".join(sorted(EXPORTS))}.')
    prompts = _masks(args.prompt)
    pointed = prompts_from_text(args.click, args.box)
    if pointed:
        if args.at in prompts:
            raise InputError(f'frame {args.at} has clicks and a --prompt; give one of them, or another frame (--at).')
        prompts[args.at] = _pointed(args, pointed)
    chosen = dict(model=args.config) if args.config else {}
    inferencer = VOSInferencer(**chosen, weights=args.checkpoint, device=args.device, amp=args.amp)
    if inferencer.model.prompted and not prompts:
        raise InputError(
            f'{args.video} needs a prompt: give --click, --box or --prompt (see --help), or click in a browser: mmvos annotate.'
        )
    summary = inferencer.save(
        args.video,
        args.out_dir,
        prompts or None,
        overlay=args.overlay,
        size_mismatch='resize' if args.fit_masks else 'error',
        binary=args.binary,
    )
    _export(args, Path(args.out_dir))
    print(
        f'{summary["frames"]} frames, {len(summary["objects"])} objects, {summary["fps"]:.1f} frames/s; '
        f'masks and overlay are in {args.out_dir}'
    )


def _masks(items: list) -> dict:
    """``{frame: path}`` of ``[FRAME=]MASK`` options."""
    from mmvos.structures import InputError

    prompts: dict = {}
    for item in items:
        frame, separator, path = item.partition('=')
        index, path = (int(frame), path) if separator and frame.isdecimal() else (0, item)
        if index in prompts:
            raise InputError(f'--prompt {item}: frame {index} has the prompt {prompts[index]} already.')
        prompts[index] = path
    return prompts


def _pointed(args: argparse.Namespace, pointed: list) -> 'np.ndarray':
    """Label map of what clicks and boxes point at in frame ``--at``."""
    from mmvos.apis import init_click_segmenter
    from mmvos.interaction import InteractiveSegmenter
    from mmvos.structures import InputError, object_ids_of
    from mmvos.videos import open_video

    video = open_video(args.video)
    if not 0 <= args.at < len(video):
        raise InputError(f'--at {args.at}: {args.video} has {len(video)} frames, counted from 0.')
    segmenter = InteractiveSegmenter(init_click_segmenter(device=args.device))
    label_map = segmenter.label_map(video.read(args.at), pointed)
    lost = [prompt.object_id for prompt in pointed if prompt.object_id not in object_ids_of(label_map)]
    if lost:
        raise InputError(f'object {lost[0]}: nothing was found where it was pointed at; add clicks, or give a --box or a mask.')
    return label_map


def _export(args: argparse.Namespace, out_dir: Path) -> None:
    """The masks in further forms, read back from what was written."""
    from mmvos.exports import EXPORTS, make_export
    from mmvos.exports.base import ExportInfo
    from mmvos.structures import read_label_map
    from mmvos.videos import open_video

    for name in args.export:
        video = open_video(args.video)
        cls = EXPORTS[name]
        info = ExportInfo(video.video_id, video.read(0).shape[:2], len(video), getattr(video, 'fps', 12.0))
        target = out_dir / name if cls.is_folder else out_dir / f'{name}{cls.suffix}'
        with make_export(name, target, info) as export:
            for index, frame in video:
                stem = video.frame_names[index]
                export.write(index, stem, frame, read_label_map(out_dir / 'masks' / f'{stem}.png'))
