"""People's own videos: a folder of frames per video, and masks beside them."""

from typing import Any

import numpy as np

from mmvos.registry import DATASETS
from mmvos.structures import InputError, MissingFileError, folder_names, is_folder, join_path, object_ids_of
from mmvos.videos import LabelSource, list_images
from mmvos.videos.layouts import frames_of, masks_by_frame, masks_in, read_list

from .base_vos_dataset import BaseVOSDataset


@DATASETS.register_module()
class FolderDataset(BaseVOSDataset):
    """Videos as folders of frames.

    ``data_root/JPEGImages/<video>/<frame>.jpg`` and ``data_root/Annotations/<video>/<frame>.png``, matched by stem;
    masks are label maps (palette or grey PNG, value = object id) of any frames. Numbers in names count by value. A
    video may also be nested (``<class>/<shot>``) if a list names it.

    Args:
        data_root (str): root folder.
        ann_file (str): list of the videos, one per line; default: every sub-folder of ``img``.
        data_prefix (dict | None): ``dict(img='JPEGImages', ann='Annotations')``.
        prompt (str): what the model is given: ``'first'`` (the first mask of a video), ``'all'`` (every mask introduces the
            objects in it: masks of new objects only, as in YouTube-VOS), ``'appear'`` (full annotations: each object
            where it first has ``min_pixels`` pixels; reads every mask), or ``'none'``.
        min_pixels (int): pixels that an object needs to be a prompt with ``prompt='appear'``.
        binary (bool): every object is the same object (masks 0/255).
        kwargs (dict): arguments of :class:`BaseVOSDataset`.

    Raises:
        InputError: unknown ``prompt``.
    """

    def __init__(
        self,
        data_root: str,
        ann_file: str = '',
        data_prefix: dict | None = None,
        prompt: str = 'first',
        binary: bool = False,
        min_pixels: int = 1,
        **kwargs: Any,
    ) -> None:
        if prompt not in ('first', 'all', 'appear', 'none'):
            raise InputError(f"prompt is {prompt!r}; expected 'first', 'all', 'appear' or 'none'.")
        self.prompt, self.binary, self.min_pixels = prompt, binary, min_pixels
        folders = dict(dict(img='JPEGImages', ann='Annotations'), **(data_prefix or {}))
        super().__init__(data_root=data_root, ann_file=ann_file, data_prefix=folders, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One video per sub-folder, or per line of the list."""
        root = self.data_prefix['img']
        if self.ann_file:
            names = read_list(self.ann_file)
        else:
            names = [name for name in folder_names(root, 'folder of the videos') if list_images(join_path(root, name))]
        return [self._video(name) for name in names]

    def _video(self, name: str) -> dict:
        frames = frames_of(join_path(self.data_prefix['img'], name), name)
        folder = join_path(self.data_prefix['ann'], name)
        masks = masks_by_frame(masks_in(folder), frames) if is_folder(folder) else {}
        if self.prompt != 'none' and not masks:
            raise MissingFileError(
                f'{folder}: no mask found for video {name!r}. Expected a label map of at least one '
                'frame, named as the frame with the suffix .png.'
            )
        video = dict(
            video_id=name,
            frames=frames,
            annotations={} if self.prompt == 'all' else masks,
            label_options=dict(binary=True) if self.binary else {},
            labelled=[] if self.prompt == 'all' else sorted(masks),
        )
        if self.prompt == 'appear':
            return dict(video, **self._appearances(masks))
        prompted = sorted(masks)[: dict(first=1, all=None, none=0)[self.prompt]]
        return dict(video, prompts={i: masks[i] for i in prompted})

    def _appearances(self, masks: dict[int, str]) -> dict:
        starts: dict[int, int] = {}
        prompts = {}
        for index, path in sorted(masks.items()):
            source = LabelSource(path, binary=self.binary, size_mismatch=self.size_mismatch)
            label_map = source.read()
            counts = np.bincount(label_map.ravel(), minlength=256)
            new = [i for i in object_ids_of(label_map) if i not in starts and counts[i] >= self.min_pixels]
            if new:
                starts.update((i, index) for i in new)
                prompts[index] = source.only(new)
        return dict(prompts=prompts, prompt_frames=starts)
