"""What a video is: frames that are decoded when they are asked for, and the prompts that introduce objects."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvos.structures import object_ids_of, read_label_map

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm')
VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.gif')

#: a prompt: the path of a label map, or the label map itself
PromptSource = str | os.PathLike | np.ndarray


def read_frame(path: str | os.PathLike) -> np.ndarray:
    """One image file as BGR uint8 ``(H, W, 3)``; an error that names the file if there is none."""
    image = cv2.imread(os.fspath(path), cv2.IMREAD_COLOR)
    if image is None:
        if not os.path.isfile(path):
            raise FileNotFoundError(f'{os.fspath(path)}: frame not found.')
        raise ValueError(f'{os.fspath(path)}: cannot be decoded as an image.')
    return image


class Video:
    """A video given as a list of image files. Nothing is decoded before it is asked for.

    Iterating yields ``(frame index, frame)``, read ahead by a background thread; ``video.read(i)`` reads any frame.
    Frames are BGR uint8 ``(H, W, 3)``.

    Args:
        frames: paths of the frames, in order.
        video_id: the data set's own name of the video.
        prompts: ``{frame index: label map or its path}``; a prompt introduces the objects that it holds.
        prompt_options: keyword arguments of :func:`read_label_map` for the prompts (``binary``, ``size_mismatch``).
        frame_names: the stem that a result file of each frame gets (default: of the frame's own file).
        metainfo: anything that results should carry (``annotations``, ``eval_frames``, ``categories``, ...).
        prefetch: how many frames are decoded ahead of need.
    """

    def __init__(
        self,
        frames: Sequence[str | os.PathLike],
        video_id: str = 'video',
        prompts: dict[int, PromptSource] | None = None,
        prompt_options: dict | None = None,
        frame_names: Sequence[str] | None = None,
        metainfo: dict[str, Any] | None = None,
        prefetch: int = 4,
    ) -> None:
        self.frames = list(frames)
        self.video_id = video_id
        self.prompts = dict(prompts or {})
        self.prompt_options = dict(prompt_options or {})
        self.frame_names = [Path(f).stem for f in self.frames] if frame_names is None else frame_names
        self.metainfo = dict(metainfo or {})
        self.prefetch = prefetch
        beyond = [i for i in self.prompts if not 0 <= i < len(self)]
        if beyond:
            raise ValueError(f'{video_id}: prompt at frame {beyond[0]}, but the video has {len(self)} frames.')

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, index: int) -> np.ndarray:
        """Decode frame ``index``: BGR uint8 ``(H, W, 3)``."""
        return read_frame(self.frames[index])

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        return enumerate(read_ahead(self.read, range(len(self)), self.prefetch))

    def prompt(self, index: int, shape: tuple[int, int]) -> np.ndarray | None:
        """The label map that introduces objects at frame ``index`` (None: no prompt there), checked against ``shape``."""
        source = self.prompts.get(index)
        if source is None:
            return None
        if isinstance(source, np.ndarray):
            return source
        if hasattr(source, 'read'):  # a label map that is made from its files when it is asked for
            label_map, name = source.read(shape), str(source)
        else:
            label_map, name = read_label_map(source, shape=shape, **self.prompt_options), os.fspath(source)
        if not object_ids_of(label_map):
            void = ' All that is there is void (255); is it a black and white mask, to be read with binary=True?'
            raise ValueError(
                f'{name}: the prompt is empty. Expected a label map with at least one object '
                f'(pixel value 1..254).{void if label_map.any() else ""}'
            )
        return label_map


class FrameArrays(Video):
    """Frames that are in memory already: a sequence of BGR uint8 ``(H, W, 3)`` arrays."""

    def __init__(self, frames: Sequence[np.ndarray], **kwargs) -> None:
        super().__init__(frames, frame_names=[f'{i:05d}' for i in range(len(frames))], **kwargs)

    def read(self, index: int) -> np.ndarray:
        return self.frames[index]


def open_video(source: str | os.PathLike | Sequence[np.ndarray] | Video, **kwargs) -> Video:
    """A :class:`Video` from a video file, a folder of frames, a list of arrays, or a video.

    Args:
        source: see above. The frames of a folder are taken in the order of their names (numbers by value).
        kwargs: as of :class:`Video`.
    """
    if isinstance(source, Video):
        return source
    if not isinstance(source, (str, os.PathLike)):
        return FrameArrays(source, **kwargs)
    path = Path(source)
    if path.is_dir():
        frames = list_frames(path)
        if not frames:
            raise ValueError(f'{path}: no frames found. Expected images ({", ".join(IMAGE_SUFFIXES)}).')
        kwargs.setdefault('video_id', path.name)
        return Video(frames, **kwargs)
    from .video_file import VideoFile  # PyAV is only needed for files

    return VideoFile(path, **kwargs)


def list_frames(folder: str | os.PathLike) -> list[str]:
    """Image files of a folder, hidden ones left out, sorted by name with numbers by value (``2.jpg`` before ``10.jpg``)."""
    names = [n for n in os.listdir(folder) if n.lower().endswith(IMAGE_SUFFIXES) and not n.startswith('.')]
    return [os.path.join(folder, n) for n in sorted(names, key=_natural_key)]


def _natural_key(name: str) -> list:
    parts = (''.join(group) for _, group in itertools.groupby(name, str.isdigit))
    return [(0, int(p), p) if p.isdigit() else (1, 0, p) for p in parts]


def read_ahead(read: Callable, keys: Iterable, depth: int) -> Iterator:
    """``read(key)`` for each key in order, ``depth`` calls ahead of need, in one background thread."""
    if depth <= 0:
        yield from map(read, keys)
        return
    with ThreadPoolExecutor(1, thread_name_prefix='read-ahead') as pool:
        keys, pending = iter(keys), deque()
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
