"""Estimate optical flow between the frames of videos once, and keep it on disk.

    python tools/misc/precompute_flow.py CONFIG FRAMES OUT [--direction bwd fwd] [--steps 1 5] [--videos LIST.txt]

CONFIG names the estimator (``flow = dict(type=...)``, or a method's config), FRAMES holds one folder of frames per
video, and OUT gets ``<video>/<frame a>_to_<frame b>.npy``: the flow from a to b at the frames' own size, in pixels,
float16. Training reads it with the transform ``LoadFlow``.

A run that was interrupted goes on where it stopped: files appear when they are complete, and those that are there are
kept. Several processes share the work with --part 0/4 ... 3/4.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from mmvos.apis.building import checked_device
from mmvos.datasets.transforms.flow import SUFFIXES, check_flow, flow_path, write_flow
from mmvos.models.flow import FlowEstimator
from mmvos.registry import MODELS
from mmvos.structures import InputError, read_lines
from mmvos.utils import command_line, load_config
from mmvos.utils.checkpoint import load_weights
from mmvos.videos import list_frames, read_frame


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Estimate and cache optical flow.')
    parser.add_argument('config', help='config file with `flow = dict(type=...)` at its top or in its model')
    parser.add_argument('frames', help='folder with one folder of frames per video')
    parser.add_argument('out', help='folder of the cache')
    parser.add_argument('--checkpoint', help="weights of the estimator (default: what the config's init_cfg names)")
    parser.add_argument(
        '--direction',
        nargs='+',
        choices=['bwd', 'fwd'],
        default=['bwd'],
        help='bwd: from each frame to an earlier one; fwd: to a later one (reversed clips)',
    )
    parser.add_argument('--steps', nargs='+', type=int, default=[1], help='distances between the two frames')
    parser.add_argument('--videos', metavar='LIST.txt', help='only these videos, one name a line')
    parser.add_argument('--suffix', choices=SUFFIXES, default='.npy', help='.npy: float16; .flo: float32')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--part', default='0/1', metavar='I/N', help='do only part I (from 0) of N')
    parser.add_argument('--check', action='store_true', help='also read the files that are there, and make bad ones again')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the config')
    return parser.parse_args(argv)


def build_estimator(args: argparse.Namespace) -> FlowEstimator:
    cfg = load_config(args.config, args.cfg_options)
    model = cfg.get('model') or {}
    flow = cfg.get('flow') or model.get('flow') or model.get('flow_estimator')
    if not flow:
        raise SystemExit(f'{args.config}: names no flow estimator. Expected `flow = dict(type=...)`.')
    init_default_scope('mmvos')
    estimator = MODELS.build(flow).to(checked_device(args.device)).eval()
    if args.checkpoint:
        load_weights(estimator, args.checkpoint)
    else:
        estimator.init_weights()
    return estimator


def video_folders(args: argparse.Namespace) -> list[Path]:
    root = Path(args.frames)
    if not root.is_dir():
        raise SystemExit(f'{root}: not a folder. Expected one folder of frames per video.')
    folders = sorted(p for p in root.iterdir() if p.is_dir())
    if args.videos:
        wanted = read_lines(args.videos)
        missing = set(wanted) - {p.name for p in folders}
        if missing:
            raise SystemExit(f'{root / sorted(missing)[0]}: video of {args.videos} not found.')
        folders = [p for p in folders if p.name in wanted]
    if not folders:
        raise SystemExit(f'{root}: no folder in it. Expected one folder of frames per video.')
    match = re.fullmatch('([0-9]{1,9})/([0-9]{1,9})', args.part)
    if match is None or int(match[1]) >= int(match[2]):
        raise SystemExit(f'--part {args.part}: expected I/N with I from 0 to N - 1.')
    return folders[int(match[1]) :: int(match[2])]


def missing_pairs(frames: list[Path], args: argparse.Namespace, video: str) -> Iterator[tuple[Path, Path, Path]]:
    """(frame a, frame b, file) of every flow of a video that is still to be made."""
    for index, frame in enumerate(frames):
        for step in args.steps:
            for direction in args.direction:
                other = index - step if direction == 'bwd' else index + step
                if not 0 <= other < len(frames):
                    continue
                path = Path(flow_path(args.out, video, frame.stem, frames[other].stem, args.suffix))
                if not path.is_file() or (args.check and not is_sound(path)):
                    yield frame, frames[other], path


def is_sound(path: Path) -> bool:
    try:
        check_flow(path)
    except ValueError as error:
        print(f'made again: {error}')
        return False
    return True


@torch.no_grad()
def process(video: Path, estimator: FlowEstimator, args: argparse.Namespace) -> int:
    """Make the missing flow of a video; returns how many files were written."""
    listed = [Path(f) for f in list_frames(video)]
    if not listed:
        raise InputError(f'{video}: no frames found; expected images.')
    pairs = list(missing_pairs(listed, args, video.name))

    def pixels(paths: list[Path]) -> torch.Tensor:  # BGR files to RGB (B, 3, H, W)
        frames = [torch.from_numpy(read_frame(path)) for path in paths]
        shapes = {tuple(f.shape) for f in frames}
        if len(shapes) > 1:
            raise SystemExit(f'{paths[0]}: the frames of a video differ in size: {sorted(shapes)}.')
        return torch.stack(frames).flip(-1).permute(0, 3, 1, 2).float().to(args.device)

    for start in range(0, len(pairs), args.batch_size):
        batch = pairs[start : start + args.batch_size]
        frames = pixels([p for pair in batch for p in pair[:2]])
        flows = estimator(frames[0::2], frames[1::2]).permute(0, 2, 3, 1).cpu().numpy()
        for (_, _, path), flow in zip(batch, flows, strict=True):
            write_flow(path, flow)
    return len(pairs)


@command_line
def main(argv=None) -> None:
    args = parse_args(argv)
    if min(args.steps) < 1 or args.batch_size < 1:
        raise InputError('--steps and --batch-size: expected numbers from 1 on.')
    estimator = build_estimator(args)
    folders = video_folders(args)
    written = sum(process(video, estimator, args) for video in track_iter_progress(folders))
    print(f'\n{written} flow files written to {args.out} for {len(folders)} videos.')


if __name__ == '__main__':
    main()
