"""Zip files as the benchmark servers take them: the same bytes for the same content, complete or not there at all."""

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmvos.structures import InputError, atomic_path

Path = str | os.PathLike


@contextmanager
def zip_writer(path: Path) -> Iterator[Callable[[str, bytes], None]]:
    """``with zip_writer(path) as add: add('folder/name.png', data)``.

    The date of every entry is the same, so that equal content gives equal bytes. PNG files are stored as they are: they
    are compressed already. ``path`` appears only when the block ends without an error.
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, 'w') as archive:

        def add(name: str, data: bytes) -> None:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            info.create_system = 3  # the same on every platform
            info.compress_type = zipfile.ZIP_STORED if name.endswith('.png') else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)

        yield add


def write_youtube_vis_zip(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the submission file of YouTube-VIS: a zip whose only entry is ``results.json``.

    Args:
        results (Sequence[dict[str, Any]]): ``[dict(video_id, category_id, score, segmentations=[compressed RLE or None per
            frame])]``; numbers may be numpy's, ``counts`` str or bytes. Other keys are left out.
        path (Path): path of the zip file.

    Raises:
        InputError: no results at all, which the server cannot read.
    """
    if not results:
        raise InputError(f'{os.fspath(path)}: no results; the server needs at least one entry.')
    entries: list[dict[str, Any]] = []
    for result in results:
        entries.append(
            dict(
                video_id=int(result['video_id']),
                category_id=int(result['category_id']),
                score=float(result['score']),
                segmentations=[
                    None if rle is None else dict(size=[int(side) for side in rle['size']], counts=_text(rle['counts']))
                    for rle in result['segmentations']
                ],
            )
        )
    with zip_writer(path) as add:
        add('results.json', json.dumps(entries, allow_nan=False, separators=(',', ':')).encode())


def _text(counts: str | bytes) -> str:
    return counts.decode('ascii') if isinstance(counts, bytes) else counts
