"""Video files, decoded by PyAV (FFmpeg's libraries): exact frames, variable rates, rotation, any current codec."""

import itertools
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import av
import numpy as np

from mmvos.structures import InputError, MissingFileError, PathLike

from .video import Video, read_ahead

logger = logging.getLogger('mmvos')


def reason_of(error: Exception) -> str:
    """What a library says of a failure, without its number and the file's name, which the message around it says."""
    return getattr(error, 'strerror', None) or str(error)


class FrameNumbers(Sequence[str]):
    """Names of frames that have none of their own: their numbers, five digits or more."""

    def __init__(self, video: Video) -> None:
        self._video = video

    def __len__(self) -> int:
        return len(self._video)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [f'{i:05d}' for i in range(len(self))[index]]
        return f'{range(len(self))[index]:05d}'


class VideoFile(Video):
    """A video file (mp4, mov, mkv, webm, avi, ...): whatever decodes, from the first frame to the last.

    Containers only estimate how many frames they hold. ``len(video)`` counts the packets that are to be shown, and is the
    exact number once the last frame was decoded; iterating notices that end one frame ahead, so that ``len`` is exact when the
    last frame is given out.

    ``read(i)`` in order decodes on; out of order it seeks to the key frame before, where the file has time stamps, and is
    exact as well. Frames are turned upright by the rotation that the file gives. ``fps``: average frames per second.

    Args:
        path (str | PathLike): the file.
        kwargs (dict): arguments of :class:`Video`.

    Raises:
        MissingFileError: no such file.
        InputError: not a video, or no frame of it decodes.
    """

    def __init__(self, path: PathLike, **kwargs: Any) -> None:
        self.path = os.fspath(path)
        if not os.path.isfile(self.path):
            raise MissingFileError(f'{self.path}: video not found.')
        self._times, self.fps = self._scan()
        self._local = threading.local()
        kwargs.setdefault('video_id', Path(self.path).stem)
        self._count = max(len(self._times), 1)
        super().__init__([], frame_names=FrameNumbers(self), **kwargs)
        self.read(0)  # a file that cannot be decoded is refused when it is opened

    def _open(self) -> tuple:
        try:
            container = av.open(self.path)
            stream = next((s for s in container.streams.video), None)
        except (av.FFmpegError, ValueError) as error:
            raise InputError(f'{self.path}: cannot be opened as a video ({reason_of(error)}).') from error
        if stream is None:
            container.close()
            raise InputError(f'{self.path}: holds no video stream.')
        if stream.codec_context is None:
            container.close()
            raise InputError(f'{self.path}: the codec of its video is not known here; convert it, e.g. ffmpeg -c:v libx264.')
        stream.thread_type = 'AUTO'
        return container, stream

    def _scan(self) -> tuple[list[int | None], float]:
        """Time stamps of the packets that are shown, in the order of showing, and the average rate; nothing is decoded."""
        container, stream = self._open()
        with container:
            times: list[int | None] = []
            try:
                for packet in container.demux(stream):
                    if packet.size and not packet.is_discard:
                        times.append(packet.pts)
            except av.FFmpegError:  # a file that was cut short: what lies before the cut counts
                pass
            rate = stream.average_rate or stream.guessed_rate or stream.base_rate
        if all(t is not None for t in times):
            times.sort()
        return times, float(rate) if rate else 25.0

    def __len__(self) -> int:
        return self._count

    def with_prompts(self, prompts: Mapping[int, Any], prompt_options: Mapping[str, Any] | None = None) -> 'Video':
        video = super().with_prompts(prompts, prompt_options)
        video.frame_names = FrameNumbers(video)  # of its own length, which may turn out to be another
        return video

    def _ends_at(self, count: int) -> None:
        """The last frame is known: set the exact length."""
        promised, self._count = self._count, count
        if promised - count > max(2, promised // 50):
            logger.warning('%s: %d frames decode; the file promises %d.', self.path, count, promised)
        beyond = [i for i in self.prompts if i >= count]
        if beyond:
            raise InputError(f'{self.video_id}: prompt at frame {beyond[0]}, but the video has {count} frames.')

    def decode(self, start: int = 0) -> Iterator[np.ndarray]:
        """Frames from ``start`` on, BGR uint8 ``(H, W, 3)``, one after the other."""
        if start and self._seekable:
            container, stream = self._open()
            with container:
                container.seek(self._times[start], stream=stream, backward=True)
                frames = self._frames(container, stream)
                first = next(frames, None)
                # some containers (MPEG streams) land behind the time asked for: those are decoded from their beginning
                if first is not None and first.pts is not None and first.pts <= self._times[start]:
                    shown = itertools.chain([first], frames)
                    yield from (_upright(f) for f in shown if f.pts is not None and f.pts >= self._times[start])
                    return
        container, stream = self._open()
        with container:
            for frame in itertools.islice(self._frames(container, stream), start, None):
                yield _upright(frame)

    @property
    def _seekable(self) -> bool:
        """Whether every frame has a time stamp of its own, so that a time leads to one frame."""
        return None not in self._times and len(set(self._times)) == len(self._times)

    @staticmethod
    def _frames(container: Any, stream: Any) -> Iterator[Any]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):  # the end, or where the file was cut short
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:  # a damaged frame in the middle: the ones after it may decode
                continue

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        frames, end = self.decode(), np.zeros(0)
        stream = itertools.takewhile(
            lambda frame: frame is not end, read_ahead(lambda _: next(frames, end), itertools.count(), self.prefetch)
        )
        for index, (frame, following) in enumerate(itertools.pairwise(itertools.chain(stream, [end]))):
            if following is end:
                self._ends_at(index + 1)
            elif index + 1 >= self._count:  # the packets hold more frames than there are packets
                self._count = index + 2
            yield index, frame

    def read(self, index: int) -> np.ndarray:
        """Pixels of one frame: BGR uint8 ``(H, W, 3)``.

        Args:
            index (int): position in the video.

        Raises:
            InputError: the frame cannot be decoded.
        """
        # a decoder for each thread: an offline model and the session read the same video at their own pace
        local = self._local
        near = getattr(local, 'frames', None) is not None and local.next <= index <= local.next + 32
        if not near:
            local.frames, local.next = self.decode(index), index
        for frame in local.frames:
            local.next += 1
            if local.next > index:
                return frame
        local.frames = None
        if index == 0:
            raise InputError(f'{self.path}: no frame of it can be decoded.')
        raise InputError(f'{self.path}: frame {index} of {len(self)} cannot be decoded; the file may be cut short.')

    def __getstate__(self) -> dict:  # a decoder cannot travel to another process
        return {k: v for k, v in self.__dict__.items() if k != '_local'}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state, _local=threading.local())


def _upright(frame: Any) -> np.ndarray:
    image = frame.to_ndarray(format='bgr24')
    quarters = round((getattr(frame, 'rotation', 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
