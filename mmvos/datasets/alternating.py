"""Several data sets that a training alternates between (still images, videos), and videos counted frame by frame."""

from bisect import bisect_right
from itertools import accumulate
from typing import Any

from torch.utils.data import Dataset

from mmvos.registry import DATASETS
from mmvos.structures import InputError


@DATASETS.register_module()
class AlternatingDatasets(Dataset):
    """Data sets side by side, each a named stream. Every sample says which one it comes from (metainfo ``stream``).

    Batches are made of one stream at a time by ``AlternatingBatchSampler``.

    Args:
        streams (dict[str, Any]): ``{name: config of a data set}``; a list of configs under a name is concatenated.

    Raises:
        InputError: no streams.
    """

    def __init__(self, streams: dict[str, Any]) -> None:
        if not streams:
            raise InputError('AlternatingDatasets: no streams given; expected {name: config of a data set}.')
        self.parts: list[tuple] = []  # (stream, data set)
        for name, configs in streams.items():
            for config in configs if isinstance(configs, (list, tuple)) else [configs]:
                self.parts.append((name, DATASETS.build(config) if isinstance(config, dict) else config))
        self.ends = list(accumulate(len(dataset) for _, dataset in self.parts))
        #: {name: range of its indices}
        self.ranges: dict[str, range] = {}
        for (name, dataset), end in zip(self.parts, self.ends, strict=True):
            first = self.ranges[name].start if name in self.ranges else end - len(dataset)
            self.ranges[name] = range(first, end)

    @property
    def metainfo(self) -> dict:
        """Metainfo of the first data set."""
        return getattr(self.parts[0][1], 'metainfo', {})

    def full_init(self) -> None:
        """Read the lists of all data sets."""
        for _, dataset in self.parts:
            if hasattr(dataset, 'full_init'):
                dataset.full_init()

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, idx: int) -> dict:
        part = bisect_right(self.ends, idx)
        name, dataset = self.parts[part]
        sample = dataset[idx - self.ends[part] + len(dataset)]
        sample['data_samples'].set_metainfo(dict(stream=name))
        return sample


@DATASETS.register_module()
class FrameDataset(Dataset):
    """The labelled frames of all videos of a data set, one item each: for transforms that pick the other frames of a clip
    around a target (``results['target_frame']``).

    Args:
        dataset (dict): config of a data set of videos.
    """

    def __init__(self, dataset: dict) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.dataset.full_init()
        self.targets = [
            (video, frame) for video in range(len(self.dataset)) for frame in self.dataset.get_data_info(video)['labelled']
        ]

    @property
    def metainfo(self) -> dict:
        """Metainfo of the data set."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, idx: int) -> dict:
        video, frame = self.targets[idx]
        info = self.dataset.get_data_info(video)
        info['target_frame'] = frame
        sample = self.dataset.pipeline(info)
        if sample is None:
            raise InputError(f'{info["video_id"]}, frame {frame}: the pipeline gave no clip for this target.')
        return sample
