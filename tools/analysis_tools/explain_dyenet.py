"""What DyeNet did with a video, or with all videos of a test set: tracklets, templates, similarities and rounds.

python tools/analysis_tools/explain_dyenet.py CONFIG CHECKPOINT VIDEO --prompt MASK.png --out-dir DIR
python tools/analysis_tools/explain_dyenet.py CONFIG CHECKPOINT --out-dir DIR      # the config's test set

Writes DIR/<video>.json and a timeline, DIR/<video>.png. Where there are annotations (those of the test set, or of the
folder --annotations), it also says how many starting points were right and how many masks they found, round by round, as
in Table 2 of the paper.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
import numpy as np
import torch
from mmengine.config import DictAction

from mmvos.apis import VOSInferencer
from mmvos.evaluation.functional import StartingPointScores, rate_starting_points
from mmvos.inference import VOSSession
from mmvos.models.segmentors import DyeNet
from mmvos.registry import DATASETS
from mmvos.structures import DAVIS_PALETTE, atomic_path, object_ids_of
from mmvos.utils import command_line, load_config
from mmvos.videos import LabelSource, Video, list_frames


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', help='weights, or "none"')
    parser.add_argument('video', nargs='?', help="video file or folder of frames (default: the config's test set)")
    parser.add_argument('--prompt', help='label map of the first frame of the video')
    parser.add_argument('--annotations', help='folder of label maps of the video, named as its frames')
    parser.add_argument('--out-dir', required=True)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='overrides of the config')
    args = parser.parse_args()
    if args.video and not args.prompt:
        parser.error('a video needs --prompt')
    return args


def videos_of(args: argparse.Namespace, inferencer: VOSInferencer) -> Iterator[Video]:
    """The videos to explain, with their annotations in ``metainfo``."""
    if args.video:
        video = inferencer.video(args.video, args.prompt)
        masks = {Path(path).stem: path for path in list_frames(args.annotations)} if args.annotations else {}
        video.metainfo['annotations'] = {i: masks[name] for i, name in enumerate(video.frame_names) if name in masks}
        yield video
        return
    dataset = DATASETS.build(load_config(args.config, args.cfg_options).test_dataloader.dataset)
    for index in range(len(dataset)):
        yield dataset[index]['inputs']


def explain(session: VOSSession, video: Video) -> dict:
    """Report of a video; with annotations, its rounds tell precision and recall of their starting points."""
    object_ids = next(iter(session.run(video))).object_ids  # the first result comes after all rounds
    report = dict(session.report, object_ids=object_ids)
    for found, scores in zip(report['rounds'], rate(session, video, report), strict=True):
        if scores.masks:
            found.update(vars(scores), precision=scores.precision, recall=scores.recall)
    return report


def rate(session: VOSSession, video: Video, report: dict) -> list[StartingPointScores]:
    """Scores of the starting points of every round, at the network's size."""
    model, view, ids = session.model, session.view, report['object_ids']
    given = {
        object_id: frame for frame in video.prompts for object_id in object_ids_of(video.prompt(frame, view.geometry.ori_shape))
    }
    truth = {}
    for frame, source in video.metainfo.get('annotations', {}).items():
        label_map = LabelSource.of(source).read()
        shown = [k for k, i in enumerate(ids) if frame > given[i] and (label_map == i).any()]
        if shown:
            masks = view.masks(label_map, [ids[k] for k in shown]).cpu().numpy() > 0.5
            truth[frame] = dict(zip(shown, masks, strict=True))

    @torch.no_grad()
    def masks_of(frame: int, boxes: list) -> np.ndarray:
        image = view.view(video.read(frame), frame).image
        return model.box_masks(model.extract_feat(image), torch.tensor(boxes), tuple(image.shape[-2:])).cpu().numpy()

    points = [[(frame, k, box) for frame, k, _, box in found['points']] for found in report['rounds']]
    return rate_starting_points(points, masks_of, truth)


def draw_timeline(report: dict, path: Path) -> None:
    """One row for each tracklet, in the order of similarity; full bars are frames that its object's tube took from it."""
    tracklets = sorted(report['tracklets'], key=lambda t: (t['object'], -t['similarity'], t['start_frame']))
    object_ids = report['object_ids']
    figure, axis = plt.subplots(figsize=(12, 1.2 + 0.3 * len(tracklets)))
    for row, tracklet in enumerate(tracklets):
        colour = DAVIS_PALETTE[object_ids[tracklet['object']]] / 255
        length = tracklet['last_frame'] - tracklet['first_frame'] + 1
        axis.barh(row, length, left=tracklet['first_frame'], height=0.7, color=colour, alpha=0.25)
        for frame in tracklet['frames_used']:
            axis.barh(row, 1, left=frame, height=0.7, color=colour)
        axis.plot(tracklet['start_frame'] + 0.5, row, 'k|', markersize=12)
        label = f'object {object_ids[tracklet["object"]]}, {tracklet["similarity"]:.2f}, {tracklet["decision"]}'
        axis.text(report['frames'] * 1.01, row, label, va='center', fontsize=8)
    for template in report['templates']:
        colour = DAVIS_PALETTE[object_ids[template['object']]] / 255
        axis.plot([f + 0.5 for f in template['frames']], [-1] * len(template['frames']), 'v', color=colour)
    axis.set(
        xlim=(0, report['frames']),
        ylim=(len(tracklets), -1.7),
        xlabel='frame',
        yticks=[],
        title=f'{report["video"]}: {len(report["rounds"])} rounds; | starting point, ▼ templates, full: used',
    )
    figure.subplots_adjust(left=0.02, right=0.75)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)
    plt.close(figure)


def print_rounds(rounds: list[dict]) -> None:
    """One line for each round."""
    for number, found in enumerate(rounds, 1):
        rated = ''
        if 'precision' in found:
            rated = f', precision {100 * found["precision"]:.1f}, recall {100 * found["recall"]:.1f}'
        print(
            f'round {number}: {found["starting_points"]} starting points, {found["new_tracklets"]} new tracklets, '
            f'{found["refused"]} refused, {found["new_templates"]} new templates{rated}'
        )


@command_line
def main() -> None:
    args = parse_args()
    out_dir = Path(args.out_dir)
    inferencer = VOSInferencer(args.config, args.checkpoint, cfg_options=args.cfg_options)
    if not isinstance(inferencer.model, DyeNet):
        sys.exit(f'error: {args.config}: this tool explains DyeNet, the config builds {type(inferencer.model).__name__}.')
    total: list[StartingPointScores] = []
    session = inferencer.session()
    for video in videos_of(args, inferencer):
        report = explain(session, video)
        out_dir.mkdir(parents=True, exist_ok=True)
        with atomic_path(out_dir / f'{video.video_id}.json') as temporary, open(temporary, 'w') as file:
            json.dump(report, file, indent=1)
        draw_timeline(report, out_dir / f'{video.video_id}.png')
        print(f'{out_dir / video.video_id}.json, .png')
        print_rounds(report['rounds'])
        rated = [
            StartingPointScores(*(r[key] for key in ('found', 'correct', 'masks'))) for r in report['rounds'] if 'masks' in r
        ]
        for scores, others in ((rated, total), (total, rated)):  # a search that has ended counts with its last round
            scores += scores[-1:] * (len(others) - len(scores))
        total = [a + b for a, b in zip(total, rated, strict=True)] if total else rated
    for number, scores in enumerate(total, 1):
        print(f'all videos, round {number}: precision {100 * scores.precision:.1f}, recall {100 * scores.recall:.1f}')


if __name__ == '__main__':
    main()
