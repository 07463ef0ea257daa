"""Checking a submission before the server does: layout, names, sizes, pixel values."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from PIL import Image

from mmvos.structures import VOID, read_label_map, run_length_problem
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.videos.layouts import davis_sequences, first_folder, read_meta

from .functional.youtube_vis import youtube_vis_problems

Path = str | os.PathLike
FORMATS = ('davis2016', 'davis2017-semi', 'davis2017-unsup', 'youtube-vos', 'youtube-vis')
MAX_PROPOSALS = 20
JPEG_SUFFIXES = ('.jpg', '.jpeg')

#: frame and label map -> what is wrong with its pixel values
ValueCheck = Callable[[str, np.ndarray], Iterator[str]]


def validate_submission(fmt: str, path: Path, root: Path, split: str | None = None) -> Iterator[str]:
    """What a benchmark's server would not take, or would score as something else; one sentence each.

    Args:
        fmt: of :data:`FORMATS`.
        path: of the zip file.
        root: of the data set (``youtube-vis``: the annotation file).
        split: list of videos (default ``'val'``, for YouTube-VOS ``'valid'``).

    Raises:
        FileNotFoundError, ValueError: the data set is not there, or not as expected.
    """
    if fmt not in FORMATS:
        raise ValueError(f'format {fmt!r}: expected one of {", ".join(FORMATS)}.')
    if not os.path.isfile(path):
        raise FileNotFoundError(f'{os.fspath(path)}: not found.')
    if not zipfile.is_zipfile(path):
        yield f'{os.fspath(path)}: not a zip file.'
        return
    with zipfile.ZipFile(path) as archive:
        yield from _archive_problems(archive)
        if fmt == 'youtube-vis':
            yield from _youtube_vis(archive, root)
        elif fmt == 'youtube-vos':
            yield from _youtube_vos(archive, root, split or 'valid')
        else:
            yield from _davis(archive, fmt, root, split or 'val')


def _archive_problems(archive: zipfile.ZipFile) -> Iterator[str]:
    seen = set()
    for info in archive.infolist():
        name = info.orig_filename  # zipfile has turned backslashes round on Windows
        if '\\' in name:
            yield f'{name}: backslashes in the name; folders must be separated by "/".'
        if any(part == '__MACOSX' or part.startswith('.') for part in name.split('/')):
            yield f'{name}: hidden file; make the archive without those.'
        if name in seen:
            yield f'{name}: twice in the archive.'
        seen.add(name)


def _davis(archive: zipfile.ZipFile, fmt: str, root: Path, split: str) -> Iterator[str]:
    annotations, sequences = davis_sequences(fmt, root, split)
    frames_root = first_folder(root, ('JPEGImages/480p', 'JPEGImages'))
    found = _files_by_folder(archive)
    misplaced = _common_parent(found, sequences)
    if misplaced:
        yield f'the sequences are below {misplaced}/; they must be at the top level of the archive.'
        return
    for sequence in sequences:
        frames, size = _frames(os.path.join(frames_root, sequence))
        check: ValueCheck = _nothing_wrong
        if fmt == 'davis2017-semi':
            first = os.path.join(annotations, sequence, f'{frames[0]}.png')
            check = partial(_ids_in, allowed=set(range(1, _largest_id(read_label_map(first)) + 1)))
        elif fmt == 'davis2017-unsup':
            check = _proposals
        yield from _video(archive, sequence, found.get(sequence), frames, size, check)


def _youtube_vos(archive: zipfile.ZipFile, root: Path, split: str) -> Iterator[str]:
    folder, meta = read_meta(root, split)
    found = _files_by_folder(archive)
    top = {name.split('/')[0] for names in found.values() for name in names}
    if top != {'Annotations'}:
        yield (
            f'the top level holds {", ".join(sorted(top)[:5]) or "nothing"}; it must be one folder, Annotations, '
            'with the videos in it.'
        )
        return
    for video, objects in sorted(meta.items()):
        frames = sorted({frame for content in objects.values() for frame in content['frames']})
        size = _frames(os.path.join(folder, 'JPEGImages', video))[1]
        first = {object_id: min(content['frames']) for object_id, content in objects.items() if content['frames']}
        yield from _video(
            archive, f'Annotations/{video}', found.get(f'Annotations/{video}'), frames, size, partial(_ids_begun, first=first)
        )
    for name in sorted(set(found) - {f'Annotations/{video}' for video in meta}):
        yield f'{name}/: no such video in meta.json.'


def _youtube_vis(archive: zipfile.ZipFile, root: Path) -> Iterator[str]:
    names = [name for name in archive.namelist() if not name.endswith('/')]
    if names != ['results.json']:
        yield f'the archive holds {", ".join(names[:5]) or "nothing"}; it must hold results.json at its top level, alone.'
        if 'results.json' not in names:
            return
    try:
        results = json.loads(archive.read('results.json').decode('utf-8'))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        yield f'results.json: broken JSON ({error}).'
        return
    if results == []:
        yield 'results.json: the list is empty, which the server cannot read; write at least one result.'
    truth = load_youtube_vis(root)
    problems = list(youtube_vis_problems(truth, results))
    yield from (f'results.json: {problem}' for problem in problems)
    if problems:
        return
    for i, result in enumerate(results):
        for frame, rle in enumerate(result['segmentations']):
            problem = rle and run_length_problem(rle)
            if problem:
                yield f'results.json: result {i} (video {result["video_id"]}), frame {frame}: {problem}'
                break


def _video(
    archive: zipfile.ZipFile,
    folder: str,
    names: Sequence[str] | None,
    frames: Sequence[str],
    size: tuple[int, int],
    check: ValueCheck,
) -> Iterator[str]:
    """Problems of the label maps of one video: ``names`` are its files, ``size`` is (W, H)."""
    if names is None:
        yield f'{folder}/: missing, {len(frames)} label maps expected.'
        return
    expected = {f'{folder}/{frame}.png' for frame in frames}
    missing, extra = sorted(expected - set(names)), sorted(set(names) - expected)
    if missing:
        yield f'{missing[0]}: missing' + (f', and {len(missing) - 1} more of this video.' if missing[1:] else '.')
    if extra:
        yield f'{extra[0]}: no such frame' + (f', and {len(extra) - 1} more of this video.' if extra[1:] else '.')
    for frame in frames:
        name = f'{folder}/{frame}.png'
        if name not in names:
            continue
        data = archive.read(name)
        try:
            with Image.open(io.BytesIO(data)) as image:
                if image.format != 'PNG' or image.mode not in ('P', 'L'):
                    yield f'{name}: a {image.format} image of mode {image.mode}; expected an 8-bit palette or grey PNG.'
                    continue
                if image.size != size:
                    yield (f'{name}: {image.size[0]}x{image.size[1]}, the frame is {size[0]}x{size[1]} (width x height).')
            label_map = read_label_map(name, data=data)
        except (ValueError, OSError, SyntaxError) as error:
            yield str(error) if name in str(error) else f'{name}: {error}'
            continue
        yield from (f'{name}: {problem}' for problem in check(frame, label_map))


def _nothing_wrong(frame: str, label_map: np.ndarray) -> Iterator[str]:
    return iter(())


def _ids(label_map: np.ndarray) -> set[int]:
    return set(np.flatnonzero(np.bincount(label_map.ravel())).tolist()) - {0}


def _ids_in(frame: str, label_map: np.ndarray, allowed: set[int]) -> Iterator[str]:
    extra = _ids(label_map) - allowed
    if extra:
        yield f'holds id {min(extra)}; given were {sorted(allowed)}.'


def _ids_begun(frame: str, label_map: np.ndarray, first: dict[int, str]) -> Iterator[str]:
    yield from _ids_in(frame, label_map, set(first))
    early = [object_id for object_id in sorted(_ids(label_map) & set(first)) if frame < first[object_id]]
    if early:
        yield f'holds object {early[0]}, which begins in frame {first[early[0]]}.'


def _proposals(frame: str, label_map: np.ndarray) -> Iterator[str]:
    largest = int(label_map.max())
    if largest > MAX_PROPOSALS:
        what = 'void (255), which only annotations may hold' if largest == VOID else f'id {largest}'
        yield f'holds {what}; proposals have ids 1..{MAX_PROPOSALS}.'


def _largest_id(label_map: np.ndarray) -> int:
    return int(np.max(label_map, initial=0, where=label_map != VOID))


def _frames(folder: str) -> tuple[list[str], tuple[int, int]]:
    """Stems of the JPEG files of a video, sorted, and their size (W, H)."""
    if not os.path.isdir(folder):
        raise FileNotFoundError(f'{folder}: folder of frames not found; the sizes of the frames are needed.')
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(JPEG_SUFFIXES))
    if not names:
        raise FileNotFoundError(f'{folder}: no JPEG files found.')
    with Image.open(os.path.join(folder, names[0])) as image:
        return [os.path.splitext(name)[0] for name in names], image.size


def _files_by_folder(archive: zipfile.ZipFile) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for name in archive.namelist():
        if not name.endswith('/') and not name.startswith('__MACOSX'):
            folders.setdefault(os.path.dirname(name), []).append(name)
    return folders


def _common_parent(found: dict[str, list[str]], videos: Sequence[str]) -> str | None:
    """The folder that holds the videos where that is not the top level."""
    for folder in found:
        parent, _, name = folder.rpartition('/')
        if parent and name in videos and name not in found:
            return parent
    return None
