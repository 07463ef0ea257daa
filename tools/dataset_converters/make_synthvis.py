"""Write SynthVIS: synthetic videos for instance segmentation, in the layout of YouTube-VIS.

    python tools/dataset_converters/make_synthvis.py data/synthvis
    python tools/dataset_converters/make_synthvis.py data/synthvis --objects data/synthvos/objects --backgrounds \
        data/synthvos/backgrounds

Without folders the objects are procedural shapes (their class is the shape) and no other file is needed; with them the
categories are those of the cut-outs. Gives OUT/{train,valid}/JPEGImages/<video>/<frame>.jpg and OUT/{train,valid}.json.
The same command always writes the same videos.
"""
import argparse

from mmvos.datasets.synth import (
    FolderBackgrounds,
    FolderObjects,
    ProceduralBackgrounds,
    ProceduralObjects,
    SynthEngine,
    SynthSettings,
    write_synthvis,
)
from mmvos.structures.youtube_vis import load_youtube_vis


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Write synthetic videos in the layout of YouTube-VIS.')
    parser.add_argument('out', help='folder to write to')
    parser.add_argument('--train', type=int, default=60, metavar='N', help='training videos (default %(default)s)')
    parser.add_argument('--valid', type=int, default=12, metavar='N', help='validation videos (default %(default)s)')
    parser.add_argument('--frames', type=int, default=12, metavar='T', help='frames of a video (default %(default)s)')
    parser.add_argument('--size', type=int, nargs=2, default=(144, 256), metavar=('H', 'W'), help='of the frames')
    parser.add_argument('--num-objects', type=int, nargs=2, default=(1, 3), metavar=('MIN', 'MAX'))
    parser.add_argument('--object-scale', type=float, nargs=2, default=(0.25, 0.6), metavar=('MIN', 'MAX'),
                        help="longer side of an object as a share of the frame's height")
    parser.add_argument('--objects', metavar='DIR', help='RGBA cut-outs, one folder per category (default: shapes)')
    parser.add_argument('--backgrounds', metavar='DIR', help='photographs (default: textures)')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='use only these categories')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    settings = SynthSettings(size=tuple(args.size), num_objects=tuple(args.num_objects),
                             object_scale=tuple(args.object_scale))
    for number, (split, videos) in enumerate([('train', args.train), ('valid', args.valid)]):
        held_out = 'val' if split == 'valid' else split  # the lists of prepare_synthvos.py
        if args.objects:
            # the categories of both splits, so that the two files number them alike
            classes = args.classes or FolderObjects(args.objects).classes
            objects = FolderObjects(args.objects, held_out, classes=classes)
        else:
            objects = ProceduralObjects(args.classes)
        backgrounds = FolderBackgrounds(args.backgrounds, held_out) if args.backgrounds else ProceduralBackgrounds()
        path = write_synthvis(args.out, split, SynthEngine(objects, backgrounds, settings), videos, args.frames,
                              2 * args.seed + number)
        written = load_youtube_vis(path)
        print(f'{path}: {len(written["videos"])} videos, {len(written["annotations"])} instances, '
              f'{len(written["categories"])} categories')


if __name__ == '__main__':
    main()
