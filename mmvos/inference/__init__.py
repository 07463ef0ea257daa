from .geometry import FixedSize, FrameGeometry, NativeSize, PadToMultiple, ShortSide, ShrinkToMultiple
from .object_ids import ObjectIds
from .session import Frame, InferenceSession, OfflineVideo, video_info
from .vis_session import VISFrame, VISSession

__all__ = [
    'FixedSize',
    'ShrinkToMultiple',
    'Frame',
    'FrameGeometry',
    'InferenceSession',
    'NativeSize',
    'ObjectIds',
    'OfflineVideo',
    'PadToMultiple',
    'ShortSide',
    'VISFrame',
    'VISSession',
    'video_info',
]
