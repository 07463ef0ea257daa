"""Tracklets of an object, found at several places of a video, and how they become one tube per object (DyeNet)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: IoU of the masks of two tracklets in a frame that both have
FrameIoU = Callable[['Tracklet', 'Tracklet', int], float]


@dataclass
class Tracklet:
    """A run of consecutive frames that one starting point was propagated to.

    ``instance``: index of the object. ``similarity``: of the starting point to the object's templates. ``regions``: whatever
    stands for the mask in each frame.
    """

    id: int
    instance: int
    similarity: float
    start_frame: int
    regions: dict[int, Any] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[float, int, int]:
        """Sort key: the most similar first, then the earliest."""
        return -self.similarity, self.start_frame, self.id


@dataclass
class Decision:
    """What linking did with a tracklet: ``'seed'``, ``'merged'`` or ``'rejected'`` (and why), and the frames that it gave."""

    id: int
    decision: str
    frames: list[int] = field(default_factory=list)
    reason: str = ''


def link_tracklets(
    tracklets: list[Tracklet],
    num_instances: int,
    iou: FrameIoU,
    merge_iou: float = 0.5,
    exclusive_iou: float = 0.5,
    conflict_ratio: float = 0.0,
    on_conflict: str = 'reject',
) -> tuple[list[dict[int, Tracklet]], list[Decision]]:
    """Greedy linking (DyeNet, section 3.4): in the order of similarity, a tracklet joins its object's tube unless they
    contradict each other.

    A frame contradicts if the tracklet and the object's tube show different regions (IoU below ``merge_iou``), or if the
    tracklet shows the region of another object's tube (IoU at least ``exclusive_iou``). The paper does not define it.

    Args:
        tracklets: in any order.
        num_instances: K.
        iou: of two tracklets' masks in a frame.
        conflict_ratio: share of common frames that may contradict (``'reject'``).
        on_conflict: ``'reject'`` the whole tracklet, or ``'trim'`` it to the run around its starting frame without
            contradiction.

    Returns:
        One tube per object, ``{frame: tracklet that gives its mask}``, and the decisions in order.
    """
    tubes: list[dict[int, Tracklet]] = [{} for _ in range(num_instances)]
    decisions = []
    for tracklet in sorted(tracklets, key=lambda t: t.rank):
        tube = tubes[tracklet.instance]
        if not tube:
            tube.update({frame: tracklet for frame in tracklet.regions})
            decisions.append(Decision(tracklet.id, 'seed', sorted(tracklet.regions)))
            continue
        frames = sorted(tracklet.regions)
        same = [f for f in frames if f in tube]
        conflicts = {'same_instance': [f for f in same if iou(tracklet, tube[f], f) < merge_iou]}
        common = {'same_instance': len(same)}
        for other, other_tube in enumerate(tubes):
            if other != tracklet.instance:
                shared = [f for f in frames if f in other_tube]
                conflicts[f'other_instance {other}'] = [f for f in shared if iou(tracklet, other_tube[f], f) >= exclusive_iou]
                common[f'other_instance {other}'] = len(shared)
        conflicting = {f for found in conflicts.values() for f in found}
        if on_conflict == 'reject':
            refused = [k for k, found in conflicts.items() if found and len(found) > conflict_ratio * common[k]]
            usable = [f for f in frames if f not in conflicting]
        elif on_conflict == 'trim':
            refused = [k for k, found in conflicts.items() if tracklet.start_frame in found]
            usable = _run_around(tracklet.start_frame, frames, conflicting)
        else:
            raise ValueError(f"on_conflict is {on_conflict!r}; expected 'reject' or 'trim'.")
        if refused:
            decisions.append(Decision(tracklet.id, 'rejected', reason=refused[0].split()[0]))
            continue
        added = [f for f in usable if f not in tube]
        tube.update({f: tracklet for f in added})
        decisions.append(Decision(tracklet.id, 'merged', added))
    return tubes, decisions


def _run_around(start: int, frames: list[int], conflicting: set) -> list[int]:
    run = []
    for step in (1, -1):
        frame = start if step == 1 else start - 1
        while frame in frames and frame not in conflicting:
            run.append(frame)
            frame += step
    return sorted(run)
