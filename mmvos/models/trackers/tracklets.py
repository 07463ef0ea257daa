"""Tracklets of an object, found at several places of a video, and how they become one tube per object (DyeNet)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mmvos.structures import InputError

#: function of two tracklets and a frame that both have: IoU of their masks there
FrameIoU = Callable[['Tracklet', 'Tracklet', int], float]


@dataclass
class Tracklet:
    """A run of consecutive frames that one starting point was propagated to.

    Attributes:
        id (int): number of the tracklet, in the order in which tracklets were accepted.
        instance (int): index of the object, from 0.
        similarity (float): how much the starting point looks like the object's templates; 1 for a given mask.
        start_frame (int): frame of the starting point.
        regions (dict[int, Any]): whatever stands for the mask in each frame.
        refused (bool): linking can use nothing of it; it is not propagated further.
    """

    id: int
    instance: int
    similarity: float
    start_frame: int
    regions: dict[int, Any] = field(default_factory=dict)
    refused: bool = False

    @property
    def rank(self) -> tuple[float, int, int]:
        """Sort key: the most similar first, then the earliest."""
        return -self.similarity, self.start_frame, self.id


#: one object's tracklet in every frame in which it is seen
Tube = dict[int, Tracklet]


@dataclass
class Decision:
    """What linking did with a tracklet.

    Attributes:
        id (int): the tracklet's number.
        decision (str): ``'seed'``, ``'merged'`` or ``'rejected'``.
        frames (list[int]): frames that its object's tube took from it.
        reason (str): whom a rejected tracklet contradicts: ``'same_instance'`` or ``'other_instance'``.
    """

    id: int
    decision: Literal['seed', 'merged', 'rejected']
    frames: list[int] = field(default_factory=list)
    reason: str = ''


@dataclass(frozen=True)
class LinkSettings:
    """When tracklets contradict each other, and what happens then. The paper does not say.

    Args:
        merge_iou (float): two tracklets of one object contradict each other where their IoU is below it.
        exclusive_iou (float): tracklets of two objects contradict each other where their IoU is at least it.
        conflict_ratio (float): share of the common frames that may contradict (``'reject'``).
        on_conflict (str): what happens to a tracklet that contradicts a tube: ``'reject'`` it, ``'trim'`` it to the run around
            its starting frame without contradiction, or let ``'confidence'`` decide: where it contradicts its own object's
            tube, the one that looks more like the object stays.
        confidence_margin (float): by how much the mean confidence of a tracklet in a run of contradicting frames must exceed
            the tube's to replace it (``'confidence'``).

    Raises:
        InputError: a value out of range.
    """

    merge_iou: float = 0.5
    exclusive_iou: float = 0.5
    conflict_ratio: float = 0.0
    on_conflict: Literal['reject', 'trim', 'confidence'] = 'reject'
    confidence_margin: float = 0.05

    def __post_init__(self) -> None:
        for name in ('merge_iou', 'exclusive_iou', 'conflict_ratio'):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f'{name} is {getattr(self, name)}; expected 0 to 1.')

    @property
    def first_conflict_decides(self) -> bool:
        """Whether nothing of a tracklet can be used at or beyond a frame in which it contradicts a tube."""
        return self.on_conflict == 'trim' or (self.on_conflict == 'reject' and self.conflict_ratio == 0)


#: function of a tracklet and a frame that it has: how much it looks like its object there
Confidence = Callable[[Tracklet, int], float]


def contradicted_by(
    tracklet: Tracklet, frame: int, tubes: Sequence[Tube], iou: FrameIoU, settings: LinkSettings
) -> Literal['', 'same_instance', 'other_instance']:
    """Whom a tracklet contradicts in a frame: its own object's tube, another one's, or none (``''``)."""
    own = tubes[tracklet.instance]
    if frame in own and iou(tracklet, own[frame], frame) < settings.merge_iou:
        return 'same_instance'
    for instance, tube in enumerate(tubes):
        if instance != tracklet.instance and frame in tube and iou(tracklet, tube[frame], frame) >= settings.exclusive_iou:
            return 'other_instance'
    return ''


def link_tracklets(
    tracklets: Iterable[Tracklet],
    num_instances: int,
    iou: FrameIoU,
    settings: LinkSettings | None = None,
    confidence: Confidence | None = None,
) -> tuple[list[Tube], list[Decision]]:
    """Greedy linking (DyeNet, section 3.4): in the order of similarity, a tracklet joins its object's tube unless they
    contradict each other.

    Args:
        tracklets (Iterable[Tracklet]): tracklets in any order.
        num_instances (int): K.
        iou (FrameIoU): IoU of two tracklets' masks in a frame. It is asked for as few frames as decide.
        settings (LinkSettings | None): when tracklets contradict each other (None: defaults).
        confidence (Confidence | None): how much a tracklet looks like its object in a frame, for ``on_conflict='confidence'``
            (None: as much as in its starting frame).

    Returns:
        One tube for each object, and the decisions in order.
    """
    settings = settings or LinkSettings()
    tubes: list[Tube] = [{} for _ in range(num_instances)]
    decisions = []
    for tracklet in sorted(tracklets, key=lambda t: t.rank):
        tube = tubes[tracklet.instance]
        if not tube:
            tube.update(dict.fromkeys(tracklet.regions, tracklet))
            decisions.append(Decision(tracklet.id, 'seed', sorted(tracklet.regions)))
            continue
        if settings.on_conflict == 'reject':
            usable, reason = _all_or_nothing(tracklet, tubes, iou, settings)
        elif settings.on_conflict == 'trim':
            usable, reason = _run_around_start(tracklet, tubes, iou, settings)
        else:
            usable, reason = _more_confident_frames(tracklet, tubes, iou, settings, confidence or (lambda t, _: t.similarity))
        if reason:
            decisions.append(Decision(tracklet.id, 'rejected', reason=reason))
        else:
            tube.update(dict.fromkeys(usable, tracklet))
            decisions.append(Decision(tracklet.id, 'merged', usable))
    return tubes, decisions


def _all_or_nothing(tracklet: Tracklet, tubes: list[Tube], iou: FrameIoU, settings: LinkSettings) -> tuple[list[int], str]:
    """Frames that a tracklet adds to its tube, or the reason why it is rejected (``'reject'``)."""
    outwards = sorted(tracklet.regions, key=lambda frame: abs(frame - tracklet.start_frame))
    others = [i for i in range(len(tubes)) if i != tracklet.instance]
    conflicting: set[int] = set()
    for instance in (tracklet.instance, *others):
        only = [tube if i == instance else {} for i, tube in enumerate(tubes)]
        common = [frame for frame in outwards if frame in tubes[instance]]
        found: set[int] = set()
        for frame in common:
            reason = contradicted_by(tracklet, frame, only, iou, settings)
            if reason:
                found.add(frame)
                if len(found) > settings.conflict_ratio * len(common):
                    return [], reason
        conflicting |= found
    own = tubes[tracklet.instance]
    return sorted(frame for frame in tracklet.regions if frame not in own and frame not in conflicting), ''


def _run_around_start(tracklet: Tracklet, tubes: list[Tube], iou: FrameIoU, settings: LinkSettings) -> tuple[list[int], str]:
    """Frames that a tracklet adds to its tube, or the reason why it is rejected (``'trim'``)."""
    start = tracklet.start_frame
    reason = contradicted_by(tracklet, start, tubes, iou, settings)
    if reason:
        return [], reason
    run = [start]
    for step in (1, -1):
        frame = start + step
        while frame in tracklet.regions and not contradicted_by(tracklet, frame, tubes, iou, settings):
            run.append(frame)
            frame += step
    return sorted(frame for frame in run if frame not in tubes[tracklet.instance]), ''


def _more_confident_frames(
    tracklet: Tracklet, tubes: list[Tube], iou: FrameIoU, settings: LinkSettings, confidence: Confidence
) -> tuple[list[int], str]:
    """Frames that a tracklet adds to its tube or takes over in it, or the reason why it is rejected (``'confidence'``).

    A frame that shows another object's region is not used. A run of frames in which the tracklet and the tube differ goes to
    the more confident of the two; a tracklet that loses the run with its starting frame is rejected.
    """
    own = tubes[tracklet.instance]
    others: list[Tube] = [{} if i == tracklet.instance else tube for i, tube in enumerate(tubes)]
    reasons = {
        frame: contradicted_by(tracklet, frame, others, iou, settings) or contradicted_by(tracklet, frame, tubes, iou, settings)
        for frame in sorted(tracklet.regions)
    }
    if reasons[tracklet.start_frame] == 'other_instance':
        return [], 'other_instance'
    usable = [frame for frame, reason in reasons.items() if not reason and frame not in own]
    for run in _runs([frame for frame, reason in reasons.items() if reason == 'same_instance']):
        ours = sum(confidence(tracklet, frame) for frame in run) / len(run)
        theirs = sum(confidence(own[frame], frame) for frame in run) / len(run)
        if ours > theirs + settings.confidence_margin:
            usable += run
        elif tracklet.start_frame in run:
            return [], 'same_instance'
    return sorted(usable), ''


def _runs(frames: Sequence[int]) -> list[list[int]]:
    """Ascending frames as runs of consecutive ones."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][-1] + 1:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs
