"""Boxes of the objects of one video, frame by frame, in one small file: made once by a tracker, read by training."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .label_map import atomic_path

COLUMNS = ['x', 'y', 'w', 'h', 'score', 'ok']


@dataclass
class BoxTracks:
    """Tracks of a video's objects.

    ``tracks``: ``{object id: {frame index: (x1, y1, x2, y2, score, ok)}}``; an object's track begins where the object
        does.
    ``size``: ``(H, W)`` of the frames that the boxes belong to. ``tracker``: name and settings of what made them.
    """

    size: tuple
    tracks: dict[int, dict[int, tuple]] = field(default_factory=dict)
    tracker: dict = field(default_factory=dict)

    def add(self, object_id: int, frame: int, box: np.ndarray, score: float, ok: bool) -> None:
        """One row; ``box`` is ``(x1, y1, x2, y2)``."""
        self.tracks.setdefault(int(object_id), {})[int(frame)] = (*map(float, box), float(score), bool(ok))

    def save(self, path: str | os.PathLike) -> None:
        """Write JSON: per object ``[frame, x, y, w, h, score, ok]`` rows (score null where the tracker has none)."""
        objects = {}
        for object_id, rows in self.tracks.items():
            objects[str(object_id)] = [
                [frame, *(round(v, 3) for v in (x1, y1, x2 - x1, y2 - y1)), None if np.isnan(score) else round(score, 5), ok]
                for frame, (x1, y1, x2, y2, score, ok) in sorted(rows.items())
            ]
        content = dict(tracker=self.tracker, size=list(self.size), columns=['frame', *COLUMNS], objects=objects)
        with atomic_path(Path(path)) as temporary:
            Path(temporary).write_text(json.dumps(content))

    @classmethod
    def load(cls, path: str | os.PathLike) -> 'BoxTracks':
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError, ValueError: naming the file and what was expected of it.
        """
        path = os.fspath(path)
        try:
            content = json.loads(Path(path).read_text())
            tracks = {
                int(object_id): {
                    int(f): (x, y, x + w, y + h, np.nan if score is None else score, bool(ok))
                    for f, x, y, w, h, score, ok in rows
                }
                for object_id, rows in content['objects'].items()
            }
            return cls(tuple(content['size']), tracks, content['tracker'])
        except FileNotFoundError:
            raise FileNotFoundError(
                f'{path}: box tracks not found. Expected one JSON file per video, as '
                'tools/dataset_converters/cache_box_tracks.py writes them.'
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}: not a file of box tracks ({error!r}). Expected JSON with tracker, size and '
                'objects: {id: [[frame, x, y, w, h, score, ok], ...]}.'
            ) from None
