"""What a video instance model remembers: the last feature maps and the instances it has seen."""

from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor

from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError


@TASK_UTILS.register_module()
class MemoryQueue:
    """The memory queue of "Spatio-temporal Attention Network for Video Instance Segmentation" (section 3.2).

    One object per video. It holds the feature maps of the last ``num_maps`` frames (for the attention) and one entry
    per instance (for the tracker), whose fields (boxes, classes, embeddings, ...) are tensors indexed by instance, in
    the order in which the instances were first seen. Both are bounded, however long the video is.

    Args:
        num_maps (int): number of frames whose maps are kept (0: none).
        num_frames_retain (int | None): an instance that was not seen for this many frames is forgotten (None: never).
        max_instances (int): most instances that are kept; those unseen for longest are forgotten first.

    Raises:
        InputError: no room for an instance.
    """

    def __init__(self, num_maps: int = 1, num_frames_retain: int | None = None, max_instances: int = 1000) -> None:
        if max_instances < 1:
            raise InputError(f'max_instances is {max_instances}; expected at least 1.')
        self.num_frames_retain, self.max_instances = num_frames_retain, max_instances
        self._maps: deque[tuple[Tensor, ...]] = deque(maxlen=num_maps)
        self.num_ids = 0  #: ids given so far; the next new instance gets this one
        self.ids = torch.zeros(0, dtype=torch.long)
        self.last_seen = torch.zeros(0, dtype=torch.long)
        self._fields: dict[str, Tensor] = {}

    def __len__(self) -> int:
        """Number of instances."""
        return len(self.ids)

    def __getitem__(self, field: str) -> Tensor:
        """A field of all instances, ``(len(self), ...)``."""
        return self._fields[field]

    def push_maps(self, maps: Sequence[Tensor]) -> None:
        """Remember the maps ``(1, C, h, w)`` of the frame that was just seen, also if nothing was detected in it."""
        self._maps.append(tuple(m.detach() for m in maps))

    def read_maps(self, like: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        """Maps ``(1, C, h, w)`` of earlier frames, oldest first; any of another size than ``like`` is left out."""
        shapes = [m.shape for m in like]
        return [maps for maps in self._maps if [m.shape for m in maps] == shapes]

    def new_ids(self, count: int) -> Tensor:
        """Ids ``(count,)`` that were never used in this video."""
        self.num_ids += count
        return torch.arange(self.num_ids - count, self.num_ids)

    def update(self, ids: Tensor, frame_index: int, keep: Sequence[str] = (), **fields: Tensor) -> None:
        """Write what was seen in a frame.

        Args:
            ids (Tensor): ``(n,)``; known ids are overwritten (by the last row, if an id occurs twice), others are added.
            frame_index (int): position of the frame in the video.
            keep (Sequence[str]): fields that an instance keeps from when it was first seen.
            fields (dict): tensors of n rows; the same names in every call.
        """
        ids = ids.cpu()
        if not len(ids):
            return
        if not self._fields:
            self._fields = {name: value[:0].detach() for name, value in fields.items()}
        # the last row of each id, in the order in which the ids occur first
        last = {int(i): row for row, i in enumerate(ids)}
        position = {int(i): p for p, i in enumerate(self.ids)}
        known = [i for i in last if i in position]
        fresh = [i for i in last if i not in position]
        at, rows = [position[i] for i in known], [last[i] for i in known]
        added = [last[i] for i in fresh]
        for name, value in fields.items():
            value, stored = value.detach(), self._fields[name]
            if at and name not in keep:
                stored = stored.clone()
                stored[at] = value[rows]
            self._fields[name] = torch.cat([stored, value[added]]) if added else stored
        self.last_seen[at] = frame_index
        self.last_seen = torch.cat([self.last_seen, torch.full((len(fresh),), frame_index)])
        self.ids = torch.cat([self.ids, torch.tensor(fresh, dtype=torch.long)])

    def forget(self, frame_index: int) -> None:
        """Drop the instances that are too old or too many at this frame."""
        stay = torch.ones(len(self), dtype=torch.bool)
        if self.num_frames_retain is not None:
            stay &= frame_index - self.last_seen < self.num_frames_retain
        if int(stay.sum()) > self.max_instances:
            newest = self.last_seen.masked_fill(~stay, -1).argsort(descending=True, stable=True)[: self.max_instances]
            stay = torch.zeros_like(stay).index_fill_(0, newest, True)
        self._select(stay)

    def remove(self, ids: Sequence[int]) -> None:
        """Drop instances; one that is still there will be found again under a new id. An unknown id raises KeyError."""
        unknown = set(ids) - set(self.ids.tolist())
        if unknown:
            raise KeyError(f'no instance {sorted(unknown)[0]} in the memory; it has {self.ids.tolist()}.')
        self._select(~torch.isin(self.ids, torch.tensor(list(ids), dtype=torch.long)))

    def _select(self, stay: Tensor) -> None:
        if stay.all():
            return
        self.ids, self.last_seen = self.ids[stay], self.last_seen[stay]
        self._fields = {name: value[stay.to(value.device)] for name, value in self._fields.items()}
