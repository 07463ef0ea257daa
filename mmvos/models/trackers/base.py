"""One interface for all box trackers: several targets at once, and no state in the tracker itself."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmvos.structures import PER_OBJECT, clip_boxes, keep_objects


class Tracks(NamedTuple):
    """Where the targets are in one frame.

    ``boxes``: float64 ``(N, 4)``, ``(x1, y1, x2, y2)`` in pixels of the frame; the last known box of a lost target.
    ``scores``: float64 ``(N,)`` in [0, 1], NaN where the tracker has none.
    ``ok``: bool ``(N,)``; False: the tracker says that it lost the target.
    """

    boxes: np.ndarray
    scores: np.ndarray
    ok: np.ndarray


@dataclass
class TrackerState:
    """What is carried from frame to frame.

    ``targets``: one entry per target, whatever the tracker keeps of it; None for a target that had no pixels.
    ``boxes``: float64 ``(N, 4)``, in the last frame.
    ``previous``: the last frame, in the form that the tracker needs (None if it needs none).
    """

    targets: list[Any] = field(metadata=PER_OBJECT)
    boxes: np.ndarray = field(metadata=PER_OBJECT)
    previous: Any = None

    def __len__(self) -> int:
        return len(self.targets)


class BoxTracker(metaclass=ABCMeta):
    """Follows boxes through a video.

    A tracker holds settings (and weights) only; what it knows of a video is in the state that it returns, so one
    tracker may follow several videos in turn. :class:`TrackingSession` keeps the state for those who want one video
    only.

    Frames are BGR uint8 ``(H, W, 3)``; boxes float ``(N, 4)``, ``(x1, y1, x2, y2)``; masks bool ``(N, H, W)``.
    """

    def init(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None = None) -> TrackerState:
        """Start on the targets of a first frame.

        Args:
            frame: BGR uint8 ``(H, W, 3)``.
            boxes: ``(N, 4)``; a box without area is a target that can never be found (``ok`` stays False).
            masks: the targets' masks, for the trackers that can use them.

        Raises:
            ValueError: boxes or masks of a wrong shape, or a box with NaN.
        """
        empty = TrackerState([], np.zeros((0, 4)))
        return self.add(frame, boxes, self._prepare(frame, empty), masks)

    def add(self, frame: np.ndarray, boxes: np.ndarray, state: TrackerState, masks: np.ndarray | None = None) -> TrackerState:
        """The state with further targets, which begin in ``frame``: the frame that the state was last updated with."""
        boxes = self._check(frame, boxes, masks)
        visible = clip_boxes(boxes, *frame.shape[:2])
        found = [i for i, (x1, y1, x2, y2) in enumerate(visible) if x2 > x1 and y2 > y1]
        targets: list[Any] = [None] * len(boxes)
        if found:
            started = self._start(frame, boxes[found], masks[found] if masks is not None else None)
            for i, target in zip(found, started):
                targets[i] = target
        return replace(state, targets=state.targets + targets, boxes=np.concatenate((state.boxes, boxes)))

    def keep(self, indices: Sequence[int], state: TrackerState) -> TrackerState:
        """The state with only the targets of these indices, in this order."""
        return keep_objects(indices, state)

    @torch.no_grad()
    def update(
        self, frame: np.ndarray, state: TrackerState, flow_bwd: Tensor | None = None, masks: Tensor | None = None
    ) -> tuple[Tracks, TrackerState]:
        """Follow all targets into the next frame.

        Args:
            frame: BGR uint8 ``(H, W, 3)``.
            state: after the frame before.
            flow_bwd: optical flow from this frame to the one before, float ``(2, h, w)`` in pixels of its own size, if
                the caller has it already; a tracker that needs flow estimates it otherwise.
            masks: somebody else's idea of the targets in this frame, float ``(N, h, w)``; for :class:`MaskBoxTracker`.
        """
        count = len(state)
        boxes, scores, ok = state.boxes.copy(), np.full(count, np.nan), np.zeros(count, bool)
        alive = [i for i, target in enumerate(state.targets) if target is not None]
        targets = list(state.targets)
        if alive:
            found, moved = self._follow(
                frame, [state.targets[i] for i in alive], state, flow_bwd, masks[alive] if masks is not None else None
            )
            boxes[alive], scores[alive], ok[alive] = found
            for i, target in zip(alive, moved):
                targets[i] = target
        state = self._prepare(frame, replace(state, targets=targets, boxes=boxes))
        return Tracks(boxes, scores, ok), state

    @abstractmethod
    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[Any]:
        """What is kept of each of the targets."""

    @abstractmethod
    def _follow(
        self, frame: np.ndarray, targets: list[Any], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[Any]]:
        """Tracks of the targets in this frame, and the targets for the next."""

    def _prepare(self, frame: np.ndarray, state: TrackerState) -> TrackerState:
        """Store of the frame what the next update needs (nothing, unless overridden)."""
        return state

    @staticmethod
    def _check(frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        boxes = np.asarray(boxes, np.float64)
        if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
            raise ValueError(f'boxes of shape {boxes.shape}; expected finite (N, 4): x1, y1, x2, y2 in pixels.')
        if masks is not None and masks.shape != (len(boxes), *frame.shape[:2]):
            raise ValueError(f'masks of shape {masks.shape}; expected {(len(boxes), *frame.shape[:2])}, one per box.')
        return boxes


class NoTracker(BoxTracker):
    """In place of a tracker that a model does without: it finds no target."""

    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[Any]:
        return [None] * len(boxes)

    def _follow(
        self, frame: np.ndarray, targets: list[Any], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[Any]]:
        raise NotImplementedError('there is no target to follow.')


class TrackingSession:
    """A tracker and the state of one video::

    session = TrackingSession(tracker)
    session.init(frame0, boxes)                # (N, 4)
    boxes, scores = session.update(frame1)     # (N, 4), (N,)
    session.add(frame1, more_boxes)            # from here on N + M targets
    session.drop([0])
    """

    def __init__(self, tracker: BoxTracker) -> None:
        self.tracker, self.state, self.lost = tracker, None, np.zeros(0, bool)

    def init(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None = None) -> None:
        """Start on a new video."""
        self.state = self.tracker.init(frame, boxes, masks)
        self.lost = np.zeros(len(self.state), bool)

    def update(self, frame: np.ndarray, flow_bwd: Tensor | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Boxes ``(N, 4)`` and scores ``(N,)`` in the next frame; ``session.lost`` tells which targets are lost."""
        self._begun()
        tracks, self.state = self.tracker.update(frame, self.state, flow_bwd)
        self.lost = ~tracks.ok
        return tracks.boxes, tracks.scores

    def add(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None = None) -> None:
        """Further targets, which begin in the frame of the last update."""
        self._begun()
        self.state = self.tracker.add(frame, boxes, self.state, masks)
        self.lost = np.concatenate((self.lost, np.zeros(len(self.state) - len(self.lost), bool)))

    def drop(self, indices: Sequence[int]) -> None:
        """Stop following these targets; the others move up."""
        self._begun()
        keep = [i for i in range(len(self.state)) if i not in set(indices)]
        self.state, self.lost = self.tracker.keep(keep, self.state), self.lost[keep]

    def _begun(self) -> None:
        if self.state is None:
            raise RuntimeError('the session has no targets yet: call init(frame, boxes) first.')
