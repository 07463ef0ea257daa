"""One interface for all box trackers: several targets at once, and no state in the tracker itself."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from mmvos.structures import PER_OBJECT, InputError, clip_boxes, keep_objects


class Tracks(NamedTuple):
    """Where the targets are in one frame.

    Attributes:
        boxes (np.ndarray): boxes in pixels of the frame, float64 ``(N, 4)``, (x1, y1, x2, y2); the last known box of a lost
            target.
        scores (np.ndarray): scores in [0, 1], float64 ``(N,)``; NaN where the tracker has none.
        ok (np.ndarray): bool ``(N,)``; False: the tracker says that it lost the target.
    """

    boxes: np.ndarray
    scores: np.ndarray
    ok: np.ndarray


@dataclass
class TrackerState:
    """What is carried from frame to frame.

    Attributes:
        targets (list): one entry for each target, whatever the tracker keeps of it; None for a target that had no pixels.
        boxes (np.ndarray): boxes in the last frame, float64 ``(N, 4)``.
        previous (Any): the last frame, in the form that the tracker needs (None if it needs none).
    """

    targets: list[Any] = field(metadata=PER_OBJECT)
    boxes: np.ndarray = field(metadata=PER_OBJECT)
    previous: Any = None

    def __len__(self) -> int:
        return len(self.targets)


class BoxTracker(metaclass=ABCMeta):
    """Follows boxes through a video.

    A tracker holds settings (and weights) only; what it knows of a video is in the state that it returns, so one tracker may
    follow several videos in turn. :class:`TrackingSession` keeps the state for those who want one video only.

    Frames are BGR uint8 ``(H, W, 3)``; boxes float ``(N, 4)``, ``(x1, y1, x2, y2)``; masks bool ``(N, H, W)``.
    """

    def init(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None = None) -> TrackerState:
        """The state at the start: the targets of a first frame.

        Args:
            frame (np.ndarray): the first frame, BGR uint8 ``(H, W, 3)``.
            boxes (np.ndarray): ``(N, 4)``, boxes of the targets in pixels; a box without area is a target that can never be
                found (``ok`` stays False).
            masks (np.ndarray | None): ``(N, H, W)``, masks of the targets, for the trackers that can use them.

        Raises:
            InputError: boxes or masks of a wrong shape, or a box with NaN.
        """
        empty = TrackerState([], np.zeros((0, 4)))
        return self.add(frame, boxes, self._prepare(frame, empty), masks)

    def add(self, frame: np.ndarray, boxes: np.ndarray, state: TrackerState, masks: np.ndarray | None = None) -> TrackerState:
        """The state with further targets.

        Args:
            frame (np.ndarray): the frame in which they begin, BGR uint8 ``(H, W, 3)``: that of the last update.
            boxes (np.ndarray): ``(N, 4)``, see :meth:`init`.
            state (TrackerState): state after the frame.
            masks (np.ndarray | None): ``(N, H, W)``, see :meth:`init`.
        """
        boxes = self._check(frame, boxes, masks)
        visible = clip_boxes(boxes, *frame.shape[:2])
        found = [i for i, (x1, y1, x2, y2) in enumerate(visible) if x2 > x1 and y2 > y1]
        targets: list[Any] = [None] * len(boxes)
        if found:
            started = self._start(frame, boxes[found], masks[found] if masks is not None else None)
            for i, target in zip(found, started, strict=True):
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
            frame (np.ndarray): the next frame, BGR uint8 ``(H, W, 3)``.
            state (TrackerState): state after the frame before.
            flow_bwd (Tensor | None): optical flow from this frame to the one before, float ``(2, h, w)`` in pixels of its own
                size, if the caller has it already; a tracker that needs flow estimates it otherwise.
            masks (Tensor | None): masks of the targets in this frame from another source, float ``(N, h, w)``, for
                :class:`MaskBoxTracker`.

        Returns:
            Tracks in this frame, and the state after it.
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
            for i, target in zip(alive, moved, strict=True):
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

    def _prepare(self, frame: np.ndarray, state: TrackerState) -> TrackerState:  # noqa: ARG002  (for subclasses)
        """The state with what the next update needs of this frame (nothing, unless overridden)."""
        return state

    @staticmethod
    def _check(frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        boxes = np.asarray(boxes, np.float64)
        if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
            raise InputError(f'boxes of shape {boxes.shape}; expected finite (N, 4): x1, y1, x2, y2 in pixels.')
        if masks is not None and masks.shape != (len(boxes), *frame.shape[:2]):
            raise InputError(f'masks of shape {masks.shape}; expected {(len(boxes), *frame.shape[:2])}, one per box.')
        return boxes


class NoTracker(BoxTracker):
    """In place of a tracker that a model does without: it finds no target; the box of each stays where it began."""

    @override
    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[Any]:
        return list(boxes)

    @override
    def _follow(
        self, frame: np.ndarray, targets: list[Any], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[Any]]:
        count = len(targets)
        return Tracks(np.stack(targets), np.full(count, np.nan), np.zeros(count, bool)), targets


class TrackingSession:
    """A tracker and the state of one video::

        session = TrackingSession(tracker)
        session.init(frame0, boxes)                # (N, 4)
        boxes, scores = session.update(frame1)     # (N, 4), (N,)
        session.add(frame1, more_boxes)            # from here on N + M targets
        session.drop([0])

    Args:
        tracker (BoxTracker): follows the targets.

    Attributes:
        lost (np.ndarray): which targets the tracker says it lost, bool ``(N,)``.
    """

    def __init__(self, tracker: BoxTracker) -> None:
        self.tracker = tracker
        self.lost: np.ndarray = np.zeros(0, np.bool_)
        self._state: TrackerState | None = None

    @property
    def state(self) -> TrackerState:
        """The tracker's state. RuntimeError: :meth:`init` was not called."""
        if self._state is None:
            raise RuntimeError('the session has no targets yet: call init(frame, boxes) first.')
        return self._state

    def init(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None = None) -> None:
        """Start on a new video; arguments: see :meth:`BoxTracker.init`."""
        self._state = self.tracker.init(frame, boxes, masks)
        self.lost = np.zeros(len(self._state), np.bool_)

    def update(self, frame: np.ndarray, flow_bwd: Tensor | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Boxes ``(N, 4)`` and scores ``(N,)`` in the next frame.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
            flow_bwd (Tensor | None): see :meth:`BoxTracker.update`.
        """
        tracks, self._state = self.tracker.update(frame, self.state, flow_bwd)
        self.lost = ~tracks.ok
        return tracks.boxes, tracks.scores

    def add(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None = None) -> None:
        """Further targets, which begin in the frame of the last update; arguments: see :meth:`BoxTracker.init`."""
        self._state = self.tracker.add(frame, boxes, self.state, masks)
        self.lost = np.pad(self.lost, (0, len(self._state) - len(self.lost)))

    def drop(self, indices: Sequence[int]) -> None:
        """Stop following these targets; the others move up."""
        keep = [i for i in range(len(self.state)) if i not in set(indices)]
        self._state, self.lost = self.tracker.keep(keep, self.state), self.lost[keep]
