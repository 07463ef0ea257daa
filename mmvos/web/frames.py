"""Frames of the open videos, in whatever order pages ask for them, in a bounded room."""

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from mmvos.videos import Video
from mmvos.videos.video_file import VideoFile

#: frames that are decoded together when a user steps back, who will step back further
_BEHIND = 16


class FrameCache:
    """The frames that were looked at last.

    A decoder can only go forwards: to show the frame before, it begins at the key frame before that. So each video has one
    decoder in a thread of its own, and a step back decodes a few frames more, which the next steps find here.

    Args:
        max_bytes (int): room for decoded frames of all videos together.
        max_decoders (int): how many videos have a decoder at a time.
    """

    def __init__(self, max_bytes: int = 192 << 20, max_decoders: int = 6) -> None:
        self.max_bytes, self.max_decoders = max_bytes, max_decoders
        self._frames: OrderedDict[tuple[str, int], np.ndarray] = OrderedDict()
        self._bytes = 0
        self._readers: OrderedDict[str, _Reader] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, key: str, video: Video, index: int) -> np.ndarray:
        """Frame ``index`` of the video that is called ``key``: BGR uint8 ``(H, W, 3)``, not to be changed."""
        with self._lock:
            if (key, index) in self._frames:
                self._frames.move_to_end((key, index))
                return self._frames[key, index]
            reader = self._readers.pop(key, None) or _Reader(video)
            self._readers[key] = reader
            while len(self._readers) > self.max_decoders:
                self._readers.popitem(last=False)[1].close()
            future = reader.submit(index)
        found = future.result()
        with self._lock:
            for i, frame in found.items():
                self._keep((key, i), frame)
        return found[index]

    def _keep(self, place: tuple[str, int], frame: np.ndarray) -> None:
        if place not in self._frames:
            self._frames[place] = frame
            self._bytes += frame.nbytes
        while self._bytes > self.max_bytes and len(self._frames) > 1:
            self._bytes -= self._frames.popitem(last=False)[1].nbytes

    def forget(self, key: str) -> None:
        """Drop the frames of a video and its decoder."""
        with self._lock:
            for place in [p for p in self._frames if p[0] == key]:
                self._bytes -= self._frames.pop(place).nbytes
            if key in self._readers:
                self._readers.pop(key).close()

    def close(self) -> None:
        """Drop everything."""
        for key in list(self._readers):
            self.forget(key)


class _Reader:
    """One video's decoder: :class:`VideoFile` has one for each thread, so all of it happens in one thread."""

    def __init__(self, video: Video) -> None:
        self._video, self._last = video, -1
        self._pool = ThreadPoolExecutor(1, thread_name_prefix='frames')

    def submit(self, index: int) -> Future[dict[int, np.ndarray]]:
        return self._pool.submit(self._read, index)

    def _read(self, index: int) -> dict[int, np.ndarray]:
        back = isinstance(self._video, VideoFile) and index < self._last
        first = max(index - _BEHIND + 1, 0) if back else index
        self._last = index
        return {i: self._video.read(i) for i in range(first, index + 1)}

    def close(self) -> None:
        self._pool.shutdown(wait=False)
