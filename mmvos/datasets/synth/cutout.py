"""What a source of objects gives."""

from typing import NamedTuple

import numpy as np


class Cutout(NamedTuple):
    """An object: BGRA uint8 ``(h, w, 4)`` (alpha not premultiplied), its category, and where it came from."""

    image: np.ndarray
    category: str
    name: str
