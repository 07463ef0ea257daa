"""A robot that corrects a segmented video as a person would, to measure what corrections bring."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from mmvos.inference import VOSSession
from mmvos.interaction import InteractiveSegmenter, Propagation
from mmvos.models.interactive import next_click
from mmvos.structures import Click, InputError, Prompt, object_ids_of
from mmvos.videos import Video

from .functional.frames import score_objects
from .functional.region import jaccard


@dataclass(frozen=True)
class Round:
    """Scores of a video after one round of corrections.

    Args:
        corrected (int): the frame that the robot set in this round.
        clicks (int): how many clicks it made there, of all objects.
        j, f (ndarray): float ``(frames, objects)``, 0..1: region similarity and contour accuracy.
        label_maps (list[ndarray]): uint8 ``(H, W)`` of every frame.
    """

    corrected: int
    clicks: int
    j: np.ndarray
    f: np.ndarray
    label_maps: list[np.ndarray] = field(repr=False)


class CorrectionRobot:
    """Looks for the worst frame, corrects it by clicks, propagates again: the protocol of interactive DAVIS (Caelles et al.,
    "The 2018 DAVIS Challenge on Video Object Segmentation", section 5) with clicks in place of strokes.

    The first round sets the first frame. Each further round takes the frame with the lowest mean J of those that are not set
    yet and corrects the masks of its objects: a click in the middle of the largest error, a look at the mask, the next click.

    Args:
        segmenter (InteractiveSegmenter): makes masks of clicks.
        make_session (Callable): gives a new session of a causal model that keeps its scores.
        max_clicks (int): clicks on one object in one frame at the most.
        good_enough (float): J from which on an object gets no further click, 0..1.
        first (str): how the first frame is set: ``'clicks'``, or ``'mask'`` for its annotation.
    """

    def __init__(
        self,
        segmenter: InteractiveSegmenter,
        make_session: Callable[[], VOSSession],
        max_clicks: int = 5,
        good_enough: float = 0.95,
        first: str = 'clicks',
    ) -> None:
        if first not in ('clicks', 'mask'):
            raise InputError(f"first is {first!r}; expected 'clicks' or 'mask'.")
        self.segmenter, self.make_session, self.first = segmenter, make_session, first
        self.max_clicks, self.good_enough = max_clicks, good_enough

    def play(self, video: Video, truth: list[np.ndarray], corrections: int) -> Iterator[Round]:
        """Scores after the first frame was set, and after each further correction.

        Args:
            video (Video): frames.
            truth (list[ndarray]): annotation uint8 ``(H, W)`` of every frame.
            corrections (int): rounds after the first one.

        Raises:
            InputError: another number of annotations than of frames, or no object in the first one.
        """
        if len(truth) != len(video):
            raise InputError(f'{video.video_id}: {len(truth)} annotations for {len(video)} frames; expected one per frame.')
        ids = object_ids_of(truth[0])
        if not ids:
            raise InputError(f'{video.video_id}: no object is annotated in the first frame.')
        found, worst = [np.zeros_like(one) for one in truth], 0
        given: dict[int, np.ndarray] = {}
        for number in range(corrections + 1):
            if number or self.first == 'clicks':
                given[worst], clicks = self._correct(
                    video.read(worst), truth[worst], found[worst], ids, (video.video_id, worst)
                )
            else:
                given[worst], clicks = np.where(np.isin(truth[worst], ids), truth[worst], 0).astype(np.uint8), 0
            for index, label_map in Propagation(self.make_session, video, given).run():
                if label_map is not None:
                    found[index] = label_map
            pairs = zip(truth, found, strict=True)
            scores = np.array([score_objects(true, one, ids) for true, one in pairs])  # (frames, 2, objects)
            yield Round(worst, clicks, scores[:, 0], scores[:, 1], list(found))
            ranks = scores[:, 0].mean(1)
            ranks[list(given)] = np.inf
            if np.isinf(ranks).all():
                return
            worst = int(ranks.argmin())

    def _correct(
        self, frame: np.ndarray, truth: np.ndarray, found: np.ndarray, ids: list[int], key: tuple[str, int]
    ) -> tuple[np.ndarray, int]:
        """The frame's label map after clicks on its objects, and how many they were."""
        corrected, total = found.copy(), 0
        for object_id in ids:
            true, before = truth == object_id, corrected == object_id
            mask = best = before
            clicks: list[Click] = []
            while len(clicks) < self.max_clicks and jaccard(true, best) < self.good_enough:
                clicks.append(Click(*next_click(true, mask)))
                prompt = Prompt(object_id, clicks=list(clicks), mask=before if before.any() else None)
                mask = self.segmenter.label_map(frame, [prompt], key) == object_id
                best = max(best, mask, key=lambda one: jaccard(true, one))  # a person sees that a click made it worse
            corrected[corrected == object_id] = 0
            corrected[best] = object_id
            total += len(clicks)
        return corrected, total
