"""Live sources, cameras and network streams: always the newest frame, however slow its reader is."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np

from mmvos.structures import InputError

from .video_file import reason_of

#: a source whose frames take this long is gone, in seconds
TIMEOUT = 10.0


def is_stream(source: str) -> bool:
    """Whether a source is the address of a stream (``rtsp://...``) and not a path."""
    return '://' in source


@dataclass(frozen=True)
class LiveFrame:
    """A frame of a live source.

    Args:
        index (int): how many frames the source had given before it, those that were dropped included.
        pixels (ndarray): BGR uint8 ``(H, W, 3)``.
        time (float): when it was read, by ``time.perf_counter()``.
    """

    index: int
    pixels: np.ndarray
    time: float


class LiveFrames:
    """Frames of a live source for a reader that may be slower than the source.

    A thread reads the source all the time into a slot that holds one frame, the newest. Iterating takes what is in the slot, or
    waits for the next frame; a frame that is replaced before it was taken is dropped and counted. So a result is never further
    behind its source than the time of one step, and memory holds two frames.

    ::

        with open_live('rtsp://camera/stream') as frames:
            for frame in frames:
                result = session.step(frame.pixels)

    Args:
        frames (Iterator[ndarray]): the source; it may end.
        name (str): what messages call it.
        close (Callable): ends the source; called once, in the thread that read it.
        timeout (float): seconds without a frame after which the source counts as gone.

    Attributes:
        received, dropped (int): frames that came, and those of them that were not read.
    """

    def __init__(
        self, frames: Iterator[np.ndarray], name: str, close: Callable[[], Any] = lambda: None, timeout: float = TIMEOUT
    ) -> None:
        self.name, self.timeout = name, timeout
        self.received = self.dropped = 0
        self._frames, self._close = frames, close
        self._slot: LiveFrame | None = None
        self._error: Exception | None = None
        self._ended = self._stopped = False
        self._first = self._last = 0.0
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, name=f'live {name}', daemon=True)
        self._thread.start()

    @property
    def fps(self) -> float:
        """Frames per second that the source gives, as measured; 0 before its second frame."""
        with self._news:
            return (self.received - 1) / (self._last - self._first) if self._last > self._first else 0.0

    def _read(self) -> None:
        try:
            for pixels in self._frames:
                with self._news:
                    if self._stopped:
                        break
                    now = time.perf_counter()
                    self._first, self._last = self._first or now, now
                    self.dropped += self._slot is not None
                    self._slot = LiveFrame(self.received, pixels, now)
                    self.received += 1
                    self._news.notify()
        except Exception as error:  # raised where frames are taken
            self._error = error
        finally:
            self._close()
            with self._news:
                self._ended = True
                self._news.notify()

    def __iter__(self) -> Iterator[LiveFrame]:
        while True:
            with self._news:
                if not self._news.wait_for(lambda: self._slot is not None or self._ended, self.timeout):
                    raise InputError(f'{self.name}: no frame came for {self.timeout:g} s.')
                frame, self._slot = self._slot, None
            if frame is None:
                break
            yield frame
        if isinstance(self._error, (av.FFmpegError, OSError)):
            raise InputError(f'{self.name}: the source broke off ({reason_of(self._error)}).') from self._error
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Stop reading. A source that hangs is left to its thread, which ends with the program."""
        with self._news:
            self._stopped = True
        self._thread.join(2.0)

    def __enter__(self) -> 'LiveFrames':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_live(source: int | str, timeout: float = TIMEOUT) -> LiveFrames:
    """A camera or a stream.

    Args:
        source (int | str): number of a camera, or the address of a stream (RTSP, RTMP, HLS, MJPEG, UDP, ...). A recording
            behind an address comes as fast as the network allows, and most of it would be dropped: download it instead.
        timeout (float): seconds to wait for a frame.

    Raises:
        InputError: no such camera, or an address that cannot be opened as a video.
    """
    return _open_camera(source, timeout) if isinstance(source, int) else _open_stream(source, timeout)


def _open_camera(number: int, timeout: float) -> LiveFrames:
    camera = cv2.VideoCapture(number)
    if not camera.isOpened():
        camera.release()
        raise InputError(f'camera {number}: cannot be opened; is it connected, and not in use by another program?')
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the driver knows it: no old frames in its queue

    def frames() -> Iterator[np.ndarray]:
        while True:
            there, pixels = camera.read()
            if not there:
                return
            yield pixels

    return LiveFrames(frames(), f'camera {number}', camera.release, timeout)


def _open_stream(address: str, timeout: float) -> LiveFrames:
    # UDP loses packets, and with them parts of the picture; without a buffer a frame is there as soon as it has come
    options = dict(rtsp_transport='tcp', fflags='nobuffer') if address.startswith('rtsp') else {}
    try:
        container: Any = av.open(address, options=options, timeout=timeout)
        stream = next((s for s in container.streams.video), None)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(f'{address}: cannot be opened as a stream ({reason_of(error)}).') from error
    if stream is None:
        container.close()
        raise InputError(f'{address}: holds no video stream.')
    frames = (frame.to_ndarray(format='bgr24') for frame in container.decode(stream))
    return LiveFrames(frames, address, container.close, timeout)
