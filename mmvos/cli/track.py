"""Follow boxes through a video and draw them.

examples:
  mmvos track video.mp4 --box 1:100,80,220,300 2:30,40,90,120 --out-dir out
  mmvos track frames/ --prompt first_mask.png --config trackers/dasiamrpn_big.py --checkpoint dasiamrpn.pth --out-dir out

--box ID:X1,Y1,X2,Y2 is a box around object ID in the first frame, in its pixels. OUT_DIR gets the drawn frames,
<frame>.jpg, and the boxes, tracks.json (see mmvos.structures.box_tracks).
"""

import argparse
from typing import Any

from .options import counted, no_prompt


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', help='a video file or a folder of frames')
    parser.add_argument('--box', nargs='+', action='extend', default=[], metavar='ID:X1,Y1,X2,Y2', help='boxes around objects')
    parser.add_argument(
        '--prompt',
        nargs='+',
        action='extend',
        default=[],
        metavar='MASK',
        help='label map of the first frame, in place of boxes',
    )
    parser.add_argument(
        '--config',
        default='trackers/flow_colour.py',
        metavar='CONFIG',
        help="path of a tracker's config, also relative to MMVOS's own (default: %(default)s)",
    )
    parser.add_argument('--checkpoint', metavar='FILE', help='converted weights for a tracker with a network')
    parser.add_argument('--out-dir', required=True, metavar='DIR', help='where the results go')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')


def run(args: argparse.Namespace) -> None:
    from pathlib import Path

    import numpy as np
    import torch
    from tqdm import tqdm

    from mmvos.apis.building import checked_device
    from mmvos.models.trackers import TrackingSession
    from mmvos.registry import TRACKERS
    from mmvos.structures import BoxTracks, InputError, prompts_from_text
    from mmvos.utils import load_config, run_lock
    from mmvos.videos import open_video, write_image

    prompts = prompts_from_text((), args.box)
    if bool(prompts) == bool(args.prompt):
        given = '--box and --prompt were both given; expected one of them.'
        raise InputError(given if prompts else no_prompt('--box or --prompt', 'track'))
    if len(args.prompt) > 1:
        raise InputError(f'--prompt has {len(args.prompt)} masks; expected one, of the first frame.')
    cfg = load_config(args.config).tracker
    tracker = TRACKERS.build(cfg)
    if isinstance(tracker, torch.nn.Module):
        tracker.to(checked_device(args.device))
    if args.checkpoint:
        tracker.load_weights(args.checkpoint)
    video, session = open_video(args.video), TrackingSession(tracker)
    out_dir = Path(args.out_dir)
    with run_lock(out_dir, '--out-dir'):
        out_dir.mkdir(parents=True, exist_ok=True)
        ids: list[int] = []
        for index, frame in tqdm(video, total=len(video), unit='frame'):
            if not ids:
                ids, boxes, masks = _start(prompts, args.prompt, frame.shape[:2])
                session.init(frame, boxes, masks)
                scores, file = np.ones(len(ids)), BoxTracks(frame.shape[:2], list(video.frame_names), tracker=cfg.to_dict())
            else:
                boxes, scores = session.update(frame)
            for row, object_id in enumerate(ids):
                file.add(object_id, video.frame_names[index], boxes[row], scores[row], not session.lost[row])
            drawn = _draw(frame, boxes, scores, session.lost, ids)
            write_image(out_dir / f'{video.frame_names[index]}.jpg', drawn)
        file.save(out_dir / 'tracks.json')
        print(f'{counted(len(video), "frame")} with {counted(len(ids), "object")}: {out_dir}')


def _start(prompts: list, masks: list[str], shape: tuple[int, int]) -> tuple[list[int], Any, Any]:
    """Ids, boxes ``(N, 4)`` and masks ``(N, H, W)`` (None without a label map) of what is followed."""
    from dataclasses import astuple

    import numpy as np

    from mmvos.structures import InputError, boxes_of_masks, object_ids_of, one_hot, read_label_map

    if prompts:
        for prompt in prompts:
            prompt.check_inside(shape)
        boxes = [astuple(prompt.box) for prompt in prompts if prompt.box is not None]
        return [prompt.object_id for prompt in prompts], np.array(boxes), None
    label_map = read_label_map(masks[0], shape)
    ids = object_ids_of(label_map)
    if not ids:
        raise InputError(f'{masks[0]}: the prompt holds no object (pixel values 1..254).')
    found = one_hot(label_map, ids)
    return ids, boxes_of_masks(found).numpy(), found.numpy() > 0


def _draw(frame: Any, boxes: Any, scores: Any, lost: Any, ids: list[int]) -> Any:
    import cv2
    import numpy as np

    from mmvos.structures import DAVIS_PALETTE

    frame = frame.copy()
    for object_id, (x1, y1, x2, y2), score, gone in zip(ids, boxes, scores, lost, strict=True):
        colour = [int(c) for c in DAVIS_PALETTE[object_id][::-1]]
        cv2.rectangle(frame, (round(x1), round(y1)), (round(x2) - 1, round(y2) - 1), colour, 1 if gone else 2)
        text = f'{object_id} lost' if gone else f'{object_id}' if np.isnan(score) else f'{object_id} {score:.2f}'
        place = (round(x1), max(round(y1) - 4, 10))
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return frame
