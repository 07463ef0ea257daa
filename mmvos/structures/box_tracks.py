"""Boxes of the objects of one video, frame by frame, in one small file: made once by a tracker, read by training."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import atomic_path
from .errors import InputError
from .files import read_json
from .label_map import MAX_OBJECT_ID

COLUMNS = ['x', 'y', 'w', 'h', 'score', 'ok']
MAKER = 'tools/dataset_converters/cache_box_tracks.py'
_EXPECTED = 'box tracks: JSON with tracker, size, frames and objects {id: [[frame, x, y, w, h, score, ok], ...]}'

#: x1, y1, x2, y2, score (NaN: the tracker has none), and whether the tracker has the object
Row = tuple[float, float, float, float, float, bool]


@dataclass
class BoxTracks:
    """Tracks of a video's objects.

    Frames go by their names (stems of their files), never by positions in a list: a tracker is often run over all frames of a
    video, and a data set holds every fifth of them.

    Attributes:
        size (tuple[int, int]): height and width of the frames that the boxes belong to.
        frames (list[str]): names of all frames that were looked at, in order.
        tracks (dict[int, dict[str, Row]]): rows by object id and frame name; a track begins where its object does.
        tracker (dict): name and settings of what made the tracks.
    """

    size: tuple[int, int]
    frames: list[str] = field(default_factory=list)
    tracks: dict[int, dict[str, Row]] = field(default_factory=dict)
    tracker: dict[str, Any] = field(default_factory=dict)

    def add(self, object_id: int, frame: str, box: Sequence[float] | np.ndarray, score: float, ok: bool) -> None:
        """Add a row.

        Args:
            object_id (int): id of the object, from 1 on.
            frame (str): name of the frame, without suffix.
            box (Sequence[float] | np.ndarray): ``(x1, y1, x2, y2)`` in pixels of the frame.
            score (float): confidence of the tracker.
            ok (bool): False where the tracker says that it has lost the object.
        """
        x1, y1, x2, y2 = map(float, box)
        self.tracks.setdefault(int(object_id), {})[frame] = (x1, y1, x2, y2, float(score), bool(ok))

    def boxes(self, object_ids: Iterable[int], frame: str, size: tuple[int, int]) -> np.ndarray:
        """Boxes of objects in a frame of another size: float32 ``(O, 4)``, NaN where an object has no row.

        Args:
            object_ids (Iterable[int]): the objects.
            frame (str): name of the frame.
            size (tuple[int, int]): ``(H, W)`` of the frame.
        """
        rows = [self.tracks.get(i, {}).get(frame, (np.nan,) * 4)[:4] for i in object_ids]
        factors = np.array(size[::-1] * 2, np.float32) / np.array(self.size[::-1] * 2, np.float32)
        return np.array(rows, np.float32).reshape(-1, 4) * factors

    def missing(self, frames: Iterable[str]) -> list[str]:
        """Those of the frames that were not looked at."""
        known = set(self.frames)
        return [name for name in frames if name not in known]

    def save(self, path: str | os.PathLike) -> None:
        """Write JSON: ``[frame, x, y, w, h, score, ok]`` rows by object (score null where the tracker has none)."""
        order = {name: position for position, name in enumerate(self.frames)}
        objects = {}
        for object_id, rows in self.tracks.items():
            objects[str(object_id)] = [
                [frame, *(round(v, 3) for v in (x1, y1, x2 - x1, y2 - y1)), None if np.isnan(score) else round(score, 5), ok]
                for frame, (x1, y1, x2, y2, score, ok) in sorted(rows.items(), key=lambda item: order[item[0]])
            ]
        content = dict(
            tracker=self.tracker, size=list(self.size), frames=self.frames, columns=['frame', *COLUMNS], objects=objects
        )
        with atomic_path(Path(path)) as temporary:
            Path(temporary).write_text(json.dumps(content))

    @classmethod
    def load(cls, path: str | os.PathLike) -> 'BoxTracks':
        """Read what :meth:`save` wrote.

        Raises:
            MissingFileError: there is no such file.
            InputError: it is not a file of box tracks, or counts frames by position, as files of
                MMVOS 0.1 do.
        """
        place = os.fspath(path)
        content = read_json(path, f'{_EXPECTED}, as {MAKER} writes it')
        if not isinstance(content, dict):
            raise InputError(f'{place}: found {type(content).__name__}. Expected {_EXPECTED}.')
        if 'objects' in content and 'frames' not in content:
            raise InputError(f'{place}: box tracks by position in a list of frames, of an older version; run {MAKER} again.')
        size, frames, objects = content.get('size'), content.get('frames'), content.get('objects')
        if not isinstance(size, list) or len(size) != 2 or not all(_is_number(side) and side > 0 for side in size):
            raise InputError(f'{place}: size is {size!r}; expected [height, width].')
        if not isinstance(frames, list) or not isinstance(objects, dict) or not isinstance(content.get('tracker'), dict):
            raise InputError(f'{place}: frames, objects or tracker is missing, or of another type. Expected {_EXPECTED}.')
        tracks: dict[int, dict[str, Row]] = {}
        for key, rows in objects.items():
            if not (key.isascii() and key.isdigit() and 1 <= int(key[:4]) <= MAX_OBJECT_ID) or not isinstance(rows, list):
                raise InputError(f'{place}: object {key!r}; expected a number 1..{MAX_OBJECT_ID} with a list of rows.')
            tracks[int(key)] = dict(_row(row, f'{place}: object {key}') for row in rows)
        return cls((int(size[0]), int(size[1])), [str(name) for name in frames], tracks, content['tracker'])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _row(row: Any, place: str) -> tuple[str, Row]:
    """Frame and row of what a file says of a box."""
    if isinstance(row, list) and len(row) == len(COLUMNS) + 1:
        frame, x, y, w, h, score, ok = row
        if all(map(_is_number, (x, y, w, h, 0.0 if score is None else score))):
            return str(frame), (x, y, x + w, y + h, float('nan') if score is None else score, bool(ok))
    raise InputError(f'{place}: found a row {row!r:.60}; expected [frame, x, y, w, h, score, ok].')
