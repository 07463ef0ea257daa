"""Boxes from a file in place of a tracker."""

import os
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from mmvos.registry import TASK_UTILS
from mmvos.structures.box_tracks import BoxTracks

from .base import BoxTracker, TrackerState, Tracks
from .boxes import box_iou


@TASK_UTILS.register_module()
class CachedBoxes(BoxTracker):
    """Boxes of one video that any tracker (or an oracle) made before.

    A target takes the track of the file whose first box overlaps the target's most. ``previous`` of the state counts
    the frames since the first target.

    Args:
        path: file of box tracks of the video, see :class:`~mmvos.structures.box_tracks.BoxTracks`.
        first_frame: index in the video of the frame with which tracking starts.
        min_iou: of a target's box with a track's first one; no track above it raises ValueError.
    """

    def __init__(self, path: str | os.PathLike, first_frame: int = 0, min_iou: float = 0.5) -> None:
        self.path, self.first_frame, self.min_iou = os.fspath(path), first_frame, min_iou
        self.file = BoxTracks.load(path)

    def _prepare(self, frame: np.ndarray, state: TrackerState) -> TrackerState:
        return replace(state, previous=self.first_frame if state.previous is None else state.previous + 1)

    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[int]:
        scale = np.array((frame.shape[1], frame.shape[0]) * 2) / np.array(self.file.size[::-1] * 2)
        ids = list(self.file.tracks)
        firsts = np.array([min(self.file.tracks[i].items())[1][:4] for i in ids]).reshape(-1, 4) * scale
        targets = []
        for box in boxes:
            overlaps = box_iou(firsts, np.broadcast_to(box, firsts.shape))
            if not len(ids) or overlaps.max() < self.min_iou:
                raise ValueError(f'{self.path}: no track begins at the box {np.round(box, 1).tolist()}.')
            targets.append(ids[int(overlaps.argmax())])
        return targets

    def _follow(
        self, frame: np.ndarray, targets: list[Any], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[Any]]:
        scale = np.array((frame.shape[1], frame.shape[0]) * 2) / np.array(self.file.size[::-1] * 2)
        alive = [i for i, target in enumerate(state.targets) if target is not None]
        boxes, scores, ok = state.boxes[alive].copy(), np.full(len(targets), np.nan), np.zeros(len(targets), bool)
        for i, object_id in enumerate(targets):
            row = self.file.tracks[object_id].get(state.previous + 1)
            if row is not None:
                boxes[i], scores[i], ok[i] = np.array(row[:4]) * scale, row[4], row[5]
        return Tracks(boxes, scores, ok), targets
