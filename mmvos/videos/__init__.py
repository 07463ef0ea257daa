"""Videos and label maps, read frame by frame."""

from .images import IMAGE_SUFFIXES, image_size, list_frames, list_images, read_frame, read_image, write_image
from .label_source import LabelSource
from .opening import open_video
from .video import FrameArrays, Video, read_ahead
from .video_file import VideoFile

__all__ = [
    'FrameArrays',
    'IMAGE_SUFFIXES',
    'LabelSource',
    'Video',
    'VideoFile',
    'image_size',
    'list_frames',
    'list_images',
    'open_video',
    'read_ahead',
    'read_frame',
    'read_image',
    'write_image',
]
