"""The example of `make demo`: makes a short annotated video, segments it, scores it, and leaves everything to look at.

    python demo/demo.py --out-dir work_dirs/demo

In OUT_DIR: ``metrics.json``, ``submission.zip``, ``overlay.mp4`` and ``overlay.webp`` (animated picture), ``masks/`` and the
video itself in ``data/``.
"""

import argparse
import json
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from mmvos.cli.main import run_module
from mmvos.datasets.synth import write_demo_video
from mmvos.structures import read_label_map
from mmvos.utils import command_line, configs_root
from mmvos.videos import list_frames, read_frame
from mmvos.visualization import VideoWriter, draw_label_map

CONFIG = 'configs/recall_vos/recall-vos_lite0_test-folder.py'
CHECKPOINT = 'recall-vos_lite0'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Segment an example video.')
    parser.add_argument('--out-dir', default='work_dirs/demo')
    parser.add_argument('--config', default=CONFIG, help='config with a FolderDataset (default: %(default)s)')
    parser.add_argument('--checkpoint', help="weights (default: those of the default config; 'none' for another one)")
    parser.add_argument('--frames', type=int, default=40, help='length of the example')
    return parser.parse_args()


def print_table(metrics: dict) -> None:
    print(f'{"object":>8} {"frames":>7} {"J":>7} {"F":>7}')
    for row in metrics['per_object']:
        print(f'{row["object"]:>8} {row["frames"]:>7} {row["J-Mean"]:>7.3f} {row["F-Mean"]:>7.3f}')
    rows = metrics['per_object']
    j, f = (sum(row[key] for row in rows) / len(rows) for key in ('J-Mean', 'F-Mean'))
    print(f'{"mean":>8} {"":>7} {j:>7.3f} {f:>7.3f}    J&F {(j + f) / 2:.3f}')


@command_line
def main() -> None:
    args = parse_args()
    out, root = Path(args.out_dir), configs_root()
    out.mkdir(parents=True, exist_ok=True)
    data = out / 'data'
    frames_dir = Path(write_demo_video(str(data), num_frames=args.frames))

    checkpoint = args.checkpoint or (CHECKPOINT if args.config == CONFIG else 'none')
    arguments = [
        root / args.config,
        checkpoint,
        '--fast',
        '--work-dir',
        out / 'log',
        '--data-root',
        data,
        '--out',
        out / 'masks',
        '--submission',
        out / 'submission.zip',
        '--cfg-options',
        f'test_evaluator.json_file={out / "metrics.json"}',
    ]
    print('segmenting: mmvos test', ' '.join(map(str, arguments)), flush=True)
    start = time.perf_counter()
    # in this process: another one would read torch and the models again
    with open(out / 'log.txt', 'w') as log, redirect_stdout(log), redirect_stderr(log):
        try:
            code = run_module('mmvos.cli.test', [str(argument) for argument in arguments])
        except SystemExit as stopped:
            code = int(stopped.code or 1)
    if code:
        sys.exit((out / 'log.txt').read_text()[-3000:] + f'\nerror: see {out / "log.txt"}.')

    frames = list_frames(frames_dir)
    with VideoWriter(out / 'overlay.mp4', fps=12) as video, VideoWriter(out / 'overlay.webp', fps=12) as picture:
        for path in frames:
            drawn = draw_label_map(read_frame(path), read_label_map(out / 'masks' / frames_dir.name / f'{Path(path).stem}.png'))
            video.write(drawn)
            picture.write(drawn)
    print_table(json.loads((out / 'metrics.json').read_text()))
    print(f'{len(frames)} frames in {time.perf_counter() - start:.0f} s')
    print('look at:', ', '.join(str(out / name) for name in ('overlay.mp4', 'overlay.webp', 'metrics.json', 'submission.zip')))


if __name__ == '__main__':
    main()
