"""Masks of a whole video from the frames that a person has set, forwards and backwards."""

import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from mmvos.inference import VOSSession
from mmvos.structures import InputError, VOSDataSample, object_ids_of
from mmvos.videos import Video
from mmvos.videos.video import read_ahead

#: scores between set frames are kept at no more lines than this
_KEPT_LINES = 480


class Propagation:
    """Carries the objects of *set* frames through a video.

    Each object goes from the frames where a person has set it to all others. Between two such frames it is carried in both
    directions and the scores are blended, the nearer frame counting more; set masks stay as they are. A set frame that comes
    later corrects the objects that are on their way (:meth:`VOSSession.correct`), so that what was remembered before is kept.
    Before a pass begins, its session is shown the nearest set frames on its way, so that it knows the objects from all of them
    from the first frame on: a mask that is poor counts as one among several.

    Memory does not grow with the video: the scores of the forward pass that are still to be blended wait on disk.

    Args:
        make_session (Callable): gives a new session of a causal model.
        video (Video): the video; its own prompts are not looked at.
        given (dict[int, ndarray]): label map uint8 ``(H, W)`` of each set frame; it holds the objects that are set there.
        first, last (int | None): first and last frame that is wanted; None: of the video.
        shown (int): how many set frames a session is shown before a pass.

    Raises:
        InputError: nothing is set, or outside the video.
    """

    def __init__(
        self,
        make_session: Callable[[], VOSSession],
        video: Video,
        given: Mapping[int, np.ndarray],
        first: int | None = None,
        last: int | None = None,
        shown: int = 3,
    ) -> None:
        if not given:
            raise InputError(f'{video.video_id}: no frame is set; point at an object first.')
        beyond = [i for i in given if not 0 <= i < len(video)]
        if beyond:
            raise InputError(f'{video.video_id}: frame {beyond[0]} is set, but the video has {len(video)} frames.')
        self.make_session, self.video, self.given, self.shown = make_session, video, dict(given), shown
        self.first = 0 if first is None else max(first, 0)
        self.last = len(video) - 1 if last is None else min(last, len(video) - 1)
        set_in: dict[int, list[int]] = {}
        for index in sorted(self.given):
            for object_id in object_ids_of(self.given[index]):
                set_in.setdefault(object_id, []).append(index)
        #: frames in which each object is set
        self.set_in = set_in

    def __len__(self) -> int:
        """How many frames the passes go through, for progress."""
        begin, end = min(self.given), max(self.given)
        return max(self.last - begin + 1, 0) + max(end - self.first, 0)

    def run(self) -> Generator[tuple[int, np.ndarray | None], None, None]:
        """One item per frame that a pass went through: its index, and its label map, uint8 ``(H, W)``, once that is final.

        The label map is None where the other pass has yet to come.
        """
        begin, end = min(self.given), max(self.given)
        with tempfile.TemporaryDirectory(prefix='mmvos-') as folder:
            waiting = _Scores(Path(folder))
            for result in self._carry(range(begin, self.last + 1)):
                index = result.frame_index
                if index < end and index >= self.first:
                    waiting.put(index, result.object_ids, result.pred_scores.cpu().numpy())
                    yield index, None
                else:
                    yield index, self._final(index, result.pred_label_map)
            for result in self._carry(range(end, self.first - 1, -1)):
                index = result.frame_index
                if index == end:
                    continue
                blended = self._blend(index, waiting.take(index), result) if index in waiting else result.pred_label_map
                yield index, self._final(index, blended)

    def _carry(self, indices: range) -> Iterator[VOSDataSample]:
        """Results of the frames in the given order."""
        session = self._session(indices)
        for index, frame in zip(indices, read_ahead(self.video.read, indices, self.video.prefetch), strict=True):
            prompt = self.given.get(index)
            known = set(session.object_ids)
            if prompt is not None and not known:
                result = session.step(frame, prompt)
            elif known:
                result = session.step(frame)
                if prompt is not None:
                    result = session.correct(frame, prompt)
            else:
                continue
            result.set_metainfo(dict(frame_index=index))
            yield result

    def _session(self, indices: range) -> VOSSession:
        """A session that was shown later set frames of a pass, the nearest last, those with objects of the first one alone."""
        session = self.make_session()
        on_the_way = [index for index in indices if index in self.given]
        ids = set(object_ids_of(self.given[on_the_way[0]])) if on_the_way else set()
        near = [index for index in on_the_way[1:] if set(object_ids_of(self.given[index])) <= ids][: self.shown]
        for index in reversed(near):
            frame, prompt = self.video.read(index), self.given[index]
            if session.object_ids:
                session.step(frame)
                session.correct(frame, prompt)
            else:
                session.step(frame, prompt)
        return session

    def _final(self, index: int, label_map: np.ndarray) -> np.ndarray:
        """The label map with what is set in its frame."""
        given = self.given.get(index)
        if given is None:
            return label_map
        final = label_map.copy()
        final[np.isin(final, object_ids_of(given))] = 0
        return np.where(given > 0, given, final)

    def _blend(self, index: int, forward: tuple[list[int], np.ndarray], backward: VOSDataSample) -> np.ndarray:
        """Label map of both passes' scores, weighted object by object by how near its set frames are."""
        ids, scores = forward
        shape = backward.pred_label_map.shape
        there = {i: _resized(scores[row], shape) for row, i in enumerate([0, *ids])}
        back = {i: one for i, one in zip([0, *backward.object_ids], backward.pred_scores.cpu().numpy(), strict=True)}
        shares = {}
        for object_id in sorted({*ids, *backward.object_ids}):
            before = [index - i for i in self.set_in[object_id] if i < index]
            after = [i - index for i in self.set_in[object_id] if i > index]
            shares[object_id] = _share(min(before, default=None), min(after, default=None))
        names = [0, *shares]
        mixed = [self._mix(there.get(0), back.get(0), float(np.mean(list(shares.values()))))]
        mixed += [self._mix(there.get(i), back.get(i), share) for i, share in shares.items()]
        return np.array(names, np.uint8)[np.argmax(np.stack(mixed), 0)]

    @staticmethod
    def _mix(forward: np.ndarray | None, backward: np.ndarray | None, share: float) -> np.ndarray:
        if forward is None or backward is None:
            return forward if backward is None else backward  # type: ignore[return-value]  # one of the two is there
        return share * forward + (1 - share) * backward


def _share(before: int | None, after: int | None) -> float:
    """Weight of the forward pass, by the distances to the nearest set frames before and after."""
    if before is None or after is None:
        return 0.0 if before is None else 1.0
    return after / (before + after)


def _resized(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    plane = plane.astype(np.float32) / 255
    return plane if plane.shape == shape else cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR)


class _Scores:
    """Scores of frames on disk, in 8 bits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[int, tuple[list[int], tuple[int, ...]]] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._known

    def put(self, index: int, ids: list[int], scores: np.ndarray) -> None:
        lines = scores.shape[1]
        if lines > _KEPT_LINES:
            size = (max(scores.shape[2] * _KEPT_LINES // lines, 1), _KEPT_LINES)
            scores = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in scores])
        packed = np.round(scores.clip(0, 1) * 255).astype(np.uint8)
        self._known[index] = list(ids), packed.shape
        (self._folder / str(index)).write_bytes(zlib.compress(packed.tobytes(), 1))

    def take(self, index: int) -> tuple[list[int], np.ndarray]:
        ids, shape = self._known.pop(index)
        path = self._folder / str(index)
        data = zlib.decompress(path.read_bytes())
        path.unlink()
        return ids, np.frombuffer(data, np.uint8).reshape(shape)
