"""What a video is: frames that are decoded when they are asked for, and the prompts that introduce objects."""

import copy
import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from mmvos.structures import InputError, check_unique, object_ids_of

from .images import check_stems, read_frame, stem_of
from .label_source import LabelSource

logger = logging.getLogger('mmvos')

Key = TypeVar('Key')
Value = TypeVar('Value')


class Video:
    """A video given as a list of image files. Nothing is decoded before it is asked for.

    Iterating yields ``(frame index, frame)``, read ahead by a background thread; ``video.read(i)`` reads any frame.
    Frames are BGR uint8 ``(H, W, 3)``.

    Args:
        frames (Sequence): paths of the frames, in order.
        video_id (str): the data set's own name of the video.
        prompts (Mapping | None): ``{frame index: label map}``; a prompt introduces the objects that it holds. Whatever
            :meth:`LabelSource.of` takes.
        prompt_options (Mapping | None): keyword arguments of :class:`LabelSource` for prompts that are none yet (``binary``,
            ``size_mismatch``, ``threshold``).
        frame_names (Sequence[str] | None): names that result files of the frames get (default: those of their own files).
        metainfo (Mapping | None): anything that results should carry (``annotations``, ``eval_frames``, ``categories``, ...).
        prefetch (int): how many frames are decoded ahead of need.

    Attributes:
        fps (float): frames per second of the source; image files have no rate of their own and count as 25.

    Raises:
        InputError: two frames of one name, a prompt at a frame that does not exist, or a prompt that is not a label map.
    """

    fps: float = 25.0

    def __init__(
        self,
        frames: Sequence[Any],
        video_id: str = 'video',
        prompts: Mapping[int, Any] | None = None,
        prompt_options: Mapping[str, Any] | None = None,
        frame_names: Sequence[str] | None = None,
        metainfo: Mapping[str, Any] | None = None,
        prefetch: int = 4,
    ) -> None:
        self.frames: list[Any] = list(frames)
        self.video_id = video_id
        self.prompts = {i: LabelSource.of(p, **(prompt_options or {})) for i, p in (prompts or {}).items()}
        if frame_names is None:
            check_stems(self.frames)
            frame_names = [stem_of(frame) for frame in self.frames]
        elif isinstance(frame_names, list):
            check_unique(frame_names, video_id, 'frame')
        self.frame_names = frame_names
        self.metainfo = dict(metainfo or {})
        self.prefetch = prefetch
        self._check_prompts()

    def _check_prompts(self) -> None:
        beyond = [i for i in self.prompts if not 0 <= i < len(self)]
        if beyond:
            raise InputError(f'{self.video_id}: prompt at frame {beyond[0]}, but the video has {len(self)} frames.')

    def with_prompts(self, prompts: Mapping[int, Any], prompt_options: Mapping[str, Any] | None = None) -> 'Video':
        """The same video with further prompts; this one stays as it is.

        Args:
            prompts (Mapping): as for the class.
            prompt_options (Mapping | None): as for the class; of these prompts.

        Raises:
            InputError: a frame has a prompt already, or as for the class.
        """
        taken = sorted(set(prompts) & set(self.prompts))
        if taken:
            raise InputError(f'{self.video_id}: frame {taken[0]} has a prompt already; expected one for each frame.')
        video = copy.copy(self)
        added = {i: LabelSource.of(p, **(prompt_options or {})) for i, p in prompts.items()}
        video.prompts = {**self.prompts, **added}
        video._check_prompts()
        return video

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, index: int) -> np.ndarray:
        """Decode frame ``index``: BGR uint8 ``(H, W, 3)``."""
        return read_frame(self.frames[index])

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        return enumerate(read_ahead(self.read, range(len(self)), self.prefetch))

    def prompt(self, index: int, shape: tuple[int, int]) -> np.ndarray | None:
        """The label map that introduces objects at a frame: the one way in which prompts are read.

        Args:
            index (int): frame, from 0.
            shape (tuple[int, int]): ``(H, W)`` of the frame.

        Returns:
            uint8 ``(H, W)`` with at least one object; None: no object begins here. Objects that a data set lists for this
            frame, but of which the file has no pixel, are left out with a warning.

        Raises:
            MissingFileError: the file is not there.
            InputError: naming the file: not a label map, of another size, or without an object.
        """
        source = self.prompts.get(index)
        if source is None:
            return None
        label_map = source.read(shape)
        found = object_ids_of(label_map)
        if source.kept is None and not found:
            void = ' All that is there is void (255); is it a black and white mask, to be read with binary=True (--binary)?'
            raise InputError(
                f'{source.name}: the prompt is empty. Expected a label map with at least one object '
                f'(pixel value 1..254).{void if label_map.any() else ""}'
            )
        for object_id in sorted((source.kept or set()) - set(found)):
            logger.warning('%s: object %d is listed for this frame, but has no pixel in it; left out.', source.name, object_id)
        return label_map if found else None


class FrameArrays(Video):
    """Frames that are in memory already: a sequence of BGR uint8 ``(H, W, 3)`` arrays. Arguments as in :class:`Video`."""

    def __init__(self, frames: Sequence[np.ndarray], **kwargs: Any) -> None:
        kwargs.setdefault('frame_names', [f'{i:05d}' for i in range(len(frames))])
        super().__init__(frames, **kwargs)

    def read(self, index: int) -> np.ndarray:
        """Frame ``index``: BGR uint8 ``(H, W, 3)``."""
        return self.frames[index]


def read_ahead(read: Callable[[Key], Value], keys: Iterable[Key], depth: int) -> Iterator[Value]:
    """``read(key)`` for each key in order, ``depth`` calls ahead of need, in one background thread."""
    if depth <= 0:
        yield from map(read, keys)
        return
    with ThreadPoolExecutor(1, thread_name_prefix='read-ahead') as pool:
        keys, pending = iter(keys), deque[Future[Value]]()
        try:
            for key in itertools.islice(keys, depth):
                pending.append(pool.submit(read, key))
            while pending:
                value = pending.popleft().result()
                for key in itertools.islice(keys, 1):
                    pending.append(pool.submit(read, key))
                yield value
        finally:
            for future in pending:
                future.cancel()
