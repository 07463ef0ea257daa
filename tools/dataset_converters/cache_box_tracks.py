"""Run a box tracker over training videos once and keep its boxes: long-term attention for training MAIN.

One JSON file per video. Every object is followed from the frame that first shows it through all frames of the video;
with ``--ground-truth`` the boxes are those of the masks (frames without a mask have none).

    python tools/dataset_converters/cache_box_tracks.py configs/trackers/flow_colour.py \\
        --frames data/YouTubeVOS2018/train/JPEGImages --masks data/YouTubeVOS2018/train/Annotations \\
        --out data/YouTubeVOS2018/train/tracks/flow_colour
"""

import argparse
from pathlib import Path

import cv2
import torch

from mmvos.apis.building import checked_device
from mmvos.datasets.transforms.instance_attention import track_video
from mmvos.registry import TRACKERS
from mmvos.structures import BoxTracks, InputError, object_ids_of, read_label_map, tight_box
from mmvos.utils import command_line, load_config
from mmvos.videos import list_frames, read_ahead, read_frame


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='file of configs/trackers')
    parser.add_argument('--frames', required=True, help='folder with one folder of frames per video')
    parser.add_argument('--masks', required=True, help='folder with one folder of label maps per video')
    parser.add_argument('--out', required=True, help='folder for the JSON files')
    parser.add_argument('--binary', action='store_true', help='every value > 0 of a mask is one object (DAVIS 2016)')
    parser.add_argument('--size-mismatch', choices=('error', 'resize'), default='error')
    parser.add_argument('--videos', nargs='*', help='names of videos (default: every folder of masks)')
    parser.add_argument('--ground-truth', action='store_true', help='boxes of the masks in place of a tracker')
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def label_maps_of(video, args, stems, shape):
    masks = {Path(path).stem: path for path in list_frames(Path(args.masks) / video)}
    for stem in stems:
        path = masks.get(stem)
        yield None if path is None else read_label_map(path, shape, args.size_mismatch, args.binary)


def boxes_of_truth(stems, label_maps, shape):
    file = BoxTracks(shape, stems, tracker=dict(type='GroundTruth'))
    for stem, label_map in zip(stems, label_maps, strict=True):
        for object_id in object_ids_of(label_map) if label_map is not None else []:
            file.add(object_id, stem, tight_box(label_map == object_id), 1.0, True)
    return file


@command_line
def main():
    args = parse_args()
    cfg = load_config(args.config).tracker
    tracker = TRACKERS.build(cfg)
    if isinstance(tracker, torch.nn.Module):
        tracker.to(checked_device(args.device))
    cv2.setNumThreads(1)
    root = Path(args.masks)
    if not root.is_dir():
        raise SystemExit(f'{root}: folder of the masks not found. Expected one folder of label maps per video in it.')
    videos = args.videos or sorted(p.name for p in root.iterdir() if p.is_dir())
    if not videos:
        raise InputError(f'{root}: holds no folder. Expected one folder of label maps per video in it.')
    for video in videos:
        if not list_frames(root / video):
            raise InputError(f'{root / video}: no masks found. Expected label maps, named as the frames.')
        target = Path(args.out) / f'{video}.json'
        if target.exists():
            continue
        frames = list_frames(Path(args.frames) / video)
        if not frames:
            raise InputError(f'{Path(args.frames) / video}: no frames found. Expected images.')
        stems, shape = [Path(f).stem for f in frames], read_frame(frames[0]).shape[:2]
        label_maps = label_maps_of(video, args, stems, shape)
        if args.ground_truth:
            tracks = boxes_of_truth(stems, label_maps, shape)
        else:
            images = read_ahead(read_frame, frames, 4)
            tracks = track_video(tracker, stems, images, label_maps, cfg.to_dict())
        tracks.save(target)
        print(f'{video}: {len(tracks.tracks)} objects, {len(frames)} frames', flush=True)


if __name__ == '__main__':
    main()
