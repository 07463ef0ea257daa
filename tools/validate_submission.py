"""Check a submission before it is uploaded.

    python tools/validate_submission.py FORMAT FILE.zip --gt ROOT [--split val]

FORMAT is the name of a protocol whose benchmark has a server. ROOT is the data set's root folder (youtube-vis: the annotation
file), of which the frames, the lists and the first annotations are looked at. Prints what is wrong, one line each; the exit
status is 0 if nothing is, 1 if something is, 2 if the archive or the data set cannot be looked at.
"""

import argparse
import itertools
import sys

from mmvos.evaluation.protocols import SUBMITTED, validate_submission
from mmvos.utils import command_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('format', choices=SUBMITTED, metavar='FORMAT', help=', '.join(SUBMITTED))
    parser.add_argument('file', metavar='FILE.zip')
    parser.add_argument('--gt', required=True, metavar='ROOT')
    parser.add_argument('--split', help='list of videos (default: val; youtube-vos: valid)')
    parser.add_argument('--max-problems', type=int, default=20, metavar='N', help='stop after so many (default: 20)')
    args = parser.parse_args()
    if args.max_problems < 1:
        parser.error(f'--max-problems is {args.max_problems}; expected a number from 1 on.')
    return args


@command_line
def main() -> int:
    args = parse_args()
    count = 0
    for problem in itertools.islice(validate_submission(args.format, args.file, args.gt, args.split), args.max_problems):
        print(problem.encode('utf-8', 'backslashreplace').decode())
        count += 1
    if not count:
        print(f'{args.file}: fit for {args.format}.')
    elif count == args.max_problems:
        print(f'stopped after {count} problems.')
    return int(count > 0)


if __name__ == '__main__':
    sys.exit(main())
