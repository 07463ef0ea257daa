"""What a benchmark's lists and folders say of a video."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mmvos.structures import (
    InputError,
    MissingFileError,
    PathLike,
    check_name,
    check_unique,
    file_names,
    in_frame_order,
    is_file,
    is_folder,
    join_all,
    join_path,
    read_lines,
)

from ..images import list_frames, stem_of
from ..label_source import LabelSource


@dataclass(frozen=True)
class ListedObject:
    """An object as a benchmark's meta file lists it.

    Attributes:
        category (str | None): name of its class, where the file gives it.
        frames (tuple[str, ...]): names of the annotated frames that show it, in order. Its mask is given in the first.
    """

    category: str | None
    frames: tuple[str, ...]


@dataclass(frozen=True)
class VideoEntry:
    """One video of a benchmark: its folders, and what the benchmark's lists say of it. Nothing is read before it is asked for.

    Attributes:
        video_id (str): the benchmark's own name.
        frames_dir (str): folder of the frames.
        masks_dir (str): folder of the label maps, named as their frames.
        objects (Mapping[int, ListedObject]): objects by id; empty where no list names them.
        pairs (tuple[tuple[str, str], ...]): paths of frames and their masks, where a list names files one by one.
        group (str | None): a key for means of means, such as a class, or ``'seen'`` and ``'unseen'``.
    """

    video_id: str
    frames_dir: str
    masks_dir: str
    objects: Mapping[int, ListedObject] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    group: str | None = None

    def frames(self) -> list[str]:
        """Paths of the frames, in order.

        Raises:
            MissingFileError: no folder, no frame, or a listed frame is missing.
            InputError: two frames of one name.
        """
        if self.pairs:
            return [_listed(frame) for frame, _ in self.pairs]
        return frames_of(self.frames_dir, self.video_id)

    def masks(self) -> dict[str, str]:
        """Paths of the label maps by the names of their frames, in the order of frames; empty if there is no folder."""
        if self.pairs:
            return {stem_of(frame): _listed(mask) for frame, mask in self.pairs}
        return masks_in(self.masks_dir) if is_folder(self.masks_dir) else {}

    def listed_frames(self) -> list[str]:
        """Names of the frames that list at least one object, in order."""
        return in_frame_order({name for listed in self.objects.values() for name in listed.frames})


@dataclass(frozen=True)
class AnnotatedVideo:
    """What scoring needs of a video: its annotated frames, by position in this list.

    Attributes:
        video_id (str): the benchmark's own name.
        frames (list[str]): names of the annotated frames, in order.
        annotations (list[LabelSource]): their label maps.
        categories (Mapping[int, str] | None): classes by object id; None: objects are those of the annotations.
        object_frames (Mapping[int, Sequence[int]]): positions of the frames that list an object, in order, by object id; where
            no list names, empty.
        group (str | None): see :class:`VideoEntry`.
    """

    video_id: str
    frames: list[str]
    annotations: list[LabelSource]
    categories: Mapping[int, str] | None = None
    object_frames: Mapping[int, Sequence[int]] = field(default_factory=dict)
    group: str | None = None


def annotated(entry: VideoEntry) -> AnnotatedVideo:
    """The annotated frames of a video whose every mask counts.

    Raises:
        MissingFileError: there is no mask.
    """
    masks = entry.masks()
    if not masks:
        raise MissingFileError(f'{entry.masks_dir}: no masks found (.png). Expected those of video {entry.video_id!r}.')
    return AnnotatedVideo(entry.video_id, list(masks), [LabelSource(path) for path in masks.values()], group=entry.group)


@dataclass(frozen=True)
class Layout:
    """Where a benchmark keeps its videos.

    Attributes:
        entries (Callable): root folder and name of a split -> videos.
        split (str): the split that is meant where none is named.
        annotate (Callable): a video -> its annotated frames.
    """

    entries: Callable[[PathLike, str], list[VideoEntry]]
    split: str
    annotate: Callable[[VideoEntry], AnnotatedVideo] = annotated

    def videos(self, root: PathLike, split: str | None = None) -> list[AnnotatedVideo]:
        """The annotated frames of all videos of a split.

        Args:
            root (PathLike): folder of the data set.
            split (str | None): name of the split; None: the layout's own.
        """
        return [self.annotate(entry) for entry in self.entries(root, split or self.split)]


def read_list(path: PathLike, expected: str = 'a text file with one video name per line') -> list[str]:
    """Names of videos, one per line; a name may hold spaces.

    Args:
        path (PathLike): the list.
        expected (str): what the error says was expected.

    Raises:
        MissingFileError: no such file.
        InputError: the list is empty, names a video twice, or a name leads out of its folder.
    """
    names = read_lines(path, expected)
    check_unique(names, os.fspath(path))
    return [check_name(name, os.fspath(path)) for name in names]


def first_existing(root: PathLike, candidates: Sequence[str], what: str) -> str:
    """The first of some paths that exists.

    Args:
        root (PathLike): folder that the paths are relative to.
        candidates (Sequence[str]): the paths, in the order in which they are tried.
        what (str): what the error says was expected.

    Raises:
        MissingFileError: none of them exists.
    """
    for candidate in candidates:
        path = join_path(root, candidate)
        if is_file(path) or is_folder(path):
            return path
    raise MissingFileError(f'{join_path(root, candidates[0])}: {what}')


def frames_of(folder: PathLike, video_id: str) -> list[str]:
    """Paths of the frames in a video's folder, in order.

    Args:
        folder (PathLike): the folder.
        video_id (str): what the error calls the video.

    Raises:
        MissingFileError: no such folder, or no frame in it.
        InputError: two frames of one name.
    """
    if not is_folder(folder):
        raise MissingFileError(f'{os.fspath(folder)}: folder of the frames of video {video_id!r} not found.')
    frames = list_frames(folder)
    if not frames:
        raise MissingFileError(f'{os.fspath(folder)}: no frames found for video {video_id!r}.')
    return frames


def masks_in(folder: PathLike, suffix: str = '.png') -> dict[str, str]:
    """Paths of the masks in a folder by their names without suffix, in the order of frames, hidden ones left out.

    Raises:
        MissingFileError: no such folder.
        InputError: two masks of one name.
    """
    masks: dict[str, str] = {}
    for name in file_names(folder, 'folder of masks'):
        stem, ending = os.path.splitext(name)
        if ending.lower() != suffix or name.startswith('.'):
            continue
        if masks.setdefault(stem, name) != name:
            path, other = join_path(folder, name), join_path(folder, masks[stem])
            raise InputError(f'{path}: a second mask named {stem!r} beside {other}; expected one file per frame.')
    stems = in_frame_order(masks)
    return dict(zip(stems, join_all(folder, (masks[stem] for stem in stems)), strict=True))


def masks_by_frame(masks: Mapping[str, str], frames: Sequence[str]) -> dict[int, str]:
    """``{frame index: path}`` of masks, matched to frames by name.

    Args:
        masks (Mapping[str, str]): paths by name of the frame.
        frames (Sequence[str]): paths of the frames.

    Raises:
        MissingFileError: a mask whose frame is missing, named by the frame that was expected.
    """
    position = {stem_of(frame): i for i, frame in enumerate(frames)}
    for stem in masks:
        if stem not in position:
            expected = join_path(os.path.dirname(frames[0]), stem + os.path.splitext(frames[0])[1])
            raise MissingFileError(f'{expected}: frame not found, but there is a mask for it ({masks[stem]}).')
    return {position[stem]: path for stem, path in masks.items()}


def as_categories(objects: Mapping[int, ListedObject]) -> dict[int, str] | None:
    """Classes by object id; None unless every object has one."""
    categories = {object_id: listed.category for object_id, listed in objects.items()}
    known = {object_id: category for object_id, category in categories.items() if category is not None}
    return known if known and len(known) == len(categories) else None


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names of frames in the order of frames, each once."""
    return tuple(in_frame_order(set(names)))


def _listed(path: str) -> str:
    if not is_file(path):
        raise MissingFileError(f'{path}: not found, but a list names it.')
    return path
