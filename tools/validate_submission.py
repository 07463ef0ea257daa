"""Check a submission before it is uploaded.

    python tools/validate_submission.py FORMAT FILE.zip --gt ROOT [--split val]

FORMAT is davis2016, davis2017-semi, davis2017-unsup, youtube-vos or youtube-vis. ROOT is the data set's root folder (for
youtube-vis: the annotation file), of which the frames, the lists and the first annotations are looked at. Prints what is
wrong, one line each; the exit status is 0 if nothing is.
"""

import argparse
import itertools
import sys

from mmvos.evaluation.validation import FORMATS, validate_submission
from mmvos.utils import command_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('format', choices=FORMATS, metavar='FORMAT')
    parser.add_argument('file', metavar='FILE.zip')
    parser.add_argument('--gt', required=True, metavar='ROOT')
    parser.add_argument('--split', help='list of videos (default: val; youtube-vos: valid)')
    parser.add_argument('--max-problems', type=int, default=20, help='stop after so many (default: 20)')
    return parser.parse_args()


@command_line
def main() -> int:
    args = parse_args()
    count = 0
    try:
        problems = validate_submission(args.format, args.file, args.gt, args.split)
        for problem in itertools.islice(problems, args.max_problems):
            print(problem)
            count += 1
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    if not count:
        print(f'{args.file}: fit for {args.format}.')
    elif count == args.max_problems:
        print(f'stopped after {count} problems.')
    return int(count > 0)


if __name__ == '__main__':
    sys.exit(main())
