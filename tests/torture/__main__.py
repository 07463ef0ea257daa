"""``make torture``: kills, stops, damaged files, and many videos.

Prints and writes a report; exit code 1 if something was found.

    python tests/torture [--parts kills stops files videos] [--files 22000] [--videos 300] [--minutes 20]
    python tests/torture --parts kills --jobs train 'segment, overlay' --resume

With ``--resume`` the kills that a stopped run has done (``work_dirs/torture.jsonl``) count and are not done again.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault('OPENCV_LOG_LEVEL', 'OFF')
TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'helpers'), str(TESTS.parent)]

from torture import fuzz, kills, many_videos, stops

PARTS = ('kills', 'stops', 'files', 'videos')


def main() -> int:
    parser = argparse.ArgumentParser(description='Kills, damaged files and many videos.')
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS, help='what is done')
    parser.add_argument('--jobs', nargs='+', choices=kills.NAMES, default=kills.NAMES, metavar='NAME', help='commands that die')
    parser.add_argument('--resume', action='store_true', help='go on with the kills of a run that was stopped')
    parser.add_argument('--files', type=int, default=22_000, help='damaged files that are opened')
    parser.add_argument('--videos', type=int, default=300, help='videos that are segmented in one process')
    parser.add_argument('--minutes', type=float, default=20, help='after which no further command is killed')
    parser.add_argument('--seed', type=int, default=0, help='of the moments and of the damage')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/torture.md'), help='report')
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with open(args.out, 'w', buffering=1) as file:  # what is known is written at once: the run may be stopped

        def tell(line: str) -> None:
            print(line, flush=True)
            file.write(f'{line}\n')

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            return _run(args, tell)
        finally:
            kills.finish_all()


def _run(args: argparse.Namespace, tell: Callable[[str], None]) -> int:
    begin, good = time.monotonic(), True
    tell('# Torture')
    if 'kills' in args.parts:
        tell('\n## SIGKILL at random moments\n')
        record = args.out.with_suffix('.jsonl')
        if not args.resume:
            record.unlink(missing_ok=True)
        good, kills_made = kills.report(tell, begin + 60 * args.minutes, args.seed, record, args.jobs)
        tell(f'\n{kills_made} kills.')
    if 'stops' in args.parts:
        tell('\n## Ctrl-C and SIGTERM at random moments\n')
        stopped, count = stops.report(tell, args.seed, args.jobs)
        tell(f'\n{count} stops.')
        good &= stopped
    parts: list[tuple[str, str, Callable[[], tuple[list[str], bool]]]] = [
        ('files', f'{args.files} damaged files', lambda: fuzz.report(args.files, args.seed)),
        ('videos', f'{args.videos} videos in one process', lambda: many_videos.report(args.videos)),
    ]
    for part, title, run in parts:
        if part in args.parts:
            lines, well = run()
            tell(f'\n## {title}\n')
            for line in lines:
                tell(line)
            good &= well
    tell(f'\n{"All is well." if good else "Something was found."} {(time.monotonic() - begin) / 60:.0f} minutes.')
    return int(not good)


if __name__ == '__main__':
    sys.exit(main())
