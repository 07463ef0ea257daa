"""Write the demo video: frames and label maps, in the layout of DAVIS 2017.

python tools/misc/make_demo_video.py OUT [--frames 40] [--size 480 854]
"""

import argparse

from mmvos.datasets.synth import write_demo_video
from mmvos.utils import command_line


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Write the demo video.')
    parser.add_argument('out', help='root folder: gets JPEGImages, Annotations and ImageSets')
    parser.add_argument('--name', default='demo', help='name of the sequence')
    parser.add_argument('--frames', type=int, default=40, help='number of frames (default %(default)s)')
    parser.add_argument('--size', type=int, nargs=2, default=(480, 854), metavar=('H', 'W'), help='of the frames')
    args = parser.parse_args()
    print(write_demo_video(args.out, args.name, num_frames=args.frames, size=tuple(args.size)))


if __name__ == '__main__':
    main()
