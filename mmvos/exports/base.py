"""What all exports share."""

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from mmvos.structures import DAVIS_PALETTE, AllOrNothing, InputError


@dataclass(frozen=True)
class ExportInfo:
    """What is known of a video before its first frame is written.

    Args:
        video_id (str): name of the video, which files and entries bear.
        size (tuple[int, int]): ``(H, W)`` of the frames.
        num_frames (int): how many frames come.
        fps (float): frames per second, for videos.
        names (dict[int, str]): name of each object by its id; an object without one is called ``object <id>``.
        colours (dict[int, tuple]): colour of each object by its id, RGB 0 to 255, where one is drawn; DAVIS's for the others.
    """

    video_id: str
    size: tuple[int, int]
    num_frames: int
    fps: float = 25.0
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)

    def name_of(self, object_id: int) -> str:
        """Name of an object."""
        return self.names.get(object_id) or f'object {object_id}'

    @property
    def file_stem(self) -> str:
        """Name of the video as the name of a file or folder on any system."""
        return ''.join(c if c.isalnum() or c in ' .-_()' else '_' for c in self.video_id).strip(' .') or 'video'

    @property
    def palette(self) -> np.ndarray:
        """Colours by object id, uint8 ``(256, 3)`` RGB."""
        palette = DAVIS_PALETTE.copy()
        for object_id, colour in self.colours.items():
            palette[object_id] = colour
        return palette


class Export(AllOrNothing):
    """Takes the frames of a video in order and leaves files of one form; memory does not grow with the video's pixels.

    ::

        with make_export('coco', 'out/coco.json', info) as export:
            for index, name, frame, label_map in results:
                export.write(index, name, frame, label_map)

    A file appears under its final name when it is complete; after an error nothing half-written is left. Formats of one
    file per frame leave the files of the frames that were written.

    Args:
        path (str | PathLike): file or folder to write, as :attr:`is_folder` says.
        info (ExportInfo): about the video.
    """

    #: whether ``path`` is a folder
    is_folder = False
    #: suffix of the file
    suffix = ''
    #: one line for lists of formats
    summary = ''

    def __init__(self, path: str | os.PathLike, info: ExportInfo) -> None:
        self.path, self.info = Path(path), info
        if not self.is_folder and self.path.suffix.lower() != self.suffix:
            raise InputError(f'{self.path}: expected a name that ends with {self.suffix}.')

    @abstractmethod
    def write(self, index: int, name: str, frame: np.ndarray, label_map: np.ndarray) -> None:
        """Add a frame.

        Args:
            index (int): position in the video, from 0; frames come in this order.
            name (str): stem of the frame's file.
            frame (ndarray): BGR uint8 ``(H, W, 3)``.
            label_map (ndarray): uint8 ``(H, W)``, object ids.
        """

    def close(self) -> None:  # noqa: B027 (a form of one file per frame has nothing to finish)
        """Finish; called once, after the last frame."""

    def discard(self) -> None:  # noqa: B027  (most exports have nothing to discard)
        """Give up: leave nothing half-written."""


#: format -> class
EXPORTS: dict[str, type[Export]] = {}

ExportClass = TypeVar('ExportClass', bound=type[Export])


def export_format(name: str) -> Callable[[ExportClass], ExportClass]:
    """Class decorator that lists an export under its name."""

    def register(cls: ExportClass) -> ExportClass:
        EXPORTS[name] = cls
        return cls

    return register


def make_export(name: str, path: str | os.PathLike, info: ExportInfo) -> Export:
    """The export of a format.

    Args:
        name (str): one of :data:`EXPORTS`.
        path (str | os.PathLike): file or folder that it writes.
        info (ExportInfo): what is known of the video.

    Raises:
        InputError: no such format.
    """
    if name not in EXPORTS:
        raise InputError(f'export format {name!r} is not known; expected one of {", ".join(sorted(EXPORTS))}.')
    return EXPORTS[name](path, info)
