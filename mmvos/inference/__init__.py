from .base_session import BaseSession, video_info
from .frame import Frame, FrameView
from .geometry import FixedSize, FrameGeometry, NativeSize, PadToMultiple, ShortSide, ShrinkToMultiple
from .object_ids import ObjectIds
from .open_session import open_session
from .session import OfflineVideo, VOSSession
from .session_settings import SessionSettings, VISSessionSettings
from .vis_session import VISSession

#: the name of :class:`VOSSession` in version 1
InferenceSession = VOSSession

__all__ = [
    'BaseSession',
    'FixedSize',
    'Frame',
    'FrameGeometry',
    'FrameView',
    'InferenceSession',
    'NativeSize',
    'ObjectIds',
    'OfflineVideo',
    'PadToMultiple',
    'SessionSettings',
    'ShortSide',
    'ShrinkToMultiple',
    'VISSession',
    'VISSessionSettings',
    'VOSSession',
    'open_session',
    'video_info',
]
