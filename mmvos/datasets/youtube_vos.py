"""YouTube-VOS 2018 and 2019 (Xu et al., arXiv 1809.03327): objects appear at any frame, every fifth frame is
annotated."""

import os.path as osp
from typing import Any

from mmvos.registry import DATASETS
from mmvos.videos.label_source import LabelSource

from .base_vos_dataset import BaseVOSDataset, frames_of, masks_by_frame, read_json

META = 'the meta.json of YouTube-VOS: {"videos": {id: {"objects": {id: {"category", "frames"}}}}}'


@DATASETS.register_module()
class YouTubeVOSDataset(BaseVOSDataset):
    """YouTube-VOS.

    ``data_root/<split>/{JPEGImages,Annotations}/<video>/<frame>.{jpg,png}`` and ``data_root/<split>/meta.json``. An
    object is prompted in the first frame that ``meta.json`` lists for it. In the valid and test sets that frame's file
    holds the new objects only; in the training set it holds all, and those that are not new are taken out of the
    prompt. Frames before the first prompt get an empty result and are not part of a submission.

    Args:
        split: ``'train'``, ``'valid'`` or ``'test'``.
        all_frames: segment every frame of ``<split>_all_frames`` (a separate download: 30 instead of 6 frames per
            second) instead of the annotated ones. Submissions still hold the listed frames only.
        categories: keep only objects of these categories.
        data_prefix: folders relative to ``data_root``: ``img`` (frames), ``ann`` (masks).
        ann_file: the meta file; default ``<split>/meta.json``.
        kwargs: as of :class:`BaseVOSDataset`.
    """

    def __init__(
        self,
        data_root: str = 'data/YouTubeVOS2018',
        split: str = 'train',
        all_frames: bool = False,
        categories: list[str] | None = None,
        data_prefix: dict | None = None,
        ann_file: str = '',
        **kwargs,
    ) -> None:
        self.split, self.all_frames, self.wanted_categories = split, all_frames, categories
        frames = f'{split}_all_frames/JPEGImages' if all_frames else f'{split}/JPEGImages'
        folders = dict(dict(img=frames, ann=f'{split}/Annotations'), **(data_prefix or {}))
        super().__init__(data_root=data_root, ann_file=ann_file or f'{split}/meta.json', data_prefix=folders, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One video per entry of the meta file that has an object of the wanted categories."""
        videos = []
        for name, entry in sorted(self._read_meta().items()):
            objects = {
                int(object_id): content
                for object_id, content in entry['objects'].items()
                if self.wanted_categories is None or content.get('category') in self.wanted_categories
            }
            if objects:
                videos.append(self._video(name, objects))
        return videos

    def _read_meta(self) -> dict[str, Any]:
        meta = read_json(self.ann_file, META)
        try:
            videos = meta['videos']
            for entry in videos.values():
                for object_id, content in entry['objects'].items():
                    int(object_id), content['frames'][0]
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            raise ValueError(f'{self.ann_file}: {type(error).__name__} {error} while reading it. Expected {META}.') from None
        return videos

    def _video(self, name: str, objects: dict[int, dict]) -> dict:
        frames = frames_of(osp.join(self.data_prefix['img'], name), name)
        position = {osp.splitext(osp.basename(f))[0]: i for i, f in enumerate(frames)}
        listed = sorted({stem for content in objects.values() for stem in content['frames']})
        missing = [stem for stem in listed if stem not in position]
        if missing:
            expected = osp.join(self.data_prefix['img'], name, missing[0] + osp.splitext(frames[0])[1])
            raise FileNotFoundError(f'{expected}: frame not found, but {self.ann_file} lists it.')
        folder = osp.join(self.data_prefix['ann'], name)
        if not osp.isdir(folder):
            raise FileNotFoundError(f'{folder}: folder of the masks of video {name!r} not found.')
        masks = masks_by_frame(folder, frames)
        prompts, starts = self._prompts(name, objects, masks, position)
        complete = all(position[stem] in masks for stem in listed)
        return dict(
            video_id=name,
            frames=frames,
            prompts=prompts,
            prompt_frames=starts,
            # in the valid and test sets the masks are prompts, not annotations
            annotations=masks if complete else {},
            labelled=sorted(masks) if complete else [],
            categories={i: content.get('category', 'object') for i, content in objects.items()},
            object_frames={i: [position[stem] for stem in content['frames']] for i, content in objects.items()},
            eval_frames=[position[stem] for stem in listed],
            submit_frames=listed,
        )

    def _prompts(self, name: str, objects: dict[int, dict], masks: dict[int, str], position: dict[str, int]) -> tuple:
        """``{frame: its mask with the new objects only}`` and ``{object id: frame}``."""
        starts = {object_id: position[min(content['frames'])] for object_id, content in objects.items()}
        prompts = {}
        for index in sorted(set(starts.values())):
            if index not in masks:
                stem = {i: s for s, i in position.items()}[index]
                raise FileNotFoundError(
                    f'{osp.join(self.data_prefix["ann"], name, stem + ".png")}: mask not found, '
                    'but an object of this video begins there.'
                )
            new = [object_id for object_id, start in starts.items() if start == index]
            prompts[index] = LabelSource(masks[index], table={i: i for i in new}, size_mismatch=self.size_mismatch)
        return prompts, starts
