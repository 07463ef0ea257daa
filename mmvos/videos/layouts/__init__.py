"""Where benchmarks keep their lists, frames and masks: one parser each, used by data sets, scoring and checking."""

from .base import (
    AnnotatedVideo,
    Layout,
    ListedObject,
    VideoEntry,
    annotated,
    first_existing,
    frames_of,
    masks_by_frame,
    masks_in,
    read_list,
)
from .davis import DAVIS2016, DAVIS2017, DAVIS_UNSUP, read_davis
from .lvos import LVOS, read_lvos
from .mose import MOSE
from .youtube_vos import YOUTUBE_VOS, read_meta, read_youtube_vos

__all__ = [
    'AnnotatedVideo',
    'DAVIS2016',
    'DAVIS2017',
    'DAVIS_UNSUP',
    'Layout',
    'LVOS',
    'ListedObject',
    'MOSE',
    'VideoEntry',
    'YOUTUBE_VOS',
    'annotated',
    'first_existing',
    'frames_of',
    'masks_by_frame',
    'masks_in',
    'read_davis',
    'read_list',
    'read_lvos',
    'read_meta',
    'read_youtube_vos',
]
