"""Where the benchmarks keep what scoring and checking need, and predictions in a folder or a zip file."""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmvos.structures import read_label_map

Path = str | os.PathLike


@dataclass
class GroundTruthVideo:
    """The annotated frames of a video.

    ``frames``: stems of the files, in order. ``annotations``: of each frame, a path or anything that
    ``numpy.asarray`` turns into a label map. ``indices``: positions of the frames in the video.
    """

    video_id: str
    frames: list[str]
    annotations: list[Any]
    indices: list[int]
    categories: dict[int, str] | None = None
    first_frames: dict[int, int] = field(default_factory=dict)
    group: str | None = None

    def label_map(self, position: int, **options) -> np.ndarray:
        """The annotation at a position of ``frames``, uint8 ``(H, W)``."""
        annotation = self.annotations[position]
        return read_label_map(annotation, **options) if isinstance(annotation, str) else np.asarray(annotation)


class MaskFiles:
    """Label maps ``<video>/<frame>.png`` in a folder or in a zip file, possibly below one of the folders ``PREFIXES``.

    May be sent to other processes: each opens the archive for itself.
    """

    PREFIXES = ('', 'Annotations/', 'Annotations/480p/', 'Annotations_unsupervised/480p/')

    def __init__(self, path: Path) -> None:
        self.path = os.fspath(path)
        self._archive: tuple[int, zipfile.ZipFile | None] = (0, None)
        self._names: set[str] | None = None
        if os.path.isdir(self.path):
            self.is_zip = False
        elif os.path.isfile(self.path):
            if not zipfile.is_zipfile(self.path):
                raise ValueError(f'{self.path}: not a zip file. Expected a folder or a zip file of label maps.')
            self.is_zip = True
        else:
            raise FileNotFoundError(f'{self.path}: not found. Expected a folder or a zip file of label maps.')

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _archive=(0, None))

    @property
    def archive(self) -> zipfile.ZipFile:
        """The open zip file of this process (a file handle shared after a fork would mix up its readers)."""
        if self._archive[0] != os.getpid():
            self._archive = (os.getpid(), zipfile.ZipFile(self.path))
        return self._archive[1]

    def folder_of(self, video: str) -> str:
        """Where the label maps of a video lie: a prefix and the video.

        Raises:
            FileNotFoundError: naming the folder that was expected.
        """
        for prefix in self.PREFIXES:
            if self._has_folder(prefix + video):
                return prefix + video
        raise FileNotFoundError(f'{self.path}: no predictions of video {video!r}; expected {video}/<frame>.png.')

    def _has_folder(self, name: str) -> bool:
        if not self.is_zip:
            return os.path.isdir(os.path.join(self.path, name))
        if self._names is None:
            self._names = {os.path.dirname(entry) for entry in self.archive.namelist()}
        return name in self._names

    def read(self, folder: str, frame: str, **options) -> np.ndarray:
        """One label map, uint8 ``(H, W)``; ``folder`` as :meth:`folder_of` gives it, options as of
        :func:`read_label_map`."""
        name = os.path.join(self.path, folder, f'{frame}.png')
        if not self.is_zip:
            return read_label_map(name, **options)
        try:
            data = self.archive.read(f'{folder}/{frame}.png')
        except KeyError:
            raise FileNotFoundError(f'{name}: mask file not found.') from None
        return read_label_map(name, data=data, **options)


def read_list(root: Path, candidates: Sequence[str], split: str) -> list[str]:
    """Names of the sequences of a split: the first list file that is there.

    A line is a name, or, as in the original DAVIS 2016 lists, the paths of a frame and of its mask.
    """
    for candidate in candidates:
        path = os.path.join(root, candidate)
        if os.path.isfile(path):
            with open(path, encoding='utf-8') as file:
                lines = [line.split() for line in file if line.strip()]
            names = [os.path.basename(os.path.dirname(words[0])) if '/' in words[0] else words[0] for words in lines]
            if not names:
                raise ValueError(f'{path}: the list is empty; expected one sequence per line.')
            return list(dict.fromkeys(names))
    raise FileNotFoundError(
        f'{os.path.join(root, candidates[0])}: list of the split {split!r} not found. Another split '
        'is chosen with --split; --split all takes every folder of annotations.'
    )


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in a folder, sorted, hidden ones left out."""
    if not os.path.isdir(folder):
        raise FileNotFoundError(f'{os.fspath(folder)}: folder not found.')
    return sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith('.'))


def stems(folder: Path, suffix: str) -> list[str]:
    """Stems of the files of a folder that end in ``suffix``, sorted; an error if there are none."""
    if not os.path.isdir(folder):
        raise FileNotFoundError(f'{os.fspath(folder)}: folder not found.')
    names = sorted(
        name[: -len(suffix)] for name in os.listdir(folder) if name.lower().endswith(suffix) and not name.startswith('.')
    )
    if not names:
        raise FileNotFoundError(f'{os.fspath(folder)}: no {suffix} files found.')
    return names


def first_folder(root: Path, candidates: Sequence[str]) -> str:
    """The first of some folders below ``root`` that exists."""
    for candidate in candidates:
        folder = os.path.join(root, candidate)
        if os.path.isdir(folder):
            return folder
    raise FileNotFoundError(f'{os.path.join(root, candidates[0])}: folder not found.')


#: per DAVIS protocol: folders of annotations, year of the lists
DAVIS_LAYOUTS = {
    'davis2016': (('Annotations/480p', 'Annotations'), ('2016', '480p')),
    'davis2017-semi': (('Annotations/480p', 'Annotations'), ('2017',)),
    'davis2017-unsup': (('Annotations_unsupervised/480p',), ('2017', '2019')),
}


def davis_sequences(protocol: str, root: Path, split: str) -> tuple[str, list[str]]:
    """Folder of the annotations and names of the sequences of a split (``'all'``: of all folders)."""
    folders, years = DAVIS_LAYOUTS[protocol]
    folder = first_folder(root, folders)
    if split == 'all':
        return folder, subfolders(folder)
    lists = [f'ImageSets/{year}/{split}{suffix}.txt' for year in years for suffix in ('', '_seqs')]
    return folder, read_list(root, lists, split)


def davis_videos(protocol: str, root: Path, split: str) -> list[GroundTruthVideo]:
    """Annotated sequences of DAVIS."""
    folder, names = davis_sequences(protocol, root, split)
    return [_dense_video(os.path.join(folder, name), name) for name in names]


def _dense_video(folder: str, name: str) -> GroundTruthVideo:
    frames = stems(folder, '.png')
    return GroundTruthVideo(name, frames, [os.path.join(folder, f'{frame}.png') for frame in frames], list(range(len(frames))))


def read_meta(root: Path, split: str) -> tuple[str, dict[str, dict]]:
    """Folder of a split of YouTube-VOS (``root/split`` or ``root`` itself) and the videos of its ``meta.json``:
    ``{video: {object id: dict(category, frames)}}``."""
    folder = os.path.join(root, split)
    if not os.path.isfile(os.path.join(folder, 'meta.json')):
        folder = os.fspath(root)
    path = os.path.join(folder, 'meta.json')
    try:
        with open(path, encoding='utf-8') as file:
            videos = json.load(file)['videos']
        return folder, {
            video: {int(i): dict(content, frames=list(content['frames'])) for i, content in entry['objects'].items()}
            for video, entry in videos.items()
        }
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: not found. Expected the meta.json of YouTube-VOS.') from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path}: cannot be read as the meta.json of YouTube-VOS ({type(error).__name__}: {error}).') from None


def youtube_vos_videos(root: Path, split: str) -> list[GroundTruthVideo]:
    """Annotated videos of YouTube-VOS: objects are those of ``meta.json``, frames those that it lists for any of them
    (which are those of a submission)."""
    folder, meta = read_meta(root, split)
    videos = []
    for name, objects in sorted(meta.items()):
        frames = sorted({frame for content in objects.values() for frame in content['frames']})
        position = {frame: i for i, frame in enumerate(frames)}
        paths = [os.path.join(folder, 'Annotations', name, f'{frame}.png') for frame in frames]
        missing = [path for path in paths if not os.path.isfile(path)]
        if missing:
            raise FileNotFoundError(
                f'{missing[0]}: not found, but meta.json lists this frame. Scoring needs every '
                'annotation; those of the official valid and test sets are on the server only.'
            )
        categories = {object_id: content.get('category') for object_id, content in objects.items()}
        videos.append(
            GroundTruthVideo(
                name,
                frames,
                paths,
                list(range(len(frames))),
                categories if all(categories.values()) else None,
                {object_id: position[min(content['frames'])] for object_id, content in objects.items() if content['frames']},
            )
        )
    return videos
