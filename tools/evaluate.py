"""Score predictions: a folder or a zip file of label maps against a benchmark's annotations.

    python tools/evaluate.py PROTOCOL --gt ROOT --pred DIR-or-ZIP [--split val] [--out metrics.json] [--csv objects.csv]

PROTOCOL, and what ROOT must hold:
    davis2016         Annotations/480p/<sequence>/<frame>.png, ImageSets/2016/<split>.txt
    davis2017-semi    Annotations/480p/..., ImageSets/2017/<split>.txt
    davis2017-unsup   Annotations_unsupervised/480p/..., ImageSets/2017/<split>.txt
    youtube-vos       <split>/meta.json and <split>/Annotations/<video>/<frame>.png (held-out training videos)
    segtrack-v2, segtrack-v2-semi, youtube-objects, youtube-objects-semi, fbms
                      the data set's own layout, or the flat one of tools/dataset_converters/unsupervised_to_flat.py
    youtube-vis       ROOT is the annotation file; --pred is results.json, or the zip file that holds it
Predictions are <video>/<frame>.png, palette or grey PNG whose values are object ids.
"""

import argparse
import json
import os
import sys
import zipfile

from tqdm import tqdm

from mmvos.evaluation import format_table, write_csv, write_json
from mmvos.evaluation.evaluate import MASK_PROTOCOLS, available_cores, score_videos, videos_of_dataset
from mmvos.evaluation.functional import youtube_vis_ap
from mmvos.evaluation.functional.youtube_vis import STATS
from mmvos.utils import command_line
from mmvos.videos.layouts import davis_videos, youtube_vos_videos

#: data sets that are read by their classes
DATASET_CLASSES = {
    'segtrack-v2': dict(type='mmvos.SegTrackV2Dataset'),
    'segtrack-v2-semi': dict(type='mmvos.SegTrackV2Dataset', merge=False),
    'youtube-objects': dict(type='mmvos.YouTubeObjectsDataset'),
    'youtube-objects-semi': dict(type='mmvos.YouTubeObjectsDataset', min_labels=2),
    'fbms': dict(type='mmvos.FBMSDataset'),
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('protocol', choices=[*MASK_PROTOCOLS, 'youtube-vis'], metavar='PROTOCOL')
    parser.add_argument('--gt', required=True, metavar='ROOT', help='root of the data set (youtube-vis: annotation file)')
    parser.add_argument('--pred', required=True, metavar='DIR-or-ZIP', help='predictions')
    parser.add_argument(
        '--split',
        help='which list of videos (default: val; youtube-vos: valid; segtrack-v2, '
        'youtube-objects, fbms: test). DAVIS: "all" takes every folder of annotations',
    )
    parser.add_argument('--sequences', metavar='FILE.txt', help='score only the videos that this file lists, one a line')
    parser.add_argument('--out', metavar='FILE.json', help="write the figures and the objects' rows")
    parser.add_argument('--csv', metavar='FILE.csv', help="write the objects' rows")
    parser.add_argument(
        '--num-workers', type=int, default=available_cores(), metavar='N', help='processes (default: one per core)'
    )
    parser.add_argument(
        '--no-strict',
        action='store_true',
        help='davis2017-semi: predicted ids that were not given are background instead of an error',
    )
    parser.add_argument('--no-temporal', action='store_true', help='davis2016: leave out T, which takes most of the time')
    parser.add_argument(
        '--first', choices=['exclude', 'include'], default='exclude', help='youtube-vos: the frame where an object is given'
    )
    parser.add_argument(
        '--last', choices=['exclude', 'include'], default='include', help='youtube-vos: the last annotated frame of a video'
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar, no table of objects')
    return parser.parse_args()


def find_videos(args: argparse.Namespace) -> list:
    videos = all_videos(args)
    if not args.sequences:
        return videos
    with open(args.sequences, encoding='utf-8') as file:
        wanted = file.read().split()
    found = {video.video_id: video for video in videos}
    unknown = [name for name in wanted if name not in found]
    if unknown or not wanted:
        raise ValueError(
            f'{args.sequences}: no video {unknown[0]!r} in {args.gt}.' if unknown else f'{args.sequences}: the list is empty.'
        )
    return [found[name] for name in wanted]


def all_videos(args: argparse.Namespace) -> list:
    if args.protocol.startswith('davis'):
        return davis_videos(args.protocol, args.gt, args.split or 'val')
    if args.protocol == 'youtube-vos':
        return youtube_vos_videos(args.gt, args.split or 'valid')
    return dataset_videos(args)


def dataset_videos(args: argparse.Namespace) -> list:
    """Videos as the data set's own class finds them."""
    from mmvos.registry import DATASETS

    layout = 'flat' if os.path.isdir(os.path.join(args.gt, 'Annotations')) else 'official'
    config = dict(DATASET_CLASSES[args.protocol], data_root=args.gt, split=args.split or 'test', layout=layout)
    return videos_of_dataset(DATASETS.build(dict(config, test_mode=True)))


def evaluate_masks(args: argparse.Namespace) -> tuple:
    videos = find_videos(args)
    frames = sum(len(video.frames) for video in videos)
    name = args.protocol
    if name == 'youtube-vos':
        name += f' (first frame of an object: {args.first}d, last annotated frame: {args.last}d)'
    with tqdm(total=frames, unit='frame', desc=args.protocol, disable=args.quiet) as bar:
        metrics, rows = score_videos(
            videos,
            args.pred,
            args.protocol,
            args.num_workers,
            bar.update,
            strict=not args.no_strict,
            temporal=not args.no_temporal,
            first=args.first,
            last=args.last,
        )
    return name, metrics, rows


def evaluate_youtube_vis(args: argparse.Namespace) -> tuple:
    from mmvos.structures.youtube_vis import load_youtube_vis

    if zipfile.is_zipfile(args.pred):
        with zipfile.ZipFile(args.pred) as archive:
            if 'results.json' not in archive.namelist():
                raise FileNotFoundError(f'{args.pred}: no results.json at its top level.')
            text = archive.read('results.json').decode()
    else:
        with open(args.pred, encoding='utf-8') as file:
            text = file.read()
    try:
        results = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'{args.pred}: broken JSON ({error}).') from None
    figures = youtube_vis_ap(load_youtube_vis(args.gt), results)
    rows = [dict(category=category, AP=value) for category, value in figures['per_category'].items()]
    return 'youtube-vis', {name: figures[name] for name in STATS}, rows


@command_line
def main() -> int:
    args = parse_args()
    try:
        name, metrics, rows = (evaluate_youtube_vis if args.protocol == 'youtube-vis' else evaluate_masks)(args)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    if args.out:
        write_json(args.out, name, metrics, rows)
    if args.csv:
        write_csv(args.csv, rows)
    print(name)
    print(format_table([] if args.quiet else rows, metrics))
    return 0


if __name__ == '__main__':
    sys.exit(main())
