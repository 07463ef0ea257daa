"""DAVIS 2016 and 2017: a list of sequences per split, frames and masks in folders of their own."""

import os
import re

from mmvos.structures import InputError, PathLike, check_name, check_unique, folder_names, is_folder, join_path, read_lines

from .base import Layout, VideoEntry, first_existing

_LIST = 'a list of sequences, one per line (or, per line, the paths of a frame and of its mask)'
#: a line with the paths of a frame and of its mask, as the lists of DAVIS 2016 have them
_PAIR = re.compile(r'(?P<frame>\S.*\.(?:jpg|jpeg|png))\s+(?P<mask>\S.*\.png)', re.IGNORECASE)


def read_davis(list_file: PathLike, frames_dir: PathLike, masks_dir: PathLike, root: PathLike = '') -> list[VideoEntry]:
    """Sequences of a list.

    Args:
        list_file (PathLike): a name per line; or, as in the lists of DAVIS 2016, the paths of a frame and of its mask per line.
        frames_dir (PathLike): folder that holds a folder of frames per sequence.
        masks_dir (PathLike): folder that holds a folder of masks per sequence.
        root (PathLike): what the paths in a list of files are relative to, although they begin with a slash.

    Raises:
        MissingFileError: no such list.
        InputError: it is empty, of neither form, or names a sequence twice.
    """
    name = os.fspath(list_file)
    lines = read_lines(list_file, _LIST)
    matches = [_PAIR.fullmatch(line) for line in lines]
    pairs: dict[str, list[tuple[str, str]]] = {}
    for number, (line, match) in enumerate(zip(lines, matches, strict=True), 1):
        if match is None and any(matches):
            raise InputError(f'{name}, line {number}: found {line!r}, the other lines are pairs of paths. Expected {_LIST}.')
        if match is not None:
            frame, mask = (check_name(match[key].lstrip('/'), f'{name}, line {number}', 'file') for key in ('frame', 'mask'))
            sequence = os.path.basename(os.path.dirname(frame))
            pairs.setdefault(sequence, []).append((join_path(root, frame), join_path(root, mask)))
    if not pairs:
        check_unique(lines, name, 'sequence')
        pairs = {check_name(line, name, 'sequence'): [] for line in lines}
    return [
        VideoEntry(video, join_path(frames_dir, video), join_path(masks_dir, video), pairs=tuple(files))
        for video, files in pairs.items()
    ]


def _davis(root: PathLike, split: str, masks: tuple[str, ...], years: tuple[str, ...]) -> list[VideoEntry]:
    masks_dir = first_existing(root, masks, 'folder of annotations not found.')
    frames_dir = join_path(root, 'JPEGImages/480p')
    if not is_folder(frames_dir):
        frames_dir = join_path(root, 'JPEGImages')
    if split == 'all':
        names = folder_names(masks_dir)
        return [VideoEntry(name, join_path(frames_dir, name), join_path(masks_dir, name)) for name in names]
    lists = [f'ImageSets/{year}/{split}{suffix}.txt' for year in years for suffix in ('', '_seqs')]
    hint = f'list of the split {split!r} not found. Another split is chosen with --split; --split all takes every folder.'
    return read_davis(first_existing(root, lists, hint), frames_dir, masks_dir, root)


def davis2016(root: PathLike, split: str = 'val') -> list[VideoEntry]:
    """Sequences of DAVIS 2016: ``Annotations/480p``, lists in ``ImageSets/2016`` or ``ImageSets/480p``."""
    return _davis(root, split, ('Annotations/480p', 'Annotations'), ('2016', '480p'))


def davis2017_semi(root: PathLike, split: str = 'val') -> list[VideoEntry]:
    """Sequences of DAVIS 2017: ``Annotations/480p``, lists in ``ImageSets/2017``."""
    return _davis(root, split, ('Annotations/480p', 'Annotations'), ('2017',))


def davis2017_unsup(root: PathLike, split: str = 'val') -> list[VideoEntry]:
    """Sequences of the unsupervised task: ``Annotations_unsupervised/480p``, lists in ``ImageSets/2017`` or ``2019``."""
    return _davis(root, split, ('Annotations_unsupervised/480p',), ('2017', '2019'))


DAVIS2016, DAVIS2017, DAVIS_UNSUP = (Layout(entries, 'val') for entries in (davis2016, davis2017_semi, davis2017_unsup))
