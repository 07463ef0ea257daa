"""Split the training videos of YouTube-VOS at random into two thirds and one third: train66.txt and train33.txt.

The videos of meta.json are sorted, permuted by ``numpy.random.RandomState(seed)``, and the first ``--first`` of them
are train66. The configs name the lists as ``sequences=...``.

    python tools/dataset_converters/split_youtube_vos.py data/YouTubeVOS2018/train/meta.json --out-dir
    data/YouTubeVOS2018
"""
import argparse
import json
from pathlib import Path

import numpy as np


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('meta', help='meta.json of the training set')
    parser.add_argument('--out-dir', required=True)
    parser.add_argument('--first', type=int, default=2314, help='videos of train66 (2314 of 3471)')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


def split(videos, first, seed):
    """Two sorted lists."""
    videos = sorted(videos)
    order = np.random.RandomState(seed).permutation(len(videos))
    return tuple(sorted(videos[i] for i in part) for part in (order[:first], order[first:]))


def main():
    args = parse_args()
    try:
        videos = json.loads(Path(args.meta).read_text())['videos']
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f'not the meta.json of YouTube-VOS ({error!r}); expected {{"videos": {{...}}}}'
        raise SystemExit(f'{args.meta}: {reason}') from None
    if args.first >= len(videos):
        raise SystemExit(f'{args.meta}: {len(videos)} videos; --first must leave some of them.')
    for name, part in zip(('train66', 'train33'), split(videos, args.first, args.seed)):
        path = Path(args.out_dir) / f'{name}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(part) + '\n')
        print(f'{path}: {len(part)} videos')


if __name__ == '__main__':
    main()
