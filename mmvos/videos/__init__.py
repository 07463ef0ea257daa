from .label_source import LabelSource, read_annotation
from .video import FrameArrays, Video, list_frames, open_video, read_ahead, read_frame
from .video_file import VideoFile

__all__ = [
    'FrameArrays',
    'LabelSource',
    'Video',
    'VideoFile',
    'list_frames',
    'open_video',
    'read_ahead',
    'read_annotation',
    'read_frame',
]
