"""``make torture``: kills, damaged files, and many videos. Prints and writes a report; exit code 1 if something was found.

python tests/torture [--files 22000] [--videos 300] [--minutes 20] [--out work_dirs/torture.md]
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault('OPENCV_LOG_LEVEL', 'OFF')
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from torture import fuzz, kills, many_videos  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description='Kills, damaged files and many videos.')
    parser.add_argument('--files', type=int, default=22_000, help='damaged files that are opened')
    parser.add_argument('--videos', type=int, default=300, help='videos that are segmented in one process')
    parser.add_argument('--minutes', type=float, default=20, help='after which no further command is killed')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/torture.md'), help='report')
    args = parser.parse_args()
    begin, good, text = time.monotonic(), True, ['# Torture']
    killed, well, count = kills.report(begin + 60 * args.minutes)
    text += ['', f'## {count} kills (SIGKILL at random moments)', '', *killed]
    good &= well
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text('\n'.join(text) + '\n')
    for title, (lines, well) in (
        (f'{args.files} damaged files', fuzz.report(args.files)),
        (f'{args.videos} videos in one process', many_videos.report(args.videos)),
    ):
        text += ['', f'## {title}', '', *lines]
        good &= well
    text += ['', f'{"All is well." if good else "Something was found."} {(time.monotonic() - begin) / 60:.0f} minutes.']
    args.out.write_text('\n'.join(text) + '\n')
    print('\n'.join(text))
    return int(not good)


if __name__ == '__main__':
    sys.exit(main())
