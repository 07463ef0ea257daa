"""Label maps per frame and categories to an annotation file of YouTube-VIS.

    python tools/dataset_converters/masks_to_ytvis.py FRAMES MASKS OUT.json --categories CATEGORIES.json

FRAMES/<video>/<frame>.jpg are the videos, MASKS/<video>/<frame>.png their label maps (8-bit palette or grey PNG, value
= object id, the same id for the same object in all frames; 0 background, 255 ignored). Frames without a mask hold no
object. CATEGORIES.json says what the objects are, in one of three forms:

    {"<video>": {"1": "dog", "2": "person"}, ...}
    {"videos": {"<video>": {"objects": {"1": {"category": "dog"}, ...}}}}      (meta.json of YouTube-VOS)
    {"1": "dog", "2": "person"}                                               (ids mean the same in every video)

or give ``--category NAME`` if all objects are of one category. The ids of the categories are those of ``--classes``,
else the categories in alphabetical order, from 1.
"""

import argparse
import os.path as osp
from collections.abc import Iterator
from typing import Any

import numpy as np

from mmvos.datasets.youtube_vis_writer import YouTubeVISWriter, list_videos
from mmvos.structures import object_ids_of, read_json
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.utils import command_line
from mmvos.videos import LabelSource, image_size
from mmvos.videos.layouts import frames_of, masks_by_frame, masks_in


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Label maps per frame to an annotation file of YouTube-VIS.')
    parser.add_argument('frames', help='folder with a sub-folder of frames per video')
    parser.add_argument('masks', help='folder with a sub-folder of label maps per video')
    parser.add_argument('out', help='annotation file to write (.json)')
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument('--categories', metavar='FILE.json', help='what the objects are, see above')
    which.add_argument('--category', metavar='NAME', help='all objects are of this category')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='categories in the order of their ids')
    parser.add_argument(
        '--resize-masks', action='store_true', help="accept masks that are not of their frame's size (nearest neighbour)"
    )
    return parser.parse_args()


class Categories:
    """What object ``id`` of a video is, from any of the three forms."""

    def __init__(self, path: str | None, single: str | None) -> None:
        self.path, self.single = path, single
        self.table: dict[str, Any] = {}
        if path:
            table = read_json(path, 'a table of the categories of objects')
            if not isinstance(table, dict) or not table:
                raise SystemExit(f'{path}: expected a JSON object with the categories of objects.')
            self.table = table.get('videos', table)
            if not isinstance(self.table, dict):
                raise SystemExit(f'{path}: "videos" is {type(self.table).__name__}; expected a JSON object.')
        self.shared = bool(self.table) and all(isinstance(value, str) for value in self.table.values())

    def of(self, video: str) -> dict[int, str]:
        """``{object id: category}`` of a video."""
        entry = self.table if self.shared else self.table.get(video, {})
        try:
            entry = entry.get('objects', entry)
            return {int(i): value['category'] if isinstance(value, dict) else str(value) for i, value in entry.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SystemExit(f'{self.path}, video {video!r}: expected {{object id: category}} ({error!r}).') from error

    def names(self, videos: list[str]) -> list[str]:
        """All categories, sorted."""
        if self.single:
            return [self.single]
        return sorted({name for video in videos for name in self.of(video).values()})

    def check(self, video: str, ids: list[int]) -> dict[int, str]:
        """The categories of these objects; stops if one has none."""
        if self.single:
            return {i: self.single for i in ids}
        table = self.of(video)
        unknown = [i for i in ids if i not in table]
        if unknown:
            raise SystemExit(f'{self.path}: object {unknown[0]} of video {video!r} has no category.')
        return table


def label_maps(masks: dict[int, str], count: int, size: tuple, mismatch: str) -> Iterator[np.ndarray | None]:
    """The label map of each frame, or None."""
    for index in range(count):
        yield LabelSource(masks[index], size_mismatch=mismatch).read(size) if index in masks else None


@command_line
def main() -> None:
    args = parse_args()
    categories = Categories(args.categories, args.category)
    videos = list_videos(args.frames)
    classes = args.classes or categories.names(videos)
    writer = YouTubeVISWriter(classes, f'made from {osp.basename(osp.normpath(args.masks))}')
    mismatch = 'resize' if args.resize_masks else 'error'
    for video in videos:
        frames = frames_of(osp.join(args.frames, video), video)
        folder = osp.join(args.masks, video)
        masks = masks_by_frame(masks_in(folder), frames) if osp.isdir(folder) else {}
        if not masks:
            print(f'{video}: no masks, left out')
            continue
        size = image_size(frames[0])
        ids = sorted({i for m in label_maps(masks, len(frames), size, mismatch) if m is not None for i in object_ids_of(m)})
        writer.add_video(
            [f'{video}/{osp.basename(frame)}' for frame in frames],
            size,
            label_maps(masks, len(frames), size, mismatch),
            categories.check(video, ids),
            video,
        )
    if not writer.videos:
        raise SystemExit(f'{args.masks}: no masks for any video of {args.frames}.')
    writer.save(args.out)
    written = load_youtube_vis(args.out)
    print(
        f'{args.out}: {len(written["videos"])} videos, {len(written["annotations"])} instances, '
        f'{len(written["categories"])} categories'
    )


if __name__ == '__main__':
    main()
