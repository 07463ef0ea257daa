"""Label maps and archives for the tests of submissions."""

import zipfile

import numpy as np

from mmvos.evaluation.protocols import validate_submission
from mmvos.structures import write_label_map

SIZE = (12, 16)
FRAMES = [f'{i:05d}' for i in range(4)]


def label_map(*ids):
    """Vertical stripes of the given ids."""
    maps = np.zeros(SIZE, np.uint8)
    for i, object_id in enumerate(ids):
        maps[2:8, 4 * i : 4 * i + 3] = object_id
    return maps


def problems(fmt, path, root, **options):
    return list(validate_submission(fmt, path, root, **options))


def make_zip(path, content):
    """A zip of label maps (or bytes), at the places that ``content`` says."""
    with zipfile.ZipFile(path, 'w') as archive:
        for name, value in content.items():
            if isinstance(value, np.ndarray):
                write_label_map(path.parent / 'one.png', value)
                value = (path.parent / 'one.png').read_bytes()
            archive.writestr(name, value)
    return path
