"""Segment objects in a video: point at them in one frame, get their masks in all.

examples:
  mmvos segment video.mp4 --click 1:320,240 --out-dir out
  mmvos segment video.mp4 --click 1:320,240 1:300,200:- --box 2:100,80,220,300 --out-dir out
  mmvos segment frames/ --prompt first.png 40=second.png --out-dir out
  mmvos segment video.mp4 --prompt cvat.xml --out-dir out
  mmvos segment video.mp4 --prompt first.png --fine-tune --out-dir out
  mmvos segment video.mp4 --click 1:50,60 --at 30 --export coco cutouts --out-dir out
  mmvos segment --camera 0 --box 1:100,80,220,300 --duration 60 --out-dir out
  mmvos segment rtsp://camera.local/stream --prompt first.png --out-dir out

--click ID:X,Y is a point on object ID, ID:X,Y:- one beside it; --box ID:X1,Y1,X2,Y2 is a box around it; both in pixels of
frame --at. --prompt takes masks: 8-bit palette or grey PNG of the frame's size, pixel value = object id;
or the XML file of CVAT, the JSON file of LabelMe, or a folder of those: each object from the first frame where it is marked.
To click in a browser instead: mmvos annotate.

Of a camera or stream the newest frame is segmented, and frames that come meanwhile are dropped, until Ctrl-C; without a prompt,
its first frame is saved to OUT_DIR/first.png for you to point at.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import add_compile, add_model, counted, no_prompt

if TYPE_CHECKING:
    import numpy as np

NO_PROMPT = no_prompt('--click, --box or --prompt', 'segment')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', nargs='?', help='video file (mp4, avi, ...), folder of frames, or address of a stream')
    parser.add_argument('--camera', type=int, metavar='NUMBER', help='a camera in place of a video; the first one is 0')
    parser.add_argument('--duration', type=float, metavar='SECONDS', help='of a camera or stream: end after this time')
    parser.add_argument('--click', nargs='+', action='extend', default=[], metavar='ID:X,Y[:-]', help='points on objects')
    parser.add_argument('--box', nargs='+', action='extend', default=[], metavar='ID:X1,Y1,X2,Y2', help='boxes around objects')
    parser.add_argument('--at', type=int, default=0, metavar='FRAME', help='frame of the clicks and boxes, from 0')
    parser.add_argument(
        '--prompt',
        nargs='+',
        action='extend',
        default=[],
        metavar='[FRAME=]MASK',
        help='label maps, or files of CVAT or LabelMe; FRAME is 0 if not said',
    )
    parser.add_argument('--out-dir', required=True, metavar='DIR', help='gets masks/<frame>.png and the overlay')
    parser.add_argument('--export', nargs='+', default=[], metavar='FORMAT', help='further forms, such as coco, cvat, cutouts')
    parser.add_argument(
        '--overlay', default='overlay.mp4', metavar='NAME', help='file name of the overlay video, .mp4, .gif or .webp'
    )
    parser.add_argument('--names', nargs='+', default=[], metavar='ID=NAME', help='names of objects, for pictures and exports')
    add_model(parser, 'recall-vos')
    add_compile(parser)
    parser.add_argument(
        '--fine-tune',
        action='store_true',
        help='first train the model on the prompts: some seconds more, often better masks of what is hard for it',
    )
    parser.add_argument('--fit-masks', action='store_true', help='resize masks of another size (nearest neighbour)')
    parser.add_argument('--binary', action='store_true', help='masks are black and white: whatever is not 0 is object 1')


def run(args: argparse.Namespace) -> None:
    from mmvos.exports import check_exports
    from mmvos.structures import InputError, prompts_from_text
    from mmvos.utils import run_lock
    from mmvos.videos.live import is_stream

    if (args.video is None) == (args.camera is None):
        raise InputError('expected either a video (file, folder or address of a stream) or --camera NUMBER.')
    check_exports(args.export)
    _names(args)  # a mistake in it is said before the work
    masks = _masks(args.prompt)
    pointed = prompts_from_text(args.click, args.box)
    if pointed and args.at in masks:
        raise InputError(f'frame {args.at} has clicks and a --prompt; give one of them, or another frame (--at).')
    with run_lock(args.out_dir, '--out-dir'):
        if args.camera is not None or is_stream(args.video):
            _run_live(args, masks, pointed)
        else:
            _run_video(args, masks, pointed)


def _run_video(args: argparse.Namespace, masks: dict, pointed: list) -> None:
    from mmvos.exports import export_masks
    from mmvos.structures import InputError
    from mmvos.videos import open_video

    if args.duration is not None:
        raise InputError(f'--duration is for cameras and streams; {args.video} has an end of its own.')
    if pointed:
        masks[args.at] = _pointed_in_video(args, pointed)
    names = _take_annotations(args, masks) | _names(args)
    inferencer = _inferencer(args)
    if inferencer.model.prompted and not masks:
        raise InputError(f'{args.video}: {NO_PROMPT}')
    if args.fine_tune:
        print('fine-tuning on the prompts first')
    summary = inferencer.save(
        args.video,
        args.out_dir,
        masks or None,
        overlay=args.overlay,
        names=names,
        size_mismatch='resize' if args.fit_masks else 'error',
        binary=args.binary,
    )
    export_masks(args.export, open_video(args.video), Path(args.out_dir), names, progress=True)
    print(
        f'{counted(summary["frames"], "frame")}, {counted(len(summary["objects"]), "object")}, {summary["fps"]:.1f} frames/s; '
        f'masks and overlay are in {args.out_dir}'
    )


def _run_live(args: argparse.Namespace, masks: dict, pointed: list) -> None:
    from tqdm import tqdm

    from mmvos.apis.live import LiveReport, segment_live
    from mmvos.imports import annotation_kind
    from mmvos.structures import InputError
    from mmvos.videos import LabelSource
    from mmvos.videos.live import open_live

    later = [*(frame for frame in masks if frame), *([args.at] if pointed and args.at else [])]
    if later:
        raise InputError(f'frame {later[0]} has a prompt; of a camera or stream, only the first frame (0) can have one.')
    files = [path for path in masks.values() if annotation_kind(path) != 'masks']
    if files:
        raise InputError(f'--prompt {files[0]}: of a camera or stream, expected a label map (PNG).')
    if args.export:
        raise InputError(f'--export {args.export[0]}: not while a camera or stream runs; segment a recording.')
    if args.fine_tune:
        raise InputError('--fine-tune: not while a camera or stream runs; segment a recording.')
    inferencer, out_dir = _inferencer(args), Path(args.out_dir)
    if not inferencer.model.causal:
        raise InputError(f'--config {args.config}: needs the whole video; of a camera or stream there is none.')
    point_in = _pointer(args, pointed) if pointed else None

    def point(frame: 'np.ndarray') -> 'np.ndarray | None':
        if masks:
            size_mismatch = 'resize' if args.fit_masks else 'error'
            return LabelSource(masks[0], binary=args.binary, size_mismatch=size_mismatch).read(frame.shape[:2])
        if point_in:
            return point_in(frame)
        if inferencer.model.prompted:
            raise InputError(f'{frames.name}: {NO_PROMPT} Its first frame is in {_save_first(out_dir, frame)}.')
        return None

    with open_live(args.video if args.camera is None else args.camera) as frames, tqdm(unit='frame') as bar:

        def progress(report: LiveReport) -> None:
            bar.update()
            bar.set_postfix_str(f'{report.dropped} dropped, {report.lag:.2f} s behind')

        seconds = float('inf') if args.duration is None else args.duration
        report = segment_live(inferencer.session(), frames, out_dir, point, args.overlay, seconds, progress, _names(args))
    print(f'{report}; masks and overlay are in {args.out_dir}')


def _inferencer(args: argparse.Namespace) -> Any:
    from mmvos.apis import VOSInferencer

    chosen = dict(model=args.config) if args.config else {}
    settings = dict(weights=args.checkpoint, device=args.device, amp=args.amp, compiled=args.compile)
    return VOSInferencer(**chosen, **settings, fine_tune=args.fine_tune)


def _names(args: argparse.Namespace) -> dict[int, str]:
    """``{id: name}`` of the option ``--names``."""
    from mmvos.structures import InputError

    names = {}
    for item in args.names:
        number, separator, name = item.partition('=')
        if not (number.isdecimal() and separator and name):
            raise InputError(f'--names {item}: expected ID=NAME, such as 1=dog.')
        names[int(number)] = name
    return names


def _save_first(out_dir: Path, frame: 'np.ndarray') -> Path:
    import cv2

    out_dir.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out_dir / 'first.png'), frame)
    return out_dir / 'first.png'


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


def _take_annotations(args: argparse.Namespace, masks: dict) -> dict[int, str]:
    """Put what files of CVAT and LabelMe mark instead of the files, in ``{frame: ...}``; names of the objects."""
    from mmvos.imports import annotation_kind, open_annotations
    from mmvos.interaction import label_map_of
    from mmvos.structures import InputError
    from mmvos.videos import open_video

    files = {index: path for index, path in masks.items() if isinstance(path, str) and annotation_kind(path) != 'masks'}
    names: dict[int, str] = {}
    for given, path in files.items():
        video = open_video(args.video)
        annotations = open_annotations(path, video, given)
        del masks[given]
        for index, ids in annotations.introduced().items():
            if index in masks:
                raise InputError(f'--prompt {path}: frame {index} has another prompt already; expected one.')
            frame = video.read(index)
            prompts = [prompt for prompt in annotations.prompts(index, frame.shape[:2]) if prompt.object_id in ids]
            masks[index] = label_map_of(prompts, frame.shape[:2], partial(_point, args, frame))
        names.update(annotations.names)
    return names


def _point(args: argparse.Namespace, frame: 'np.ndarray', prompts: list) -> 'np.ndarray':
    return _pointer(args, prompts)(frame)


def _pointed_in_video(args: argparse.Namespace, pointed: list) -> 'np.ndarray':
    """Label map of what clicks and boxes point at in frame ``--at``."""
    from mmvos.structures import InputError
    from mmvos.videos import open_video

    video = open_video(args.video)
    if not 0 <= args.at < len(video):
        raise InputError(f'--at {args.at}: {args.video} has {len(video)} frames, counted from 0.')
    return _pointer(args, pointed)(video.read(args.at))


def _pointer(args: argparse.Namespace, pointed: list) -> 'Callable[[np.ndarray], np.ndarray]':
    """Frame to the label map of what clicks and boxes point at in it. The model is read here, before a live source runs."""
    from mmvos.apis import init_click_segmenter, pointed_label_map
    from mmvos.interaction import InteractiveSegmenter

    segmenter = InteractiveSegmenter(init_click_segmenter(device=args.device))
    return lambda frame: pointed_label_map(frame, pointed, segmenter)
