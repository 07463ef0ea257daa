"""Score predictions: a folder or a zip file of label maps against a benchmark's annotations.

examples:
  mmvos evaluate davis2017-semi --gt data/DAVIS --pred masks
  mmvos evaluate davis2016 --gt data/DAVIS --pred davis.zip --no-temporal --metrics scores.json --csv objects.csv
  mmvos evaluate youtube-vos --gt data/YouTubeVOS2018 --split train --sequences held_out.txt --pred masks

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

from .options import known_name

#: arguments that are settings of a protocol's scoring; one that is not given is not there
OPTIONS = ('strict', 'temporal', 'first', 'last')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('protocol', metavar='PROTOCOL', help='how the benchmark counts: one of those above')
    parser.add_argument('--gt', required=True, metavar='ROOT', help='root of the data set (youtube-vis: annotation file)')
    parser.add_argument('--pred', required=True, metavar='DIR-or-ZIP', help='predictions')
    parser.add_argument(
        '--split',
        help='which list of videos (default: that of validation: val, valid or test). DAVIS: "all" takes every folder of '
        'annotations',
    )
    parser.add_argument('--sequences', metavar='FILE.txt', help='score only the videos that this file lists, one per line')
    parser.add_argument('--metrics', metavar='FILE.json', help="write the figures and the objects' rows")
    parser.add_argument('--out', dest='metrics', help=argparse.SUPPRESS)  # its former name
    parser.add_argument('--csv', metavar='FILE.csv', help="write the objects' rows")
    parser.add_argument(
        '--workers', '--num-workers', type=int, default=0, metavar='N', help='processes (default: one per core)'
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


def run(args: argparse.Namespace) -> None:
    import io
    import sys

    from tqdm import tqdm

    from mmvos.evaluation import format_table, write_csv, write_json
    from mmvos.evaluation.protocols import PROTOCOLS
    from mmvos.structures import check_output
    from mmvos.utils.cores import available_cores
    from mmvos.videos.layouts import read_list

    for path in (args.metrics, args.csv):
        if path:
            check_output(path)
    protocol = PROTOCOLS[known_name(args.protocol, PROTOCOLS, 'protocol')]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')  # names of files need not be UTF-8
    options = {name: getattr(args, name) for name in OPTIONS if hasattr(args, name)}
    sequences = read_list(args.sequences) if args.sequences else []
    workers = args.workers or available_cores()
    with tqdm(unit='frame', desc=args.protocol, disable=args.quiet) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = protocol.evaluate(args.gt, args.pred, args.split, sequences, options, workers, progress)
    if args.metrics:
        write_json(args.metrics, report.heading, report.metrics, report.rows, report.warnings)
    if args.csv:
        write_csv(args.csv, report.rows)
    print(report.heading)
    print(format_table([] if args.quiet else report.rows, report.metrics))
    for warning in report.warnings:
        print(f'warning: {warning}', file=sys.stderr)
