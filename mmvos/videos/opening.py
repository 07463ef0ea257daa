"""A video from whatever people have: a file, a folder of frames, arrays."""

import functools
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvos.structures import InputError, PathLike

from .images import IMAGE_SUFFIXES, list_frames
from .video import FrameArrays, Video
from .video_file import VideoFile

logger = logging.getLogger('mmvos')


def open_video(source: PathLike | Sequence[np.ndarray] | Video, **kwargs: Any) -> Video:
    """A :class:`Video` from a video file, a folder of frames, a list of arrays, or a video.

    Args:
        source (PathLike | Sequence[ndarray] | Video): see above. Frames of a folder are taken in the order of their names,
            numbers by value. A picture is a video of one frame, which a warning says, as a folder may have been meant. A video
            is returned as it is, or with the prompts that are given.
        kwargs (dict): arguments of :class:`Video`.

    Raises:
        InputError: nothing that can be opened as a video, or arguments for one that is open already.
    """
    if isinstance(source, Video):
        given = {name: value for name, value in kwargs.items() if value}
        prompts = given.pop('prompts', None)
        options = given.pop('prompt_options', None) if prompts else None
        if given:
            raise InputError(f'{source.video_id}: {[*given][0]} of a video that is open already; give it to the video itself.')
        return source.with_prompts(prompts, options) if prompts else source
    if not isinstance(source, (str, os.PathLike)):
        if not (hasattr(source, '__len__') and hasattr(source, '__getitem__')):
            raise InputError(f'a video is {type(source).__name__}; expected a file, a folder of frames, or a list of arrays.')
        return FrameArrays(source, **kwargs)
    path = Path(source)
    if path.is_dir():
        frames = list_frames(path)
        if not frames:
            raise InputError(f'{path}: no frames found. Expected images ({", ".join(IMAGE_SUFFIXES)}).')
        kwargs.setdefault('video_id', path.name)
        return Video(frames, **kwargs)
    video = VideoFile(path, **kwargs)
    if path.suffix.lower() in IMAGE_SUFFIXES and len(video) == 1:
        _say_one_frame(os.fspath(path))
    return video


@functools.lru_cache(maxsize=1024)  # said once, however often a command opens it
def _say_one_frame(path: str) -> None:
    logger.warning('%s: a picture, taken as a video of one frame. For more frames, name their folder or a video file.', path)
