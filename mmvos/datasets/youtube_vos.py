"""YouTube-VOS 2018 and 2019 (Xu et al., arXiv 1809.03327): objects appear at any frame, every fifth frame is
annotated."""

import os.path as osp
from typing import Any

from mmvos.registry import DATASETS
from mmvos.structures import MissingFileError, join_path
from mmvos.videos import LabelSource
from mmvos.videos.layouts import ListedObject, VideoEntry, masks_by_frame, masks_in, read_youtube_vos

from .base_vos_dataset import BaseVOSDataset


@DATASETS.register_module()
class YouTubeVOSDataset(BaseVOSDataset):
    """YouTube-VOS.

    ``data_root/<split>/{JPEGImages,Annotations}/<video>/<frame>.{jpg,png}`` and ``data_root/<split>/meta.json``. An
    object is prompted in the first frame that ``meta.json`` lists for it. In the valid and test sets that frame's file
    holds the new objects only; in the training set it holds all, and those that are not new are taken out of the
    prompt. Frames before the first prompt get an empty result and are not part of a submission.

    Args:
        data_root (str): root folder.
        split (str): ``'train'``, ``'valid'`` or ``'test'``.
        all_frames (bool): whether every frame of ``<split>_all_frames`` is segmented (a separate download: 30 instead of 6
            frames per second) instead of the annotated ones. Submissions still hold the listed frames only.
        categories (list[str] | None): keep only objects of these categories.
        data_prefix (dict | None): folders relative to ``data_root``: ``img`` (frames), ``ann`` (masks).
        ann_file (str): the meta file; default ``<split>/meta.json``.
        kwargs (dict): arguments of :class:`BaseVOSDataset`.
    """

    def __init__(
        self,
        data_root: str = 'data/YouTubeVOS2018',
        split: str = 'train',
        all_frames: bool = False,
        categories: list[str] | None = None,
        data_prefix: dict | None = None,
        ann_file: str = '',
        **kwargs: Any,
    ) -> None:
        self.split, self.all_frames, self.wanted_categories = split, all_frames, categories
        frames = f'{split}_all_frames/JPEGImages' if all_frames else f'{split}/JPEGImages'
        folders = dict(dict(img=frames, ann=f'{split}/Annotations'), **(data_prefix or {}))
        super().__init__(data_root=data_root, ann_file=ann_file or f'{split}/meta.json', data_prefix=folders, **kwargs)

    def entries(self) -> list[VideoEntry]:
        """Videos as the benchmark's lists describe them."""
        return read_youtube_vos(self.ann_file, self.data_prefix['img'], self.data_prefix['ann'])

    def load_data_list(self) -> list[dict]:
        """One video per entry of the meta file that has an object of the wanted categories."""
        videos = []
        for entry in self.entries():
            if self._wanted(entry):
                videos.append(self.video(entry))
        return videos

    def _wanted(self, entry: VideoEntry) -> dict[int, ListedObject]:
        return {
            object_id: listed
            for object_id, listed in entry.objects.items()
            if self.wanted_categories is None or listed.category in self.wanted_categories
        }

    def video(self, entry: VideoEntry) -> dict:
        """A video, see :class:`BaseVOSDataset`; errors name the file that is not there."""
        objects = self._wanted(entry)
        frames = entry.frames()
        position = {osp.splitext(osp.basename(f))[0]: i for i, f in enumerate(frames)}
        # sorted by position: the order of frames is that of the video
        listed = sorted({name for content in objects.values() for name in content.frames}, key=lambda n: position.get(n, -1))
        missing = [name for name in listed if name not in position]
        if missing:
            expected = join_path(entry.frames_dir, missing[0] + osp.splitext(frames[0])[1])
            raise MissingFileError(f'{expected}: frame not found, but {self.ann_file} lists it.')
        masks = masks_by_frame(masks_in(entry.masks_dir), frames)
        object_frames = {i: [position[name] for name in content.frames] for i, content in objects.items()}
        complete = all(position[name] in masks for name in listed)
        return dict(
            video_id=entry.video_id,
            frames=frames,
            prompts=self._prompts(entry, object_frames, masks, frames),
            prompt_frames={object_id: indices[0] for object_id, indices in object_frames.items()},
            # in the valid and test sets the masks are prompts, not annotations
            annotations=masks if complete else {},
            labelled=sorted(masks) if complete else [],
            categories={i: content.category or 'object' for i, content in objects.items()},
            object_frames=object_frames,
            eval_frames=[position[name] for name in listed],
            submit_frames=listed,
            group=entry.group,
        )

    def _prompts(
        self, entry: VideoEntry, object_frames: dict[int, list[int]], masks: dict[int, str], frames: list[str]
    ) -> dict[int, LabelSource]:
        """``{frame: its mask with the new objects only}``."""
        prompts = {}
        for index in sorted({indices[0] for indices in object_frames.values()}):
            if index not in masks:
                stem = osp.splitext(osp.basename(frames[index]))[0]
                raise MissingFileError(
                    f'{join_path(entry.masks_dir, stem + ".png")}: mask not found, but an object of this video begins there.'
                )
            new = [object_id for object_id, indices in object_frames.items() if indices[0] == index]
            prompts[index] = LabelSource(masks[index], size_mismatch=self.size_mismatch).only(new)
        return prompts
