from .base import BoxTracker, TrackerState, TrackingSession, Tracks
from .boxes import box_iou, boxes_of_masks, clip_boxes, draw_boxes
from .dasiamrpn import DaSiamRPN
from .masktrack_tracker import MaskTrackTracker
from .memory_queue import MemoryQueue
from .siamrpn import SiamRPN

__all__ = [
    'BoxTracker', 'DaSiamRPN', 'MaskTrackTracker', 'MemoryQueue', 'SiamRPN', 'TrackerState', 'TrackingSession',
    'Tracks', 'box_iou', 'boxes_of_masks', 'clip_boxes', 'draw_boxes'
]
