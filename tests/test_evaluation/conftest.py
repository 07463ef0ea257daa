"""Fixtures of these tests."""

import numpy as np
import pytest
from scored_videos import boxes, write_videos


@pytest.fixture
def root(tmp_path):
    """A data set in the layout of DAVIS 2017, and predictions beside it."""
    videos = {name: boxes(i, 5 + i) for i, name in enumerate(['bear', 'train', 'bus'])}
    write_videos(tmp_path / 'gt/Annotations/480p', videos)
    write_videos(tmp_path / 'gt/Annotations_unsupervised/480p', videos)
    write_videos(tmp_path / 'pred', {name: np.roll(maps, 2, 2) for name, maps in videos.items()})
    (tmp_path / 'gt/ImageSets/2017').mkdir(parents=True)
    (tmp_path / 'gt/ImageSets/2017/val.txt').write_text('train\nbear\n')
    return tmp_path
