"""What the benchmarks of unsupervised video object segmentation share: one foreground, masks of some of the frames."""

import os.path as osp
import re
from abc import abstractmethod
from typing import Any

import cv2
import numpy as np

from mmvos.structures import InputError, MissingFileError, check_name, folder_names, is_folder, join_path, read_lines
from mmvos.videos import LabelSource, read_image
from mmvos.videos.layouts import frames_of, masks_by_frame, masks_in

from .base_vos_dataset import BaseVOSDataset

#: soft and JPEG masks: above is foreground
MASK_THRESHOLD = 127


def read_grey(path: str) -> np.ndarray:
    """A mask file of any number of (equal) channels as uint8 ``(H, W)``; errors as in :func:`mmvos.videos.read_image`."""
    return read_image(path, cv2.IMREAD_GRAYSCALE, 'a mask')


def trailing_number(name: str) -> int | None:
    """The last number in a file's stem (``bear01_0020_gt.ppm``: 20); None without one."""
    numbers = re.findall('[0-9]+', osp.splitext(osp.basename(name))[0])
    return int(numbers[-1]) if numbers else None


def folders_in(path: str) -> list[str]:
    """Names of the folders in a folder, sorted, hidden ones left out; empty if there is no such folder."""
    return folder_names(path) if is_folder(path) else []


class UnsupervisedVOSDataset(BaseVOSDataset):
    """Base of FBMS-59, YouTube-Objects and SegTrack v2.

    Two layouts: the benchmark's own (``layout='official'``), and the flat one which ``tools/dataset_converters/
    unsupervised_to_flat.py`` writes from it (``layout='flat'``)::

        data_root/JPEGImages/<video>/<position:05d>.jpg     all frames
        data_root/Annotations/<video>/<position:05d>.png    masks 0/255 of the annotated frames
        data_root/ImageSets/<split>.txt                     a video per line, then its group if it has one

    No video has prompts unless ``first_mask_prompt``. All frames are segmented (a method may need them), the annotated
    ones count.

    Args:
        data_root (str): root folder.
        split (str): name of the split.
        layout (str): ``'official'`` or ``'flat'``.
        merge (bool): all objects become the single object 1.
        first_mask_prompt (bool): the first annotation is the prompt (semi-supervised use).
        kwargs (dict): arguments of :class:`BaseVOSDataset`.

    Raises:
        InputError: unknown ``split`` or ``layout``.
    """

    #: names of the splits
    SPLITS: tuple[str, ...] = ('test',)

    def __init__(
        self,
        data_root: str,
        split: str = 'test',
        layout: str = 'official',
        merge: bool = True,
        first_mask_prompt: bool = False,
        **kwargs: Any,
    ) -> None:
        if split not in self.SPLITS:
            raise InputError(f'{type(self).__name__}: split is {split!r}; expected one of {self.SPLITS}.')
        if layout not in ('official', 'flat'):
            raise InputError(f"{type(self).__name__}: layout is {layout!r}; expected 'official' or 'flat'.")
        self.split, self.layout, self.merge, self.first_mask_prompt = split, layout, merge, first_mask_prompt
        super().__init__(data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One dict per video, see :class:`BaseVOSDataset`.

        Raises:
            MissingFileError: no root folder.
        """
        if not is_folder(self.data_root):
            raise MissingFileError(f'{self.data_root}: root folder of {type(self).__name__} not found.')
        videos = self.load_flat() if self.layout == 'flat' else self.load_official()
        for video in videos:
            if self.first_mask_prompt:
                first = min(video['annotations'])
                video['prompts'] = {first: video['annotations'][first]}
            if self.merge:
                video['categories'] = {1: 'object'}
        return videos

    @abstractmethod
    def load_official(self) -> list[dict]:
        """Videos of the benchmark's own layout."""

    def load_flat(self) -> list[dict]:
        """Videos of the flat layout."""
        videos = []
        list_file = join_path(self.data_root, 'ImageSets', f'{self.split}.txt')
        for line in read_lines(list_file):
            # a name may hold spaces: the last word is a group only where the line as a whole is no folder
            name, group = line, ''
            if not is_folder(join_path(self.data_root, 'JPEGImages', line)):
                name, _, group = line.rpartition(' ') if ' ' in line else (line, '', '')
            video_id = check_name(name.strip(), list_file)
            frames = frames_of(join_path(self.data_root, 'JPEGImages', video_id), video_id)
            masks = masks_in(join_path(self.data_root, 'Annotations', video_id))
            annotations = {
                i: LabelSource(path, threshold=MASK_THRESHOLD, reader=read_grey)
                for i, path in masks_by_frame(masks, frames).items()
            }
            video: dict[str, Any] = dict(video_id=video_id, frames=frames, annotations=annotations)
            if group:
                video['group'] = group
            videos.append(video)
        return videos
