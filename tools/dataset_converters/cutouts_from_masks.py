"""Cut objects out of photographs with masks, for SynthVOS.

    python tools/dataset_converters/cutouts_from_masks.py PHOTOS [PHOTOS ...] --out data/synthvos_stills

Each PHOTOS folder has ``images/<name>.jpg`` and ``masks/<name>.png`` (value k is object k, 0 and 255 are none). Gives
OUT/objects/<folder's name>/<name>_<k>.png, OUT/backgrounds/<folder's name>_<name>.jpg, and in both folders train.txt and
val.txt: every tenth photograph of a folder, by name, is for validation; OUT/val/<folder's name>.txt lists these. Left out are
objects that are small or whose largest part is less than four fifths of them.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmvos.structures import InputError, atomic_path, object_ids_of, read_label_map
from mmvos.utils import command_line
from mmvos.videos import write_image
from mmvos.videos.images import read_image

SMALLEST_AREA, SMALLEST_SIDE = 900, 20
EDGE, CORE = 127, 140  # alpha beside and on the rim of a mask: the cut-out's own mask is alpha above 127


def cut_out(image: np.ndarray, label_map: np.ndarray, object_id: int) -> np.ndarray | None:
    """The object as BGRA uint8 with a soft rim, cropped; None if it is not fit to be pasted elsewhere."""
    mask = (label_map == object_id).astype(np.uint8)
    parts = cv2.connectedComponentsWithStats(mask)[2][1:, cv2.CC_STAT_AREA]
    area = int(mask.sum())
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if area < SMALLEST_AREA or parts.max() < 0.8 * area:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if min(bottom - top, right - left) < SMALLEST_SIDE:
        return None
    soft = cv2.GaussianBlur(mask * 255, (3, 3), 0)
    alpha = np.where(mask > 0, np.maximum(soft, CORE), np.minimum(soft // 2, EDGE)).astype(np.uint8)
    return np.dstack([image, alpha])[top:bottom, left:right]


def cut_outs_of(folder: Path, name: str, image: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """``(object id, cut-out)`` of a photograph."""
    mask = folder / 'masks' / f'{name}.png'
    if not mask.is_file():
        return
    label_map = read_label_map(str(mask))
    if label_map.shape != image.shape[:2]:
        raise InputError(
            f'{mask}: {label_map.shape[1]}x{label_map.shape[0]}, but its photograph is '
            f'{image.shape[1]}x{image.shape[0]} (width x height).'
        )
    for object_id in object_ids_of(label_map):
        picture = cut_out(image, label_map, object_id)
        if picture is not None:
            yield object_id, picture


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('photos', nargs='+', type=Path, metavar='PHOTOS', help='folders with images/ and masks/')
    parser.add_argument('--out', type=Path, default=Path('data/synthvos_stills'), help='where the folders are made')
    args = parser.parse_args()
    lists: dict[tuple[str, str], list[str]] = {
        (kind, split): [] for kind in ('objects', 'backgrounds') for split in ('train', 'val')
    }
    held_out: dict[str, list[str]] = {}
    for folder in args.photos:
        held_out[folder.name] = []
        for number, path in enumerate(sorted((folder / 'images').iterdir())):
            image = read_image(path, expected='a photograph')
            split = 'val' if number % 10 == 9 else 'train'
            if split == 'val':
                held_out[folder.name].append(path.stem)
            pictures = {f'objects/{folder.name}/{path.stem}_{k}.png': p for k, p in cut_outs_of(folder, path.stem, image)}
            pictures[f'backgrounds/{folder.name}_{path.stem}.jpg'] = image
            for name, picture in pictures.items():
                write_image(args.out / name, picture)
                kind, inside = name.split('/', 1)
                lists[kind, split].append(inside)
    for (kind, split), names in lists.items():
        write_lines(args.out / kind / f'{split}.txt', names)
        print(f'{kind}, {split}: {len(names)}')
    for name, stems in held_out.items():
        write_lines(args.out / 'val' / f'{name}.txt', stems)


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """A text file of these lines, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        Path(temporary).write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
