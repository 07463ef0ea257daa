"""What benchmark servers take: layout, names, sizes and pixel values of an archive, checked before it is uploaded."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from typing_extensions import override

from mmvos.structures import (
    VOID,
    InputError,
    MissingFileError,
    PathLike,
    decode_json,
    frame_order,
    load_youtube_vis,
    read_label_map,
)
from mmvos.structures.label_map import decode_label_map, open_image
from mmvos.videos import image_size
from mmvos.videos.archive import MAX_MASK_BYTES, Archive
from mmvos.videos.images import stem_of
from mmvos.videos.layouts import Layout, VideoEntry

from .functional.scorer import ids_in, largest_id
from .functional.youtube_vis import youtube_vis_problems

#: largest results.json, in bytes
MAX_RESULTS_BYTES = 2**31
MAX_PROPOSALS = 20


class Submission(Protocol):
    """What a server takes of one protocol."""

    def problems(self, archive: Archive, root: PathLike, split: str | None) -> Iterator[str]:
        """What the server would not take, or would score as something else; one sentence each.

        Args:
            archive (Archive): what is to be uploaded.
            root (PathLike): root of the data set, or its annotation file.
            split (str | None): list of videos; None: the benchmark's validation set.

        Raises:
            InputError: the data set is not there, or not as expected.
        """
        ...


class NoServer(Submission):
    """A benchmark without a server: it is scored on one's own machine."""

    @override
    def problems(self, archive: Archive, root: PathLike, split: str | None) -> Iterator[str]:
        """Refuses."""
        raise InputError(f'{archive.path}: this benchmark has no server; score it with tools/evaluate.py.')


class ValueRule(Protocol):
    """Which pixel values the label maps of one video may have.

    Args:
        entry (VideoEntry): the video.
        frames (Sequence[str]): names of its frames.
    """

    def __init__(self, entry: VideoEntry, frames: Sequence[str]) -> None: ...

    def problems(self, frame: str, label_map: np.ndarray) -> Iterator[str]:
        """What is wrong with the values of a frame."""
        ...


class AnyValue(ValueRule):
    """Whatever is not 0 is foreground. Arguments as in :class:`ValueRule`."""

    def __init__(self, entry: VideoEntry, frames: Sequence[str]) -> None:
        pass

    @override
    def problems(self, frame: str, label_map: np.ndarray) -> Iterator[str]:
        """Nothing is wrong."""
        return iter(())


class GivenIds(ValueRule):
    """Ids that the first annotation shows. Arguments as in :class:`ValueRule`."""

    def __init__(self, entry: VideoEntry, frames: Sequence[str]) -> None:
        path = entry.masks().get(frames[0])
        if path is None:
            raise MissingFileError(f'{os.path.join(entry.masks_dir, frames[0])}.png: not found; the given ids are needed.')
        self.allowed = self.ids_given(read_label_map(path))

    def ids_given(self, label_map: np.ndarray) -> set[int]:
        """Ids of the objects that a first annotation gives."""
        return ids_in(label_map)

    @override
    def problems(self, frame: str, label_map: np.ndarray) -> Iterator[str]:
        """Ids that were not given."""
        extra = _values(label_map) - self.allowed
        if extra:
            yield f'holds id {min(extra)}; given were {sorted(self.allowed)}.'


class IdsUpToLargest(GivenIds):
    """Ids 1 to the largest one of the first annotation. Arguments as in :class:`ValueRule`."""

    def ids_given(self, label_map: np.ndarray) -> set[int]:
        """See the class."""
        return set(range(1, largest_id(label_map) + 1))


class ListedIds(GivenIds):
    """Ids that the meta file lists, each from its first frame on. Arguments as in :class:`ValueRule`."""

    @override
    def __init__(self, entry: VideoEntry, frames: Sequence[str]) -> None:
        self.first = {object_id: listed.frames[0] for object_id, listed in entry.objects.items()}
        self.allowed = set(self.first)

    def problems(self, frame: str, label_map: np.ndarray) -> Iterator[str]:
        """Ids that are not listed, or not yet."""
        yield from super().problems(frame, label_map)
        given = sorted(_values(label_map) & self.allowed)
        early = [object_id for object_id in given if frame_order(frame) < frame_order(self.first[object_id])]
        if early:
            yield f'holds object {early[0]}, which begins in frame {self.first[early[0]]}.'


class Proposals(AnyValue):
    """Ids 1 to :data:`MAX_PROPOSALS`. Arguments as in :class:`ValueRule`."""

    @override
    def problems(self, frame: str, label_map: np.ndarray) -> Iterator[str]:
        """Larger ids, and void."""
        largest = int(label_map.max(initial=0))
        if largest > MAX_PROPOSALS:
            what = 'void (255), which only annotations may hold' if largest == VOID else f'id {largest}'
            yield f'holds {what}; proposals have ids 1..{MAX_PROPOSALS}.'


def _values(label_map: np.ndarray) -> set[int]:
    return ids_in(label_map) | ({VOID} if (label_map == VOID).any() else set())


@dataclass(frozen=True)
class MaskArchive:
    """An archive with a label map per video and frame.

    Attributes:
        layout (Layout): where the benchmark keeps its lists and frames.
        values (type[ValueRule]): which pixel values its label maps may have.
        top (str): folder of the archive that holds the videos, with a slash; empty: they are at its top level.
        listed (bool): whether frames are those that the meta file lists; else all.
    """

    layout: Layout
    values: type[ValueRule]
    top: str = ''
    listed: bool = False

    def problems(self, archive: Archive, root: PathLike, split: str | None) -> Iterator[str]:
        """See :class:`Submission`."""
        entries = self.layout.entries(root, split or self.layout.split)
        odd = archive.problems()  # reported already
        found = _by_folder([name for name in archive.names if name not in odd])
        misplaced = self._misplaced(found, {entry.video_id for entry in entries})
        if misplaced:
            yield misplaced
            return
        for entry in entries:
            yield from self._video_problems(archive, entry, found.pop(self.top + entry.video_id, []))
        for folder, names in sorted(found.items()):
            if folder.startswith(self.top) and folder:
                yield f'{folder}/: no such video in this split ({len(names)} files).'
            else:
                yield from (f'{name}: not expected; the archive holds nothing but label maps.' for name in names)

    def _misplaced(self, found: dict[str, list[str]], videos: set[str]) -> str | None:
        """What is wrong with the place of the videos in the archive."""
        if any(self.top + video in found for video in videos):
            return None
        for folder in found:
            parent, _, name = folder.rpartition('/')
            if name in videos:
                return f'the videos are {_place(parent)}; they must be {_place(self.top)}.'
        return None

    def _video_problems(self, archive: Archive, entry: VideoEntry, names: list[str]) -> Iterator[str]:
        folder = self.top + entry.video_id
        paths = entry.frames()
        frames = entry.listed_frames() if self.listed else [stem_of(path) for path in paths]
        if not names:
            yield f'{folder}/: missing, {len(frames)} label maps expected.'
            return
        expected = {f'{folder}/{frame}.png': frame for frame in frames}
        present = set(names)
        missing = [name for name in expected if name not in present]
        extra = sorted((name for name in names if name not in expected), key=frame_order)
        if missing:
            yield f'{missing[0]}: missing' + (f', and {len(missing) - 1} more of this video.' if missing[1:] else '.')
        if extra:
            yield f'{extra[0]}: no such frame' + (f', and {len(extra) - 1} more of this video.' if extra[1:] else '.')
        size, rule, absent = image_size(paths[0]), self.values(entry, frames), set(missing)
        for name, frame in expected.items():
            if name not in absent:
                yield from _mask_problems(archive, name, size, partial(rule.problems, frame))


def _mask_problems(
    archive: Archive, name: str, size: tuple[int, int], check: Callable[[np.ndarray], Iterator[str]]
) -> Iterator[str]:
    """Problems of one label map of a frame of size ``(H, W)``."""
    try:
        data = archive.read(name, MAX_MASK_BYTES)
        with open_image(data, name) as image:
            if image.format != 'PNG' or image.mode not in ('P', 'L'):
                yield f'{name}: a {image.format} image of mode {image.mode}; expected an 8-bit palette or grey PNG.'
                return
        label_map = decode_label_map(data, name)
    except InputError as error:
        yield str(error).removeprefix(f'{archive.path}, ')
        return
    if label_map.shape != size:
        yield f'{name}: {label_map.shape[1]}x{label_map.shape[0]}, the frame is {size[1]}x{size[0]} (width x height).'
    yield from (f'{name}: {problem}' for problem in check(label_map))


def _place(folder: str) -> str:
    return f'below {folder.rstrip("/")}/' if folder else 'at the top level of the archive'


def _by_folder(names: Sequence[str]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(os.path.dirname(name), []).append(name)
    return folders


class ResultsArchive(Submission):
    """YouTube-VIS: an archive with ``results.json``."""

    NAME = 'results.json'

    @override
    def problems(self, archive: Archive, root: PathLike, split: str | None) -> Iterator[str]:
        """See :class:`Submission`; ``root`` is the annotation file."""
        if archive.names != [self.NAME]:
            holds = ', '.join(archive.names[:5]) or 'nothing'
            yield f'the archive holds {holds}; it must hold {self.NAME} at its top level, alone.'
        if self.NAME not in archive.names:
            return
        try:
            results = read_results(archive)
        except InputError as error:
            yield str(error).removeprefix(f'{archive.path}, ')
            return
        if results == []:
            yield f'{self.NAME}: the list is empty, which the server cannot read; write at least one result.'
        yield from (f'{self.NAME}: {problem}' for problem in youtube_vis_problems(load_youtube_vis(root), results))


def read_results(archive: Archive) -> Any:
    """The results of video instance segmentation in an archive."""
    data = archive.read(ResultsArchive.NAME, MAX_RESULTS_BYTES)
    return decode_json(data, f'{archive.path}, {ResultsArchive.NAME}', 'a list of results')
