"""One drawing function for every kind of result."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .overlay import draw_label_map


def draw_result(frame: np.ndarray, result: Any, classes: Sequence[str] | None = None, **options: Any) -> np.ndarray:
    """Draw a session's result over its frame.

    Args:
        frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
        result (Any): with ``pred_label_map`` (see :func:`draw_label_map`) or ``pred_track_instances``
            (see :func:`draw_instances`).
        classes (Sequence[str] | None): names of the classes of instances.
        options (dict): keyword arguments of the drawing function.

    Returns:
        np.ndarray: BGR uint8 ``(H, W, 3)``; the frame itself stays as it is.
    """
    if 'pred_track_instances' in result:
        from .vis_visualizer import draw_instances

        return draw_instances(frame, result.pred_track_instances, classes=classes, **options)
    return draw_label_map(frame, result.pred_label_map, **options)


def names_shown(names: Mapping[int, str] | None, object_ids: Sequence[int]) -> Mapping[int, str] | None:
    """The ``names`` of :func:`draw_label_map`: ids are written, too, where there are several objects; None: nothing is."""
    return (names or {}) if names or len(object_ids) > 1 else None
