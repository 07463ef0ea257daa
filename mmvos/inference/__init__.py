from .floor_size import FloorToMultiple
from .geometry import FixedSize, FrameGeometry, NativeSize, PadToMultiple, ShortSide
from .object_ids import ObjectIds
from .session import Frame, InferenceSession, OfflineVideo, video_info
from .video import FrameArrays, Video, VideoFile, list_frames, open_video, read_ahead, read_frame
from .vis_session import VISFrame, VISSession

__all__ = [
    'FixedSize',
    'FloorToMultiple',
    'Frame',
    'FrameArrays',
    'FrameGeometry',
    'InferenceSession',
    'NativeSize',
    'ObjectIds',
    'OfflineVideo',
    'PadToMultiple',
    'ShortSide',
    'VISFrame',
    'VISSession',
    'Video',
    'VideoFile',
    'list_frames',
    'open_video',
    'read_ahead',
    'read_frame',
    'video_info',
]
