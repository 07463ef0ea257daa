"""Follow boxes through a video and draw them.

    python demo/track_demo.py VIDEO --boxes 100,80,220,300 30,40,90,120 --out-dir out
    python demo/track_demo.py FOLDER_OF_FRAMES --prompt first_mask.png --tracker configs/trackers/dasiamrpn_big.py \\
        --out-dir out

Writes the drawn frames to OUT_DIR/<frame>.jpg and the boxes to OUT_DIR/tracks.json (see mmvos.structures.box_tracks).
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvos.models.trackers import TrackingSession
from mmvos.registry import TRACKERS
from mmvos.structures import DAVIS_PALETTE, BoxTracks, boxes_of_masks, object_ids_of, one_hot, read_label_map
from mmvos.utils import command_line
from mmvos.videos import open_video


def box(text):
    values = [float(value) for value in text.split(',')]
    if len(values) != 4 or values[2] <= values[0] or values[3] <= values[1]:
        raise argparse.ArgumentTypeError(f'{text}: expected x1,y1,x2,y2 in pixels with x1 < x2 and y1 < y2')
    return values


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('video', help='a video file or a folder of frames')
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument('--boxes', type=box, nargs='+', metavar='X1,Y1,X2,Y2', help='boxes in the first frame')
    start.add_argument('--prompt', help='label map of the first frame: every object in it is followed')
    parser.add_argument(
        '--tracker',
        default=str(Path(__file__).parents[1] / 'configs/trackers/flow_colour.py'),
        help='a file of configs/trackers',
    )
    parser.add_argument('--checkpoint', help='converted weights for a tracker with a network')
    parser.add_argument('--out-dir', required=True)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def draw(frame, boxes, scores, lost, ids):
    frame = frame.copy()
    for object_id, (x1, y1, x2, y2), score, gone in zip(ids, boxes, scores, lost):
        colour = [int(c) for c in DAVIS_PALETTE[object_id][::-1]]
        cv2.rectangle(frame, (round(x1), round(y1)), (round(x2) - 1, round(y2) - 1), colour, 1 if gone else 2)
        text = f'{object_id} lost' if gone else f'{object_id}' if np.isnan(score) else f'{object_id} {score:.2f}'
        place = (round(x1), max(round(y1) - 4, 10))
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return frame


@command_line
def main():
    args = parse_args()
    cfg = Config.fromfile(args.tracker).tracker
    init_default_scope('mmvos')
    tracker = TRACKERS.build(cfg)
    if isinstance(tracker, torch.nn.Module):
        tracker.to(args.device)
    if args.checkpoint:
        tracker.load_weights(args.checkpoint)
    video, session, file = open_video(args.video), TrackingSession(tracker), None
    out_dir = Path(args.out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    for index, frame in video:
        if file is None:
            masks = None
            if args.prompt:
                label_map = read_label_map(args.prompt, frame.shape[:2])
                ids = object_ids_of(label_map)
                if not ids:
                    raise SystemExit(f'{args.prompt}: the prompt holds no object (pixel values 1..254).')
                masks = one_hot(label_map, ids)
                boxes, masks = boxes_of_masks(masks).numpy(), masks.numpy() > 0
            else:
                boxes, ids = np.array(args.boxes), list(range(1, len(args.boxes) + 1))
            session.init(frame, boxes, masks)
            scores, file = np.ones(len(ids)), BoxTracks(frame.shape[:2], list(video.frame_names), tracker=cfg.to_dict())
        else:
            boxes, scores = session.update(frame)
        for row, object_id in enumerate(ids):
            file.add(object_id, video.frame_names[index], boxes[row], scores[row], not session.lost[row])
        drawn = draw(frame, boxes, scores, session.lost, ids)
        cv2.imwrite(str(out_dir / f'{video.frame_names[index]}.jpg'), drawn)
    file.save(out_dir / 'tracks.json')
    print(f'{len(video)} frames with {len(ids)} boxes: {out_dir}')


if __name__ == '__main__':
    main()
