"""Score predictions: a folder or a zip file of label maps against a benchmark's annotations.

    python tools/evaluate.py PROTOCOL --gt ROOT --pred DIR-or-ZIP [--split val] [--out metrics.json] [--csv objects.csv]

PROTOCOL, and what ROOT must hold:
    davis2016         Annotations/480p/<sequence>/<frame>.png, ImageSets/2016/<split>.txt
    davis2017-semi    Annotations/480p/..., ImageSets/2017/<split>.txt
    davis2017-unsup   Annotations_unsupervised/480p/..., ImageSets/2017/<split>.txt
    youtube-vos       <split>/meta.json and <split>/Annotations/<video>/<frame>.png (held-out training videos)
    mose              <split>/Annotations/<video>/<frame>.png (held-out training videos)
    lvos              <split>/<split>_meta.json, <split>/{JPEGImages,Annotations}/, and <split>/unseen_videos.txt if it is there
    segtrack-v2, segtrack-v2-semi, youtube-objects, youtube-objects-semi, fbms
                      the data set's own layout, or the flat one of tools/dataset_converters/unsupervised_to_flat.py
    youtube-vis       ROOT is the annotation file; --pred is results.json, or the zip file that holds it
Predictions are <video>/<frame>.png, palette or grey PNG whose values are object ids.
"""

import argparse
import sys
from typing import Any

from tqdm import tqdm

from mmvos.evaluation import format_table, write_csv, write_json
from mmvos.evaluation.evaluate import available_cores
from mmvos.evaluation.protocols import PROTOCOLS
from mmvos.utils import command_line
from mmvos.videos.layouts import read_list


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('protocol', choices=PROTOCOLS, metavar='PROTOCOL')
    parser.add_argument('--gt', required=True, metavar='ROOT', help='root of the data set (youtube-vis: annotation file)')
    parser.add_argument('--pred', required=True, metavar='DIR-or-ZIP', help='predictions')
    parser.add_argument(
        '--split',
        help='which list of videos (default: that of validation: val, valid or test). DAVIS: "all" takes every folder of '
        'annotations',
    )
    parser.add_argument('--sequences', metavar='FILE.txt', help='score only the videos that this file lists, one a line')
    parser.add_argument('--out', metavar='FILE.json', help="write the figures and the objects' rows")
    parser.add_argument('--csv', metavar='FILE.csv', help="write the objects' rows")
    parser.add_argument(
        '--num-workers', type=int, default=available_cores(), metavar='N', help='processes (default: one per core)'
    )
    parser.add_argument(
        '--no-strict',
        dest='strict',
        action='store_false',
        default=argparse.SUPPRESS,
        help='davis2017-semi: predicted ids that were not given are background instead of an error',
    )
    parser.add_argument(
        '--no-temporal',
        dest='temporal',
        action='store_const',
        const='none',
        default=argparse.SUPPRESS,
        help='davis2016: leave out T, which takes most of the time',
    )
    for name, frame in (('first', 'the frame where an object is given'), ('last', 'the last annotated frame of a video')):
        choices = ['exclude', 'include']
        parser.add_argument(f'--{name}', choices=choices, default=argparse.SUPPRESS, help=f'youtube-vos: {frame}')
    parser.add_argument('--quiet', action='store_true', help='no progress bar, no table of objects')
    return parser.parse_args()


#: arguments that are settings of a protocol's scoring; one that is not given is not there
OPTIONS = ('strict', 'temporal', 'first', 'last')


@command_line
def main() -> int:
    args = parse_args()
    sys.stdout.reconfigure(errors='backslashreplace')  # names of files need not be UTF-8
    options = {name: getattr(args, name) for name in OPTIONS if hasattr(args, name)}
    sequences = read_list(args.sequences) if args.sequences else []
    with tqdm(unit='frame', desc=args.protocol, disable=args.quiet) as bar:

        def progress(done: int, total: int) -> Any:
            bar.total = total
            bar.update(done - bar.n)

        protocol = PROTOCOLS[args.protocol]
        report = protocol.evaluate(args.gt, args.pred, args.split, sequences, options, args.num_workers, progress)
    if args.out:
        write_json(args.out, report.heading, report.metrics, report.rows, report.warnings)
    if args.csv:
        write_csv(args.csv, report.rows)
    print(report.heading)
    print(format_table([] if args.quiet else report.rows, report.metrics))
    for warning in report.warnings:
        print(f'warning: {warning}', file=sys.stderr)
    return 0


if __name__ == '__main__':
    sys.exit(main())
