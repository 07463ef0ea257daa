"""Numbering the objects of whole data sets, for losses that classify identities."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from torch.utils.data import Dataset

from mmvos.registry import DATASETS
from mmvos.structures import InputError, object_ids_of
from mmvos.videos import LabelSource


@DATASETS.register_module()
class IdentityDataset(Dataset):
    """Data sets of videos whose items also carry ``identities``: ``{object id: number}``, unique over all of them.

    Objects are those of each video's ``categories`` or ``object_frames`` where it has them, else of its first annotation. The
    numbers follow from the order of data sets, videos and ids, so they are the same in every process and every run.

    Args:
        dataset (dict | Sequence[dict]): config of the data set, or of several, without a pipeline.
        num_identities (int): how many numbers there are.
        pipeline (Sequence): training transforms.
        max_refetch (int): number of other videos that are tried in place of one without a usable clip.

    Raises:
        InputError: the data sets have more objects than ``num_identities``. When an item is asked for: no video gave a clip.
    """

    def __init__(
        self, dataset: dict | Sequence[dict], num_identities: int, pipeline: Sequence[dict | Callable], max_refetch: int = 1000
    ) -> None:
        configs = [dataset] if isinstance(dataset, dict) else list(dataset)
        self.datasets = [DATASETS.build(dict(config, pipeline=[])) for config in configs]
        self.pipeline, self.max_refetch = Compose(list(pipeline)), max_refetch
        self.metainfo = self.datasets[0].metainfo
        self.videos: list[tuple[Any, int]] = []  # data set, and position in it
        self.identities: list[dict[int, int]] = []
        count = 0
        for part in self.datasets:
            part.full_init()
            for index in range(len(part)):
                ids = self._object_ids(part.get_data_info(index))
                self.videos.append((part, index))
                self.identities.append({object_id: count + k for k, object_id in enumerate(ids)})
                count += len(ids)
        if count > num_identities:
            raise InputError(
                f'{self.source_name}: {count} objects, but the loss has rows for {num_identities} '
                'identities; raise num_identities of both.'
            )
        self.num_objects = count

    @property
    def source_name(self) -> str:
        """Names of the data sets, for messages."""
        return ', '.join(part.source_name for part in self.datasets)

    @staticmethod
    def _object_ids(video: dict) -> list[int]:
        known = video.get('object_frames') or video.get('categories')
        if known:
            return sorted(known)
        first = min(video['annotations'])
        return object_ids_of(LabelSource.of(video['annotations'][first]).read())

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> Any:
        for _ in range(self.max_refetch):
            part, position = self.videos[index]
            data = self.pipeline(dict(part.get_data_info(position), identities=self.identities[index]))
            if data is not None:
                return data
            index = int(np.random.randint(len(self)))  # nothing to sample in this video
        raise InputError(f'{self.source_name}: none of {self.max_refetch} random videos gave a clip.')
