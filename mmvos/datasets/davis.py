"""DAVIS 2016 and 2017 (Perazzi et al., CVPR 2016; Pont-Tuset et al., arXiv 1704.00675; Caelles et al., 1905.00737)."""

import os.path as osp

from mmvos.registry import DATASETS

from .base_vos_dataset import BaseVOSDataset, frames_of, masks_by_frame, read_split_list

TASKS = ('semi', 'unsup')


class _DAVISDataset(BaseVOSDataset):
    """What the editions share: ``JPEGImages/<resolution>/<sequence>``, one list of sequences per split.

    Args:
        task: ``'semi'``: the annotation of the first frame is the prompt; ``'unsup'``: no prompts.
        resolution: folder of frames and annotations, ``'480p'``, ``'1080p'`` or ``'Full-Resolution'``.
    """

    def __init__(self, *args, task: str = 'semi', resolution: str = '480p', data_prefix: dict | None = None, **kwargs) -> None:
        if task not in TASKS:
            raise ValueError(f"task is {task!r}; expected 'semi' or 'unsup'.")
        self.task, self.resolution = task, resolution
        folders = dict(img=f'JPEGImages/{resolution}', ann=f'{self.annotation_folder()}/{resolution}')
        super().__init__(*args, data_prefix=dict(folders, **(data_prefix or {})), **kwargs)

    def annotation_folder(self) -> str:
        """Name of the folder of annotations."""
        return 'Annotations'

    def load_data_list(self) -> list[dict]:
        """One video per line of the list."""
        return [self._video(name) for name in read_split_list(self.ann_file)]

    def _video(self, name: str) -> dict:
        frames = frames_of(osp.join(self.data_prefix['img'], name), name)
        folder = osp.join(self.data_prefix['ann'], name)
        annotations = masks_by_frame(folder, frames) if osp.isdir(folder) else {}
        return self._with_prompts(name, frames, annotations, folder)

    def _with_prompts(self, name: str, frames: list[str], annotations: dict, folder: str) -> dict:
        if self.task == 'semi' and 0 not in annotations:
            stem = osp.splitext(osp.basename(frames[0]))[0]
            raise FileNotFoundError(f'{osp.join(folder, stem + ".png")}: mask of the first frame not found.')
        prompts = {0: annotations[0]} if self.task == 'semi' else {}
        return dict(video_id=name, frames=frames, annotations=annotations, prompts=prompts)


@DATASETS.register_module()
class DAVIS2017Dataset(_DAVISDataset):
    """DAVIS 2017: several objects by id.

    ``data_root/{JPEGImages,Annotations,Annotations_unsupervised}/480p/<sequence>/<frame>.{jpg,png}``, lists in
    ``ImageSets/2017/{train,val,test-dev,test-challenge}.txt`` (unsupervised test sets: ``ImageSets/2019``).

    Args:
        ann_file: the list, relative to ``data_root``.
        task: ``'semi'``, or ``'unsup'`` (other annotations, no prompts).
        resolution: ``'480p'`` or ``'Full-Resolution'``.
        kwargs: as of :class:`BaseVOSDataset`.
    """

    def __init__(self, data_root: str = 'data/DAVIS', ann_file: str = 'ImageSets/2017/val.txt', **kwargs) -> None:
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
        ann_file: the list, relative to ``data_root``.
        task: ``'semi'``, or ``'unsup'`` (no prompts; the annotations are the same).
        resolution: ``'480p'`` or ``'1080p'``.
        kwargs: as of :class:`BaseVOSDataset`.
    """

    def __init__(self, data_root: str = 'data/DAVIS2016', ann_file: str = 'ImageSets/2016/val.txt', **kwargs) -> None:
        super().__init__(data_root=data_root, ann_file=ann_file, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One video per sequence of the list."""
        lines = [line.split() for line in read_split_list(self.ann_file)]
        if all(len(words) == 1 for words in lines):
            videos = [self._video(words[0]) for words in lines]
        else:
            videos = [self._listed_video(name, pairs) for name, pairs in self._by_sequence(lines).items()]
        for video in videos:
            video['label_options'] = dict(binary=True)
            video['categories'] = {1: 'object'}
        return videos

    def _by_sequence(self, lines: list[list[str]]) -> dict:
        sequences: dict = {}
        for number, words in enumerate(lines, 1):
            if len(words) != 2:
                raise ValueError(
                    f'{self.ann_file}, line {number}: expected the name of a sequence, or the paths of a '
                    f'frame and its mask; found {" ".join(words)!r}.'
                )
            image, mask = (osp.join(self.data_root, word.lstrip('/')) for word in words)
            sequences.setdefault(osp.basename(osp.dirname(image)), []).append((image, mask))
        return sequences

    def _listed_video(self, name: str, pairs: list[tuple[str, str]]) -> dict:
        for path in (p for pair in pairs for p in pair):
            if not osp.isfile(path):
                raise FileNotFoundError(f'{path}: not found, but listed in {self.ann_file}.')
        frames = [image for image, _ in pairs]
        return self._with_prompts(name, frames, {i: mask for i, (_, mask) in enumerate(pairs)}, '')
