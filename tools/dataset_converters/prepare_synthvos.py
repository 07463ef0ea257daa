"""Prepare the folders that SynthVOS draws from: RGBA cut-outs of objects, and background photographs.

    python tools/dataset_converters/prepare_synthvos.py [data/synthvos]
    python tools/dataset_converters/prepare_synthvos.py data/mine --objects CUTOUTS --backgrounds PHOTOS

Without folders of your own, four Debian packages are fetched with ``apt-get download`` (230 MB; run ``apt-get update``
first) and unpacked in a temporary folder; nothing is installed. Cut-outs are the photographic stamps of
tuxpaint-stamps-default (cartoons, symbols, flags and other drawings are left out); backgrounds are the photographs of
tuxpaint-data, mate-backgrounds and lomiri-wallpapers-16.04.

Gives OUT/objects/<category>/<name>.png, OUT/backgrounds/<name>.jpg, and in both folders train.txt and val.txt, whose
pictures differ. While it works, the folders hold a file named ``.unfinished``; after a stop the same command begins them
again, without fetching what it has fetched.
"""

import argparse
import fnmatch
import glob
import os
import os.path as osp
import shutil
import subprocess
from collections import Counter
from contextlib import ExitStack

import cv2
import numpy as np

from mmvos.datasets.synth import read_cutout
from mmvos.structures import InputError, atomic_path
from mmvos.utils import command_line
from mmvos.videos import IMAGE_SUFFIXES, write_image
from mmvos.videos.images import read_image

PACKAGES = ('tuxpaint-stamps-default', 'tuxpaint-data', 'mate-backgrounds', 'lomiri-wallpapers-16.04')
STAMPS = 'usr/share/tuxpaint/stamps'
PHOTOGRAPHS = ('usr/share/tuxpaint/templates/*.jpg', 'usr/share/backgrounds/*.jpg', 'usr/share/backgrounds/mate/nature/*.jpg')
#: marks a folder that is being made
UNFINISHED = '.unfinished'
NO_PHOTOGRAPHS = ('umang_*', 'analogpattern_*')  # computer graphics among the wallpapers

# What is drawn and not photographed, light without a body, and mirrored copies. Paths are relative to the stamps.
DRAWN_FOLDERS = {'symbols', 'cartoon', 'flags', 'easter', 'hanukkah', 'newyears', 'hats', 'body_parts', 'naturalforces'}
DRAWN = (
    '*_mirror.png',
    'animals/insects/bee.png',
    'animals/mammals/echidna.png',
    'animals/mammals/hedgehog.png',
    'clothes/button.png',
    'clothes/t_*',
    'food/pizza.png',
    'medical/tooth.png',
    'seasonal/christmas/Santa.png',
    'seasonal/christmas/[a-z]*[!h].png',
    'seasonal/christmas/star.png',
    'seasonal/halloween/[!g]*',
    'seasonal/halloween/ghost.png',
    'space/planets/0_sun.png',
    'town/monuments/*-outline.png',
    'town/roadsigns/arrow.png',
    'town/roadsigns/crossroads.png',
    'town/roadsigns/hospital.png',
    'town/roadsigns/roundabout.png',
    'town/roadsigns/stop*.png',
    'town/roadsigns/t-junction.png',
    'town/roadsigns/toilets.png',
    'town/roadsigns/xing_*',
    'town/roadsigns/yield.png',
    'vehicles/7spoke256.png',
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Prepare cut-outs and backgrounds for SynthVOS.')
    parser.add_argument('out', nargs='?', default='data/synthvos', help='folder to write to (default %(default)s)')
    parser.add_argument('--objects', metavar='DIR', help='own RGBA pictures; a sub-folder is a category')
    parser.add_argument('--backgrounds', metavar='DIR', help='own photographs')
    parser.add_argument('--debs', metavar='DIR', help='the packages (*.deb), if they are there already')
    parser.add_argument('--max-object', type=int, default=512, help='longer side of a cut-out (default %(default)s)')
    parser.add_argument('--max-background', type=int, default=1280, help='longer side of a background')
    parser.add_argument('--val-share', type=float, default=0.2, help='share of the pictures held out for val, 0 to below 1')
    parser.add_argument('--seed', type=int, default=0, help='of the split')
    args = parser.parse_args()
    if not 0 <= args.val_share < 1:
        parser.error(f'--val-share is {args.val_share}; expected a number from 0 to below 1.')
    if min(args.max_object, args.max_background) < 40:
        parser.error('--max-object and --max-background: expected at least 40 pixels.')
    return args


def unpack_packages(folder: str, debs: str | None) -> str:
    """Fetch the packages to ``folder`` (unless ``debs`` holds them) and unpack them below it; returns the root of the
    files."""
    root = osp.join(folder, 'root')
    os.makedirs(root, exist_ok=True)
    try:
        if debs is None:
            debs = folder
            print(f'Fetching {", ".join(PACKAGES)} ...')
            subprocess.run(['apt-get', 'download', *PACKAGES], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for package in PACKAGES:
            files = glob.glob(osp.join(debs, f'{package}_*.deb'))
            if not files:
                raise InputError(f'{debs}: no package file {package}_*.deb.')
            subprocess.run(['dpkg-deb', '-x', files[0], root], check=True)
    except FileNotFoundError as error:
        raise InputError(
            f'{error.filename} is not on this machine. Give folders of your own with --objects and --backgrounds.'
        ) from error
    except subprocess.CalledProcessError as error:
        raise InputError(
            f'"{" ".join(error.cmd[:2])}" failed (status {error.returncode}). Is there a network, and was '
            '"apt-get update" run? Else give folders of your own with --objects and '
            '--backgrounds.'
        ) from error
    return root


def find_pictures(root: str) -> list[str]:
    """Paths of the pictures below a folder, relative to it, sorted."""
    found = [
        osp.relpath(osp.join(folder, name), root)
        for folder, _, names in os.walk(root)
        for name in names
        if name.lower().endswith(IMAGE_SUFFIXES)
    ]
    if not found:
        raise InputError(f'{root}: no pictures found.')
    return sorted(found)


def is_photographic_stamp(path: str) -> bool:
    """Whether a stamp (path relative to the stamps) is a photograph of one thing."""
    if not path.lower().endswith('.png') or DRAWN_FOLDERS & set(path.split(os.sep)):
        return False
    return not any(fnmatch.fnmatchcase(path, pattern) for pattern in DRAWN)


def stamp_categories(paths: list[str], fewest: int = 4) -> dict[str, str]:
    """Category of each stamp: the second folder of animals, food and plants, the first one of the others.

    A category with fewer than ``fewest`` stamps is counted as its first folder.
    """

    def fine(path: str) -> str:
        parts = path.split(os.sep)
        return parts[1] if parts[0] in ('animals', 'food', 'plants') and len(parts) > 2 else parts[0]

    counts = Counter(map(fine, paths))
    return {p: fine(p) if counts[fine(p)] >= fewest else p.split(os.sep)[0] for p in paths}


def solid_cutout(path: str, max_side: int) -> tuple[np.ndarray | None, str]:
    """The cut-out, or None and the reason why it is of no use."""
    try:
        image = read_cutout(path, max_side)
    except ValueError as error:
        return None, str(error).split(': ', 1)[1]
    alpha = image[..., 3]
    if max(alpha.shape) < 40:
        return None, 'smaller than 40 pixels'
    if (alpha > 127).mean() < 0.12:
        return None, 'fills less than 12 % of its box'
    if (alpha >= 230).sum() < 0.45 * (alpha > 16).sum():
        return None, 'mostly translucent'
    return image, ''


def write_lists(folder: str, groups: dict[str, list[str]], val_share: float, seed: int) -> None:
    """train.txt and val.txt: of every group the share ``val_share`` is held out (none of a group of one)."""
    rng = np.random.default_rng(seed)
    splits: dict[str, list[str]] = dict(train=[], val=[])
    for name in sorted(groups):
        items = [groups[name][i] for i in rng.permutation(len(groups[name]))]
        held_out = min(len(items) - 1, max(1, round(val_share * len(items)))) if val_share > 0 else 0
        splits['val'] += items[:held_out]
        splits['train'] += items[held_out:]
    for split, items in splits.items():
        with atomic_path(osp.join(folder, f'{split}.txt')) as temporary, open(temporary, 'w') as file:
            file.writelines(f'{item}\n' for item in sorted(items))
    print(f'{folder}: {len(splits["train"])} train, {len(splits["val"])} val')


def prepare_objects(source: str, categories: dict[str, str], out: str, args: argparse.Namespace) -> None:
    """Write the usable cut-outs, cropped to what is visible, and their lists."""
    groups: dict[str, list[str]] = {}
    taken = set()
    for path, category in categories.items():
        image, reason = solid_cutout(osp.join(source, path), args.max_object)
        if image is None:
            print(f'  left out {path}: {reason}')
            continue
        stem = osp.splitext(osp.basename(path))[0]
        name = osp.join(category, f'{stem}.png')
        number = 1
        while name in taken:
            number += 1
            name = osp.join(category, f'{stem}_{number}.png')
        taken.add(name)
        write_image(osp.join(out, name), image)
        groups.setdefault(category, []).append(name)
    if not groups:
        raise InputError(f'{source}: none of the pictures is an RGBA cut-out.')
    write_lists(out, groups, args.val_share, args.seed)
    print('  ' + ', '.join(f'{category} {len(items)}' for category, items in sorted(groups.items())))


def prepare_backgrounds(paths: list[str], out: str, args: argparse.Namespace) -> None:
    """Write the photographs as JPEG, and their lists."""
    names: list[str] = []
    for path in paths:
        try:
            image = read_image(path, expected='a photograph')
        except InputError as error:
            print(f'  left out {error}')
            continue
        scale = min(1.0, args.max_background / max(image.shape[:2]))
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        name = f'{len(names):04d}_{osp.splitext(osp.basename(path))[0]}.jpg'
        write_image(osp.join(out, name), image)
        names.append(name)
    if not names:
        raise InputError(f'{osp.dirname(paths[0])}: none of the {len(paths)} photographs can be decoded.')
    write_lists(out, dict(all=names), args.val_share, args.seed)


def begin(folder: str) -> None:
    """Make an empty folder that is marked as unfinished; what an earlier, stopped run left in it goes.

    Raises:
        InputError: the folder is there, and finished or not this program's.
    """
    if osp.isdir(folder) and not osp.isfile(osp.join(folder, UNFINISHED)):
        raise InputError(f'{folder} is there already; remove it or choose another folder.')
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(osp.join(folder, UNFINISHED), 'w'):
        pass


def prepare(args: argparse.Namespace, objects_out: str, backgrounds_out: str) -> None:
    """Write cut-outs and backgrounds into two empty folders."""
    fetched = osp.join(args.out, '.fetched')
    root = ''
    if not (args.objects and args.backgrounds):
        os.makedirs(fetched, exist_ok=True)
        root = unpack_packages(fetched, args.debs)
    if args.objects:
        source = args.objects
        categories = {p: p.split(os.sep)[0] if os.sep in p else 'object' for p in find_pictures(source)}
    else:
        source = osp.join(root, STAMPS)
        categories = stamp_categories([p for p in find_pictures(source) if is_photographic_stamp(p)])
    prepare_objects(source, categories, objects_out, args)
    if args.backgrounds:
        photographs = [osp.join(args.backgrounds, p) for p in find_pictures(args.backgrounds)]
    else:
        photographs = [
            p
            for pattern in PHOTOGRAPHS
            for p in sorted(glob.glob(osp.join(root, pattern)))
            if not any(fnmatch.fnmatch(osp.basename(p), n) for n in NO_PHOTOGRAPHS)
        ]
    prepare_backgrounds(photographs, backgrounds_out, args)
    shutil.rmtree(fetched, ignore_errors=True)


@command_line
def main() -> None:
    args = parse_args()
    folders = [osp.join(args.out, name) for name in ('objects', 'backgrounds')]
    with ExitStack() as begun:
        for folder in folders:
            begin(folder)
            begun.callback(shutil.rmtree, folder, ignore_errors=True)
        prepare(args, *folders)
        begun.pop_all()
    for folder in folders:
        os.unlink(osp.join(folder, UNFINISHED))


if __name__ == '__main__':
    main()
