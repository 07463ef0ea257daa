"""Compare box trackers on annotated videos: mean box IoU and CPU time per frame.

Every object starts from the tight box (and mask, for trackers that use it) of its first annotated frame and is followed
to the end of the video; boxes are compared with the tight box of the annotation, frames without the object are left
out.

    python tools/analysis_tools/benchmark_trackers.py configs/trackers/flow_colour.py configs/trackers/mil.py \\
        --data-root data/DAVIS --binary
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvos.registry import TRACKERS
from mmvos.structures import box_iou, boxes_of_masks, object_ids_of, one_hot, read_label_map
from mmvos.utils import command_line
from mmvos.videos import list_frames, read_frame


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', help='files of configs/trackers')
    parser.add_argument('--data-root', required=True, help='folder of DAVIS (JPEGImages, Annotations)')
    parser.add_argument('--resolution', default='480p')
    parser.add_argument('--videos', nargs='*', help='names of videos (default: every folder of annotations)')
    parser.add_argument('--binary', action='store_true', help='every value > 0 of a mask is one object (DAVIS 2016)')
    parser.add_argument('--rows', type=int, default=256, help='height that frames are reduced to (0: as they are)')
    parser.add_argument('--max-frames', type=int, help='only the first frames of each video')
    parser.add_argument('--checkpoint', help='weights for a tracker with a network')
    parser.add_argument('--per-video', action='store_true', help='also print the mean IoU of every video')
    return parser.parse_args()


def read_video(root, resolution, video, rows, binary, max_frames):
    """Frames, BGR uint8, and label maps (None where a frame has no annotation), at the height asked for."""
    masks = {Path(p).stem: p for p in list_frames(root / 'Annotations' / resolution / video)}
    for path in list_frames(root / 'JPEGImages' / resolution / video)[:max_frames]:
        frame = read_frame(path)
        mask = masks.get(Path(path).stem)
        label_map = read_label_map(mask, frame.shape[:2], binary=binary) if mask else None
        if rows and frame.shape[0] != rows:
            size = (round(frame.shape[1] * rows / frame.shape[0]), rows)
            frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            if label_map is not None:
                label_map = cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST_EXACT)
        yield frame, label_map


def follow(tracker, frames):
    """IoU of every object in every annotated frame after its first, whether it was found, and seconds per update."""
    ious, found, seconds, ids, state = [], [], [], [], None
    for frame, label_map in frames:
        if state is not None:
            start = time.process_time()
            tracks, state = tracker.update(frame, state)
            seconds.append(time.process_time() - start)
        if label_map is None:
            continue
        if ids:
            truth = boxes_of_masks(one_hot(label_map, ids)).numpy()
            there = truth.any(1)
            ious.append(np.where(there, box_iou(tracks.boxes, truth), np.nan))
            found.append(tracks.ok)
        new = [i for i in object_ids_of(label_map) if i not in ids]
        if new:
            masks = one_hot(label_map, new)
            boxes, masks = boxes_of_masks(masks).numpy(), masks.numpy() > 0
            state = tracker.init(frame, boxes, masks) if state is None else tracker.add(frame, boxes, state, masks)
            ids += new
    width = len(ids)
    return (
        np.array([np.pad(row, (0, width - len(row)), constant_values=np.nan) for row in ious]).reshape(-1, width),
        np.array([np.pad(row.astype(float), (0, width - len(row)), constant_values=np.nan) for row in found]),
        seconds,
    )


def build_tracker(config, checkpoint):
    cfg = Config.fromfile(config).tracker
    init_default_scope('mmvos')
    tracker = TRACKERS.build(cfg)
    if checkpoint and hasattr(tracker, 'load_weights'):
        tracker.load_weights(checkpoint)
    return tracker


@command_line
def main():
    args = parse_args()
    root = Path(args.data_root)
    annotations = root / 'Annotations' / args.resolution
    if not annotations.is_dir():
        raise SystemExit(
            f'{annotations}: folder not found. Expected the layout of DAVIS: Annotations/{args.resolution}/VIDEO/*.png'
        )
    videos = args.videos or sorted(p.name for p in annotations.iterdir() if p.is_dir())
    print(f'{len(videos)} videos, frames of {args.rows or "native"} rows, one CPU thread')
    print('| tracker | mean IoU | S50 | first 20 | last 10 | ms/frame | ok |\n|---|---|---|---|---|---|---|')
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for config in args.configs:
        tracker = build_tracker(config, args.checkpoint)
        rows, seconds, ok = [], [], []
        for video in videos:
            ious, found, times = follow(
                tracker, read_video(root, args.resolution, video, args.rows, args.binary, args.max_frames)
            )
            overlap = np.where(np.isnan(ious), np.nan, ious > 0.5)
            rows.append([np.nanmean(part) for part in (ious, overlap, ious[:20], ious[-10:])])
            seconds += times
            ok.append(np.nanmean(found))
        means = ' | '.join(f'{value:.3f}' for value in np.mean(rows, 0))
        print(f'| {Path(config).stem} | {means} | {1000 * np.mean(seconds):.1f} | {np.mean(ok):.2f} |', flush=True)
        if args.per_video:
            print('  ' + ', '.join(f'{video} {row[0]:.3f}' for video, row in zip(videos, rows, strict=True)), flush=True)


if __name__ == '__main__':
    main()
