"""What corrections bring: J&F after the first frame was set, and after 1, 2, 3 rounds of correcting the worst frame.

    python tools/analysis_tools/interactive_rounds.py FRAMES ANNOTATIONS [--binary] [--rounds 3] [--step 2] [--out DIR]

FRAMES is a folder of frames, ANNOTATIONS one of label maps with the same names; with --sequences, both hold a folder for each
sequence. A robot clicks: in the frame with the lowest J, in the middle of the largest error, up to --clicks times an object.
Prints a line for each round, and a table at the end. The folder of --out gets rounds.json after each sequence; a second call
with the same settings goes on with the sequences that are not in it.
"""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmvos.apis import VOSInferencer, init_click_segmenter
from mmvos.evaluation.correction_robot import CorrectionRobot
from mmvos.interaction import InteractiveSegmenter
from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line
from mmvos.videos import LabelSource, Video, list_frames


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('frames', help='folder of frames')
    parser.add_argument('annotations', help='folder of label maps')
    parser.add_argument('--sequences', nargs='+', metavar='NAME', help='folders in both to take one after the other')
    parser.add_argument('--binary', action='store_true', help='annotations are black and white: what is not 0 is object 1')
    parser.add_argument('--rounds', type=int, default=3, help='corrections after the first frame (default: 3)')
    parser.add_argument('--clicks', type=int, default=5, help='clicks on an object in a frame at the most (default: 5)')
    parser.add_argument('--first', choices=['clicks', 'mask'], default='clicks', help='how the first frame is set')
    parser.add_argument('--step', type=int, default=1, metavar='N', help='take every Nth frame')
    parser.add_argument('--config', help='video model (default: the shipped one)')
    parser.add_argument('--checkpoint', help='weights (default: those that ship with the config)')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')
    parser.add_argument('--out', metavar='DIR', help='gets rounds.json; sequences that are in it are not played again')
    return parser.parse_args(argv)


def read_sequence(frames: Path, annotations: Path, step: int, binary: bool) -> tuple[Video, list[np.ndarray]]:
    """Every ``step``-th frame of a sequence, and their label maps."""
    paths = list_frames(frames)[::step]
    if not paths:
        raise InputError(f'{frames}: no frames found.')
    video = Video(paths, video_id=frames.name)
    shape = video.read(0).shape[:2]
    truth = [LabelSource.of(annotations / f'{name}.png', binary=binary).read(shape) for name in video.frame_names]
    return video, truth


@command_line
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    chosen = dict(model=args.config) if args.config else {}
    inferencer = VOSInferencer(
        **chosen, weights=args.checkpoint, device=args.device, cfg_options={'model.test_cfg.keep_scores': True}
    )
    segmenter = InteractiveSegmenter(init_click_segmenter(device=args.device))
    robot = CorrectionRobot(segmenter, inferencer.session, args.clicks, first=args.first)
    results = Results.read(args)
    for name in args.sequences or ['']:
        frames = Path(args.frames, name)
        if frames.name in results.sequences:
            continue
        video, truth = read_sequence(frames, Path(args.annotations, name), args.step, args.binary)
        rows = []
        for number, one in enumerate(robot.play(video, truth, args.rounds)):
            # the first frame is given, as in the figures of semi-supervised segmentation
            row = dict(sequence=video.video_id, round=number, corrected=one.corrected, clicks=one.clicks)
            row.update(J=one.j[1:].mean().item(), F=one.f[1:].mean().item(), worst_J=one.j[1:].mean(1).min().item())
            rows.append(row)
            print(
                f'{video.video_id}, round {number}: frame {one.corrected} set by {one.clicks} clicks, J {row["J"]:.3f}, '
                f'F {row["F"]:.3f}, J&F {(row["J"] + row["F"]) / 2:.3f}, worst frame J {row["worst_J"]:.3f}',
                flush=True,
            )
        results.add(rows)
    print(table(results.rows))


@dataclass
class Results:
    """Scores of all sequences that were played with the same settings, kept in a file where ``--out`` names a folder.

    Args:
        settings (dict): what the scores depend on.
        files (list[Path]): the file, or none.
        rows (list[dict]): a row for each sequence and round.
    """

    settings: dict
    files: list[Path]
    rows: list[dict] = field(default_factory=list)

    @classmethod
    def read(cls, args: argparse.Namespace) -> 'Results':
        """Results of earlier calls with the same ``--out``; raises InputError where their settings were others."""
        settings = {key: value for key, value in vars(args).items() if key not in ('sequences', 'device', 'out')}
        results = cls(settings, [Path(args.out) / 'rounds.json'] if args.out else [])
        for file in results.files:
            if file.exists():
                found = json.loads(file.read_text())
                if found['settings'] != settings:
                    raise InputError(
                        f'{file} is of a call with {found["settings"]}, this one has {settings}; name another --out.'
                    )
                results.rows = found['rows']
        return results

    @property
    def sequences(self) -> set[str]:
        """Sequences that all rounds were played of."""
        return {row['sequence'] for row in self.rows}

    def add(self, rows: list[dict]) -> None:
        """Adds the rows of one sequence, and writes the file again."""
        self.rows = self.rows + rows
        for file in self.files:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(file) as temporary:
                Path(temporary).write_text(json.dumps(dict(settings=self.settings, rows=self.rows), indent=1))


def table(rows: list[dict]) -> str:
    """J&F by sequence and round, as a Markdown table."""
    rounds = sorted({row['round'] for row in rows})
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        found.setdefault(row['sequence'], {})[row['round']] = (row['J'] + row['F']) / 2
    lines = ['| J&F | ' + ' | '.join(f'after {n} corrections' for n in rounds) + ' |', '|---' * (len(rounds) + 1) + '|']
    means = {n: float(np.mean([one[n] for one in found.values() if n in one])) for n in rounds}
    for name, one in [*found.items(), ('mean', means)]:
        lines.append(f'| {name} | ' + ' | '.join(f'{one[n]:.3f}' if n in one else '-' for n in rounds) + ' |')
    return '\n'.join(lines)


if __name__ == '__main__':
    main()
