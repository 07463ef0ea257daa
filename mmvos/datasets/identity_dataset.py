"""Numbering the objects of a whole data set, for losses that classify identities."""

from collections.abc import Callable, Sequence
from typing import Any

from mmengine.dataset import Compose
from torch.utils.data import Dataset

from mmvos.registry import DATASETS
from mmvos.structures import InputError, object_ids_of
from mmvos.videos import LabelSource


@DATASETS.register_module()
class IdentityDataset(Dataset):
    """A data set of videos whose items also carry ``identities``: ``{object id: number}``, unique over the data set.

    Objects are those of each video's ``categories`` or ``object_frames`` where it has them, else of its first annotation. The
    numbers follow from the order of videos and ids, so they are the same in every process and every run.

    Args:
        dataset: config of the data set, without a pipeline.
        num_identities: how many numbers there are.
        pipeline: training transforms.

    Raises:
        InputError: the data set has more objects than ``num_identities``.
    """

    def __init__(self, dataset: dict, num_identities: int, pipeline: Sequence[dict | Callable]) -> None:
        self.dataset = DATASETS.build(dict(dataset, pipeline=[]))
        self.dataset.full_init()
        self.pipeline = Compose(list(pipeline))
        self.metainfo = self.dataset.metainfo
        self.identities: list[dict[int, int]] = []
        count = 0
        for index in range(len(self.dataset)):
            ids = self._object_ids(self.dataset.get_data_info(index))
            self.identities.append({object_id: count + k for k, object_id in enumerate(ids)})
            count += len(ids)
        if count > num_identities:
            raise InputError(
                f'{self.dataset.source_name}: {count} objects, but the loss has rows for {num_identities} '
                'identities; raise num_identities of both.'
            )
        self.num_objects = count

    @staticmethod
    def _object_ids(video: dict) -> list[int]:
        known = video.get('object_frames') or video.get('categories')
        if known:
            return sorted(known)
        first = min(video['annotations'])
        return object_ids_of(LabelSource.of(video['annotations'][first]).read())

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any | None:
        while True:
            data = self.pipeline(dict(self.dataset.get_data_info(index), identities=self.identities[index]))
            if data is not None:
                return data
            index = self.dataset._rand_another()  # nothing to sample in this video
