"""LVOS v1 and v2 (Hong et al., ICCV 2023; arXiv 2404.19326): videos of minutes, objects that begin at any frame."""

from typing import Any

from mmvos.registry import DATASETS
from mmvos.structures import join_path
from mmvos.videos.layouts import VideoEntry, read_lvos

from .youtube_vos import YouTubeVOSDataset


@DATASETS.register_module()
class LVOSDataset(YouTubeVOSDataset):
    """LVOS.

    ``data_root/<split>/{JPEGImages,Annotations}/<video>/<number>.{jpg,png}``, ``data_root/<split>/<split>_meta.json``. An
    object is prompted in the first frame of its range. ``data_root/<split>/unseen_videos.txt``, which comes with the official
    evaluator, lists the videos of unseen categories.

    Args:
        data_root (str): root folder.
        split (str): ``'train'``, ``'valid'`` or ``'test'``.
        ann_file (str): the meta file; default ``<split>/<split>_meta.json``.
        kwargs (dict): arguments of :class:`YouTubeVOSDataset`.
    """

    def __init__(self, data_root: str = 'data/LVOS', split: str = 'train', ann_file: str = '', **kwargs: Any) -> None:
        super().__init__(data_root, split, ann_file=ann_file or f'{split}/{split}_meta.json', **kwargs)

    def entries(self) -> list[VideoEntry]:
        """Videos as the benchmark's lists describe them."""
        unseen = join_path(self.data_root, self.split, 'unseen_videos.txt')
        return read_lvos(self.ann_file, self.data_prefix['img'], self.data_prefix['ann'], unseen)
