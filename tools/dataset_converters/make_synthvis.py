"""Write SynthVIS: synthetic videos for instance segmentation, in the layout of YouTube-VIS.

    python tools/dataset_converters/make_synthvis.py data/synthvis
    python tools/dataset_converters/make_synthvis.py data/synthvis --objects data/synthvos/objects --backgrounds \
        data/synthvos/backgrounds
    python tools/dataset_converters/make_synthvis.py data/synthvis_photo --objects data/synthvos/objects --backgrounds \
        data/synthvos/backgrounds --groups configs/sta_masktrack_rcnn/synthvis_photo_groups.json --train 4000 \
        --valid 60 --frames 3 12 --size 192 336 --num-objects 1 4 --object-scale 0.25 1.2

    python tools/dataset_converters/make_synthvis.py data/synthvis_disturbed --train 80 --valid 40 --frames 8 --disturbed 0.5

Without folders the objects are procedural shapes (their class is the shape) and no other file is needed; with them the
categories are the cut-outs' folders, or those of a JSON file:

    {"categories": {"bird": ["birds/*"], "food": ["fruit/*", "vegetables/*", ...], ...},
     "others": ["household/*"], "other_prob": 0.2,         # in the picture, but not annotated
     "leave_out_backgrounds": ["0012_sheep*"]}             # photographs with objects of the categories

Gives OUT/{train,valid}/JPEGImages/<video>/<frame>.jpg and OUT/{train,valid}.json.
The same command always writes the same videos.
"""

import argparse

from mmvos.datasets.synth import (
    FolderBackgrounds,
    FolderObjects,
    GroupedObjects,
    ProceduralBackgrounds,
    ProceduralObjects,
    SynthEngine,
    SynthSettings,
    write_synthvis,
)
from mmvos.structures import InputError, read_json
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.utils import command_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Write synthetic videos in the layout of YouTube-VIS.')
    parser.add_argument('out', help='folder to write to')
    parser.add_argument('--train', type=int, default=60, metavar='N', help='training videos (default %(default)s)')
    parser.add_argument('--valid', type=int, default=12, metavar='N', help='validation videos (default %(default)s)')
    parser.add_argument(
        '--frames',
        type=int,
        nargs='+',
        default=[12],
        metavar='T',
        help='frames of a video: one number, or one for each split (default 12)',
    )
    parser.add_argument('--size', type=int, nargs=2, default=(144, 256), metavar=('H', 'W'), help='of the frames')
    parser.add_argument('--num-objects', type=int, nargs=2, default=(1, 3), metavar=('MIN', 'MAX'))
    parser.add_argument(
        '--object-scale',
        type=float,
        nargs=2,
        default=(0.25, 0.6),
        metavar=('MIN', 'MAX'),
        help="longer side of an object as a share of the frame's height",
    )
    parser.add_argument('--objects', metavar='DIR', help='RGBA cut-outs, one folder per category (default: shapes)')
    parser.add_argument('--backgrounds', metavar='DIR', help='photographs (default: textures)')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='use only these categories')
    parser.add_argument('--groups', metavar='JSON', help='categories made of several folders or files of the cut-outs')
    parser.add_argument(
        '--disturbed',
        type=float,
        default=0.0,
        metavar='P',
        help='probability that a frame after a clear one is blurred, dark or has its objects covered (default 0)',
    )
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    if len(args.frames) > 2 or min(args.frames) < 1:
        parser.error(f'--frames {" ".join(map(str, args.frames))}: expected one number, or two, from 1.')
    if min(args.train, args.valid) < 1:
        parser.error(f'--train {args.train} --valid {args.valid}: expected at least one video each.')
    if min(args.size) < 16:
        parser.error(f'--size {args.size[0]} {args.size[1]}: expected at least 16 pixels.')
    if not 0 <= args.disturbed <= 1:
        parser.error(f'--disturbed {args.disturbed}: expected a probability from 0 to 1.')
    if args.groups and (args.classes or not args.objects):
        parser.error('--groups goes with --objects, and not with --classes.')
    return args


def make_sources(args: argparse.Namespace, split: str) -> tuple:
    """The sources of objects and of backgrounds for a split (a list of prepare_synthvos.py)."""
    groups: dict = {}
    if args.groups:
        groups = read_json(args.groups, 'a table of categories')
        if not isinstance(groups, dict) or not isinstance(groups.get('categories'), dict):
            raise InputError(f'{args.groups}: expected a JSON object with "categories": {{name: [patterns]}}.')
        objects = GroupedObjects(
            args.objects, split, groups['categories'], groups.get('others', ()), groups.get('other_prob', 0.0)
        )
    elif args.objects:
        # the categories of both splits, so that the two files number them alike
        classes = args.classes or FolderObjects(args.objects).classes
        objects = FolderObjects(args.objects, split, classes=classes)
    else:
        objects = ProceduralObjects(args.classes)
    if not args.backgrounds:
        return objects, ProceduralBackgrounds()
    return objects, FolderBackgrounds(args.backgrounds, split, leave_out=groups.get('leave_out_backgrounds', ()))


@command_line
def main() -> None:
    args = parse_args()
    settings = SynthSettings(size=tuple(args.size), num_objects=tuple(args.num_objects), object_scale=tuple(args.object_scale))
    for number, (split, videos) in enumerate([('train', args.train), ('valid', args.valid)]):
        engine = SynthEngine(*make_sources(args, 'val' if split == 'valid' else split), settings)
        frames = args.frames[min(number, len(args.frames) - 1)]
        path = write_synthvis(args.out, split, engine, videos, frames, 2 * args.seed + number, args.disturbed)
        written = load_youtube_vis(path)
        print(
            f'{path}: {len(written["videos"])} videos, {len(written["annotations"])} instances, '
            f'{len(written["categories"])} categories'
        )


if __name__ == '__main__':
    main()
