"""Split the training videos of YouTube-VOS into two lists, the same for the same seed.

    python tools/dataset_converters/split_youtube_vos.py data/YouTubeVOS2018 [--val-share 0.2] [--seed 123]

Writes ``train-train.txt`` and ``train-val.txt`` into the data set's folder, one video per line, for the data set's
``sequences`` and ``exclude``.
"""

import argparse
import os
import random

from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line
from mmvos.videos.layouts import read_meta


def split(videos: list[str], val_share: float, seed: int) -> tuple[list[str], list[str]]:
    """Both parts, sorted; the second one holds ``round(val_share * len(videos))`` videos.

    Raises:
        InputError: a part would be empty.
    """
    if not 0 < round(val_share * len(videos)) < len(videos):
        raise InputError(f'--val-share {val_share} of {len(videos)} videos leaves one of the two lists empty.')
    held_out = set(random.Random(seed).sample(sorted(videos), round(val_share * len(videos))))
    return sorted(set(videos) - held_out), sorted(held_out)


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description='Split the training videos of YouTube-VOS.')
    parser.add_argument('data_root', help='folder that holds train/meta.json')
    parser.add_argument('--val-share', type=float, default=0.2, help='share of the second list')
    parser.add_argument('--seed', type=int, default=123)
    args = parser.parse_args()
    if not 0 < args.val_share < 1:
        parser.error(f'--val-share is {args.val_share}; expected a number between 0 and 1.')
    videos = list(read_meta(os.path.join(args.data_root, 'train', 'meta.json')))
    for name, part in zip(('train-train.txt', 'train-val.txt'), split(videos, args.val_share, args.seed), strict=True):
        path = os.path.join(args.data_root, name)
        with atomic_path(path) as temporary, open(temporary, 'w') as file:
            file.write('\n'.join(part) + '\n')
        print(f'{path}: {len(part)} videos')


if __name__ == '__main__':
    main()
