"""Boxes from a file in place of a tracker."""

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor
from typing_extensions import override

from mmvos.registry import TRACKERS
from mmvos.structures import BoxTracks, InputError, box_iou

from .base import BoxTracker, TrackerState, Tracks


@TRACKERS.register_module()
class CachedBoxes(BoxTracker):
    """Boxes of one video that any tracker (or an oracle) made before.

    A target takes the track of the file whose first box overlaps the target's most. ``previous`` of the state counts the frames
    since the first target.

    Args:
        path (str | os.PathLike): file of box tracks of the video, see :class:`~mmvos.structures.BoxTracks`.
        first_frame (int): position in ``frames`` of the frame with which tracking starts.
        min_iou (float): least overlap of a target's box with the first box of its track, in [0, 1].
        frames (Sequence[str] | None): names (stems) of the frames that the tracker is shown, in order; None for those of the
            file. A session that is shown every fifth frame of what the file covers must say so here.

    Raises:
        InputError: no such file, or it lacks one of ``frames``; at the start of a target: no track begins at its box.
    """

    def __init__(
        self, path: str | os.PathLike, first_frame: int = 0, min_iou: float = 0.5, frames: Sequence[str] | None = None
    ) -> None:
        self.path, self.first_frame, self.min_iou = os.fspath(path), first_frame, min_iou
        self.file = BoxTracks.load(path)
        self.frames = self.file.frames if frames is None else list(frames)
        missing = self.file.missing(self.frames)
        if missing:
            raise InputError(f'{self.path}: no frame {missing[0]!r}; it holds the boxes of {len(self.file.frames)} frames.')

    @override
    def _prepare(self, frame: np.ndarray, state: TrackerState) -> TrackerState:
        return replace(state, previous=self.first_frame if state.previous is None else state.previous + 1)

    @override
    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[int]:
        scale = self._scale(frame)
        ids = list(self.file.tracks)
        firsts = np.array([next(iter(self.file.tracks[i].values()))[:4] for i in ids]).reshape(-1, 4) * scale
        targets = []
        for box in boxes:
            overlaps = box_iou(firsts, np.broadcast_to(box, firsts.shape))
            if not len(ids) or overlaps.max() < self.min_iou:
                raise InputError(f'{self.path}: no track begins at the box {np.round(box, 1).tolist()}.')
            targets.append(ids[int(overlaps.argmax())])
        return targets

    @override
    def _follow(
        self, frame: np.ndarray, targets: list[int], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[int]]:
        scale = self._scale(frame)
        alive = [i for i, target in enumerate(state.targets) if target is not None]
        boxes, scores, ok = state.boxes[alive].copy(), np.full(len(targets), np.nan), np.zeros(len(targets), bool)
        position = state.previous + 1
        name = self.frames[position] if position < len(self.frames) else None  # beyond the end, all targets are lost
        for i, object_id in enumerate(targets):
            row = self.file.tracks[object_id].get(name) if name is not None else None
            if row is not None:
                boxes[i], scores[i], ok[i] = np.array(row[:4]) * scale, row[4], row[5]
        return Tracks(boxes, scores, ok), targets

    def _scale(self, frame: np.ndarray) -> np.ndarray:
        """Factors from pixels of the file to pixels of the frame, for x1, y1, x2, y2."""
        return np.array((frame.shape[1], frame.shape[0]) * 2) / np.array(self.file.size[::-1] * 2)
