"""DAVIS 2016 and 2017 (Perazzi et al., CVPR 2016; Pont-Tuset et al., arXiv 1704.00675; Caelles et al., 1905.00737)."""

import os.path as osp
from typing import Any

from mmvos.registry import DATASETS
from mmvos.structures import InputError, MissingFileError, join_path
from mmvos.videos.layouts import VideoEntry, masks_by_frame, read_davis

from .base_vos_dataset import BaseVOSDataset

TASKS = ('semi', 'unsup')


class _DAVISDataset(BaseVOSDataset):
    """What the editions share: ``JPEGImages/<resolution>/<sequence>``, one list of sequences per split.

    Args:
        task (str): ``'semi'``: the annotation of the first frame is the prompt; ``'unsup'``: no prompts.
        resolution (str): folder of frames and annotations, ``'480p'``, ``'1080p'`` or ``'Full-Resolution'``.
    """

    def __init__(
        self,
        data_root: str = '',
        ann_file: str = '',
        data_prefix: dict | None = None,
        task: str = 'semi',
        resolution: str = '480p',
        **kwargs: Any,
    ) -> None:
        if task not in TASKS:
            raise InputError(f"task is {task!r}; expected 'semi' or 'unsup'.")
        self.task, self.resolution = task, resolution
        folders = dict(img=f'JPEGImages/{resolution}', ann=f'{self.annotation_folder()}/{resolution}')
        super().__init__(data_root, ann_file, dict(folders, **(data_prefix or {})), **kwargs)

    def annotation_folder(self) -> str:
        """Name of the folder of annotations."""
        return 'Annotations'

    def load_data_list(self) -> list[dict]:
        """One video per sequence of the list."""
        return [self.video(entry) for entry in self.entries()]

    def entries(self) -> list[VideoEntry]:
        """Sequences as the list names them."""
        return read_davis(self.ann_file, self.data_prefix['img'], self.data_prefix['ann'], self.data_root)

    def video(self, entry: VideoEntry) -> dict:
        """A sequence, see :class:`BaseVOSDataset`; errors name the file that is not there."""
        frames, masks = entry.frames(), entry.masks()
        annotations = masks_by_frame(masks, frames)
        if self.task == 'semi' and 0 not in annotations:
            stem = osp.splitext(osp.basename(frames[0]))[0]
            raise MissingFileError(f'{join_path(entry.masks_dir, stem + ".png")}: mask of the first frame not found.')
        prompts = {0: annotations[0]} if self.task == 'semi' else {}
        return dict(video_id=entry.video_id, frames=frames, annotations=annotations, prompts=prompts)


@DATASETS.register_module()
class DAVIS2017Dataset(_DAVISDataset):
    """DAVIS 2017: several objects by id.

    ``data_root/{JPEGImages,Annotations,Annotations_unsupervised}/480p/<sequence>/<frame>.{jpg,png}``, lists in
    ``ImageSets/2017/{train,val,test-dev,test-challenge}.txt`` (unsupervised test sets: ``ImageSets/2019``).

    Args:
        data_root (str): root folder.
        ann_file (str): the list, relative to ``data_root``.
        task (str): ``'semi'``, or ``'unsup'`` (other annotations, no prompts).
        resolution (str): ``'480p'`` or ``'Full-Resolution'``.
        kwargs (dict): arguments of :class:`BaseVOSDataset`.
    """

    def __init__(self, data_root: str = 'data/DAVIS', ann_file: str = 'ImageSets/2017/val.txt', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, ann_file=ann_file, **kwargs)

    def annotation_folder(self) -> str:
        """The unsupervised task has annotations of its own."""
        return 'Annotations' if self.task == 'semi' else 'Annotations_unsupervised'


@DATASETS.register_module()
class DAVIS2016Dataset(_DAVISDataset):
    """DAVIS 2016: one object; masks are 0/255 (the several ids of the 2017 annotations are merged).

    ``data_root/{JPEGImages,Annotations}/480p/<sequence>/<frame>.{jpg,png}``. Both forms of list are read: a sequence
    per line (``ImageSets/2016/val.txt``), or a frame per line with the paths of image and mask
    (``ImageSets/480p/val.txt``).

    Args:
        data_root (str): root folder.
        ann_file (str): the list, relative to ``data_root``.
        task (str): ``'semi'``, or ``'unsup'`` (no prompts; the annotations are the same).
        resolution (str): ``'480p'`` or ``'1080p'``.
        kwargs (dict): arguments of :class:`BaseVOSDataset`.
    """

    def __init__(self, data_root: str = 'data/DAVIS2016', ann_file: str = 'ImageSets/2016/val.txt', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, ann_file=ann_file, **kwargs)

    def video(self, entry: VideoEntry) -> dict:
        """A sequence with one object."""
        return dict(super().video(entry), label_options=dict(binary=True), categories={1: 'object'})
