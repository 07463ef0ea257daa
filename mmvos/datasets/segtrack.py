"""SegTrack v2 (Li et al., "Video Segmentation by Tracking Many Figure-Ground Segments", ICCV 2013)."""

import os.path as osp
from typing import Any

from mmvos.registry import DATASETS
from mmvos.structures import InputError, MissingFileError, join_path
from mmvos.videos import LabelSource, list_frames
from mmvos.videos.layouts import read_list

from .unsupervised import MASK_THRESHOLD, UnsupervisedVOSDataset, folders_in, read_grey


@DATASETS.register_module()
class SegTrackV2Dataset(UnsupervisedVOSDataset):
    """SegTrack v2: 14 sequences, 24 objects, all listed frames annotated::

        data_root/ImageSets/all.txt                       a sequence per line, with a leading *
        data_root/ImageSets/<sequence>.txt                a path prefix, then a frame's stem per line
        data_root/JPEGImages/<sequence>/<stem>.{png,bmp}
        data_root/GroundTruth/<sequence>/<stem>.{png,bmp}       one object
        data_root/GroundTruth/<sequence>/<k>/<stem>.{png,bmp}   k = 1..K, several

    Suffixes differ between frames and masks, and between the objects of one sequence: files are found by their stems.

    Args:
        data_root (str): root folder.
        merge (bool): True: the union of the objects (unsupervised); False: objects by id k (use ``first_mask_prompt=True`` for
            the semi-supervised task).
        kwargs (dict): arguments of :class:`UnsupervisedVOSDataset`.
    """

    def __init__(self, data_root: str = 'data/SegTrackv2', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, **kwargs)

    def load_official(self) -> list[dict]:
        """One video per line of ``all.txt``."""
        names = read_list(join_path(self.data_root, 'ImageSets', 'all.txt'))
        return [self._sequence(name.lstrip('*').strip()) for name in names]

    def _sequence(self, name: str) -> dict:
        list_file = join_path(self.data_root, 'ImageSets', f'{name}.txt')
        _, *stems = read_list(list_file)
        if not stems:
            raise InputError(f'{list_file}: no frames listed. Expected a path prefix, then the stem of a frame per line.')
        images = _by_stem(join_path(self.data_root, 'JPEGImages', name))
        truth = join_path(self.data_root, 'GroundTruth', name)
        objects = sorted((folder for folder in folders_in(truth) if folder.isdigit()), key=int)
        masks = [_by_stem(join_path(truth, k)) for k in objects] or [_by_stem(truth)]
        ids = [int(k) for k in objects] or [1]
        for files, folder in ((images, f'JPEGImages/{name}'), *((m, f'GroundTruth/{name}') for m in masks)):
            missing = [stem for stem in stems if stem not in files]
            if missing:
                raise MissingFileError(
                    f'{self.data_root}/{folder}/{missing[0]}.*: not found, but listed in '
                    f'{list_file}. Expected an image of this name.'
                )
        annotations = {
            i: LabelSource([m[stem] for m in masks], ids=ids, threshold=MASK_THRESHOLD, binary=self.merge, reader=read_grey)
            for i, stem in enumerate(stems)
        }
        return dict(video_id=name, frames=[images[stem] for stem in stems], annotations=annotations)


def _by_stem(folder: str) -> dict[str, str]:
    return {osp.splitext(osp.basename(path))[0]: path for path in list_frames(folder)}
