from .base import BoxTracker, NoTracker, TrackerState, TrackingSession, Tracks
from .cached import CachedBoxes
from .dasiamrpn import DaSiamRPN
from .flow_trackers import FlowBoxTracker, FlowColourTracker, MaskBoxTracker
from .masktrack_tracker import MaskTrackTracker
from .memory_queue import MemoryQueue
from .opencv import OpenCVTracker
from .siamrpn import SiamRPN
from .tracklets import Tracklet, link_tracklets

__all__ = [
    'BoxTracker',
    'CachedBoxes',
    'DaSiamRPN',
    'FlowBoxTracker',
    'FlowColourTracker',
    'MaskBoxTracker',
    'MaskTrackTracker',
    'MemoryQueue',
    'NoTracker',
    'OpenCVTracker',
    'SiamRPN',
    'TrackerState',
    'TrackingSession',
    'Tracklet',
    'Tracks',
    'link_tracklets',
]
