"""What DyeNet did with a video: tracklets, templates, similarities and rounds, as JSON and as a timeline.

python tools/analysis_tools/explain_dyenet.py CONFIG CHECKPOINT VIDEO --prompt MASK.png --out-dir DIR
"""

import argparse
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402

from mmvos.apis import VOSInferencer  # noqa: E402
from mmvos.models.segmentors import DyeNet  # noqa: E402
from mmvos.structures import DAVIS_PALETTE, atomic_path  # noqa: E402
from mmvos.utils import command_line


def draw_timeline(report: dict, object_ids: list, path: Path) -> None:
    """One row per tracklet, in the order of similarity; full bars are frames that its object's tube took from it."""
    tracklets = sorted(report['tracklets'], key=lambda t: (t['object'], -t['similarity'], t['start_frame']))
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


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Explain what DyeNet did with a video.')
    parser.add_argument('config')
    parser.add_argument('checkpoint', help='weights, or "none"')
    parser.add_argument('video', help='video file or folder of frames')
    parser.add_argument('--prompt', required=True, help='label map of the first frame')
    parser.add_argument('--out-dir', required=True)
    args = parser.parse_args()
    out_dir = Path(args.out_dir)
    try:
        inferencer = VOSInferencer(args.config, args.checkpoint)
        if not isinstance(inferencer.model, DyeNet):
            sys.exit(f'error: {args.config}: this tool explains DyeNet, the config builds {type(inferencer.model).__name__}.')
        object_ids = next(iter(inferencer(args.video, args.prompt))).object_ids  # the first result comes after all rounds
    except (ValueError, OSError) as error:
        sys.exit(f'error: {error}')
    report = dict(inferencer.model.report, object_ids=object_ids)
    out_dir.mkdir(parents=True, exist_ok=True)
    with atomic_path(out_dir / 'report.json') as temporary, open(temporary, 'w') as file:
        json.dump(report, file, indent=1)
    draw_timeline(report, object_ids, out_dir / 'timeline.png')
    for number, found in enumerate(report['rounds'], 1):
        print(
            f'round {number}: {found["starting_points"]} starting points, {found["new_tracklets"]} new tracklets, '
            f'{found["new_templates"]} new templates'
        )
    print(f'{out_dir / "report.json"}, {out_dir / "timeline.png"}')


if __name__ == '__main__':
    main()
