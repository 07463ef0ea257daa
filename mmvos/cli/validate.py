"""Check a submission before it is uploaded.

examples:
  mmvos validate davis2017-unsup davis.zip --gt data/DAVIS
  mmvos validate youtube-vos youtube.zip --gt data/YouTubeVOS2018 --split valid

FORMAT is the name of a protocol whose benchmark has a server: davis2016, davis2017-semi, davis2017-unsup, youtube-vos, mose,
lvos, youtube-vis. ROOT is the data set's root folder (youtube-vis: the annotation file), of which the frames, the lists and
the first annotations are looked at. Prints what is wrong, one line each; the exit status is 0 if nothing is, 1 if something
is, 2 if the archive or the data set cannot be looked at.
"""

import argparse

from .options import known_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('format', metavar='FORMAT', help='what the server expects: one of those above')
    parser.add_argument('file', metavar='FILE.zip', help='the submission')
    parser.add_argument('--gt', required=True, metavar='ROOT', help='root of the data set (youtube-vis: annotation file)')
    parser.add_argument('--split', help='list of videos (default: val; youtube-vos: valid)')
    parser.add_argument('--max-problems', type=int, default=20, metavar='N', help='stop after so many (default: 20)')


def run(args: argparse.Namespace) -> int:
    import itertools

    from mmvos.evaluation.protocols import SUBMITTED, validate_submission
    from mmvos.structures import InputError

    known_name(args.format, SUBMITTED, 'format')
    if args.max_problems < 1:
        raise InputError(f'--max-problems is {args.max_problems}; expected a number from 1 on.')
    count = 0
    for problem in itertools.islice(validate_submission(args.format, args.file, args.gt, args.split), args.max_problems):
        print(problem.encode('utf-8', 'backslashreplace').decode())
        count += 1
    if not count:
        print(f'{args.file}: fit for {args.format}.')
    elif count == args.max_problems:
        print(f'stopped after {count} problems.')
    return int(count > 0)
