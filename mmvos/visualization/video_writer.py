"""Writing frames as a video file."""

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from mmvos.structures import AllOrNothing, InputError

#: suffix -> (encoder, pixel format, its options)
_ENCODERS: dict[str, tuple[str, str, dict[str, str]]] = {
    '.mp4': ('libx264', 'yuv420p', dict(crf='20', preset='veryfast', movflags='+faststart')),
    '.mov': ('libx264', 'yuv420p', dict(crf='20', preset='veryfast', movflags='+faststart')),
    '.mkv': ('libx264', 'yuv420p', dict(crf='20', preset='veryfast')),
    '.webm': ('libvpx-vp9', 'yuva420p', dict(crf='30', b='0', cpu_used='8', deadline='realtime', auto_alt_ref='0')),
    '.avi': ('mjpeg', 'yuvj420p', dict(qscale='3')),
}
#: what an encoder's time base can hold
_LARGEST_RATE = 65535


class VideoWriter(AllOrNothing):
    """Frames to a video file or an animated picture; complete under its final name, or not there at all.

    ``.mp4``, ``.mov``, ``.mkv``: H.264 that every browser plays. ``.webm``: VP9, with transparency where frames have it.
    ``.avi``: motion JPEG. ``.gif``, ``.webp``: animated pictures, held in memory until they are written.

    Args:
        path (str | PathLike): the suffix chooses the format.
        fps (float): frames per second; a rate that the format cannot hold is rounded.
        max_side (int): larger frames of an animated picture are reduced to this side.

    Raises:
        InputError: a suffix that is not known.
        OSError: the file cannot be written (no room, no right to).
    """

    def __init__(self, path: str | os.PathLike, fps: float = 25.0, max_side: int = 480) -> None:
        self.path, self.max_side = Path(path), max_side
        suffix = self.path.suffix.lower()
        self.animated = suffix in ('.gif', '.webp')
        if not self.animated and suffix not in _ENCODERS:
            raise InputError(f'{self.path}: expected the name of a video ({", ".join((*_ENCODERS, ".gif", ".webp"))}).')
        self.rate = Fraction(fps).limit_denominator(1001)
        if self.rate.numerator > _LARGEST_RATE:
            self.rate = Fraction(max(round(fps), 1))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.temporary = self.path.with_name(f'.{self.path.stem}.{os.getpid()}.partial{self.path.suffix}')
        _remove_leftovers(self.path)
        self._container: Any = None
        self._stream: Any = None
        self._pictures: list = []

    def write(self, frame: np.ndarray) -> None:
        """Append a frame: BGR uint8 ``(H, W, 3)``, or BGRA ``(H, W, 4)`` where the format has transparency."""
        if self.animated:
            self._pictures.append(self._picture(frame))
            return
        if self._container is None:
            self._start(frame.shape[:2])
        height, width = self._stream.height, self._stream.width
        below, right = height - frame.shape[0], width - frame.shape[1]
        if below or right:  # the colours of these formats are shared by 2 x 2 pixels
            frame = cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE)
        layout = 'bgra' if frame.shape[2] == 4 else 'bgr24'
        self._encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=layout))

    def _start(self, shape: tuple[int, int]) -> None:
        encoder, pixels, options = _ENCODERS[self.path.suffix.lower()]
        muxing = {k: v for k, v in options.items() if k == 'movflags'}
        coding = {k.replace('_', '-'): v for k, v in options.items() if k != 'movflags'}
        self._container = av.open(os.fspath(self.temporary), 'w', options=muxing)
        self._stream = self._container.add_stream(encoder, rate=self.rate, options=coding)
        self._stream.height, self._stream.width = (side + side % 2 for side in shape)
        self._stream.pix_fmt = pixels

    def _encode(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _picture(self, frame: np.ndarray) -> Any:
        from PIL import Image

        scale = min(1.0, self.max_side / max(frame.shape[:2]))
        if scale < 1:
            frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGRA2RGBA if frame.shape[2] == 4 else cv2.COLOR_BGR2RGB))

    def close(self) -> None:
        """Finish the file and give it its final name. Without a frame nothing is written."""
        if self._pictures:
            first, *rest = self._pictures
            duration = round(1000 / float(self.rate))
            first.save(self.temporary, save_all=True, append_images=rest, duration=duration, loop=0)
        elif self._container is not None:
            self._encode(None)
            self._container.close()
        else:
            return
        os.replace(self.temporary, self.path)
        self._container, self._pictures = None, []

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._container is not None:
            with contextlib.suppress(OSError):  # why it could not be finished does not matter any more
                self._container.close()
        self._container, self._pictures = None, []
        self.temporary.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Delete what killed processes left of this file."""
    for leftover in path.parent.glob(f'.{path.stem}.*.partial{path.suffix}'):
        owner = leftover.name.removeprefix(f'.{path.stem}.').split('.')[0]
        if owner.isdigit() and not os.path.exists(f'/proc/{owner}') and os.path.isdir('/proc/self'):
            leftover.unlink(missing_ok=True)
