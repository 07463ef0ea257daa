"""MOSE (Ding et al., ICCV 2023): ``<split>/{JPEGImages,Annotations}/<video>/``, without lists; all videos of a split count."""

import os

from mmvos.structures import PathLike, folder_names, join_path

from .base import Layout, VideoEntry, first_existing


def mose(root: PathLike, split: str = 'valid') -> list[VideoEntry]:
    """Videos of ``root/split``, or of ``root`` itself where that is the folder of a split."""
    masks_dir = first_existing(root, (f'{split}/Annotations', 'Annotations'), 'folder of annotations not found.')
    folder = os.path.dirname(masks_dir)
    return [
        VideoEntry(name, join_path(folder, 'JPEGImages', name), join_path(masks_dir, name)) for name in folder_names(masks_dir)
    ]


MOSE = Layout(mose, 'valid')
