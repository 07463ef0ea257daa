"""Write FBMS-59, YouTube-Objects or SegTrack v2 in one flat layout, with masks 0/255, which ``layout='flat'`` reads.

python tools/dataset_converters/unsupervised_to_flat.py fbms data/FBMS data/FBMS-flat [--split test] [--link]
"""

import argparse
import os
import os.path as osp
import shutil

import mmvos.datasets  # noqa: F401  (registers)
from mmvos.registry import DATASETS
from mmvos.structures import atomic_path
from mmvos.utils import command_line
from mmvos.videos import write_image

TYPES = {'fbms': 'FBMSDataset', 'segtrack_v2': 'SegTrackV2Dataset', 'youtube_objects': 'YouTubeObjectsDataset'}


def write_video(video: dict, out_dir: str, link: bool) -> None:
    """Frames and masks of one video."""
    for folder in ('JPEGImages', 'Annotations'):
        os.makedirs(osp.join(out_dir, folder, video['video_id']), exist_ok=True)
    for position, frame in enumerate(video['frames']):
        target = osp.join(out_dir, 'JPEGImages', video['video_id'], f'{position:05d}{osp.splitext(frame)[1].lower()}')
        if link:
            if osp.lexists(target):
                os.unlink(target)
            os.symlink(osp.abspath(frame), target)
        else:
            with atomic_path(target) as temporary:
                shutil.copyfile(frame, temporary)
    for position, source in video['annotations'].items():
        mask = (source.read() > 0).astype('uint8') * 255
        write_image(osp.join(out_dir, 'Annotations', video['video_id'], f'{position:05d}.png'), mask)


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dataset', choices=sorted(TYPES))
    parser.add_argument('data_root', help="root folder of the data set's own layout")
    parser.add_argument('out_dir', help='root folder of the flat layout')
    parser.add_argument('--split', default='test', help='split (FBMS-59: train or test)')
    parser.add_argument('--link', action='store_true', help='link the frames instead of copying them')
    args = parser.parse_args()
    dataset = DATASETS.build(dict(type=TYPES[args.dataset], data_root=args.data_root, split=args.split, test_mode=True))
    lines = []
    for index in range(len(dataset)):
        video = dataset.get_data_info(index)
        write_video(video, args.out_dir, args.link)
        lines.append(' '.join([video['video_id'], *([video['group']] if video.get('group') else [])]))
    os.makedirs(osp.join(args.out_dir, 'ImageSets'), exist_ok=True)
    with atomic_path(osp.join(args.out_dir, 'ImageSets', f'{args.split}.txt')) as temporary, open(temporary, 'w') as file:
        file.write('\n'.join(lines) + '\n')
    print(f'{len(lines)} videos written to {args.out_dir}')


if __name__ == '__main__':
    main()
