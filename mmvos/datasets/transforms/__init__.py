from .clip import ClipBroadcaster, LoadClip, SampleClip, SelectObjects, read_flow
from .first_frame_synthesis import FirstFrameSynthesis
from .flow import LoadFlow, ResizeClipByRule
from .formatting import PackVideo, PackVOSInputs
from .geometry import FlipClip, ProgressiveZoom, RandomCropClip, RandomCropToObjects, RandomResizeClip, ResizeClip, ReverseClip
from .instance_attention import LoadBoxTracks, ResizeCropFlip, SampleNeighbourhood, TrackBoxes, track_video
from .instances import LoadInstanceMap
from .one_object import KeepOneObject
from .pairs import CropFlipResize, SamplePair
from .rvos import RandomFrameAffine, WholeVideoObjects
from .simulated_pairs import SimulatePair

__all__ = [
    'ClipBroadcaster',
    'CropFlipResize',
    'FirstFrameSynthesis',
    'FlipClip',
    'KeepOneObject',
    'LoadBoxTracks',
    'LoadClip',
    'LoadFlow',
    'LoadInstanceMap',
    'PackVOSInputs',
    'PackVideo',
    'ProgressiveZoom',
    'RandomCropClip',
    'RandomCropToObjects',
    'RandomFrameAffine',
    'RandomResizeClip',
    'ResizeClip',
    'ResizeClipByRule',
    'ResizeCropFlip',
    'ReverseClip',
    'SampleClip',
    'SampleNeighbourhood',
    'SamplePair',
    'SelectObjects',
    'SimulatePair',
    'TrackBoxes',
    'WholeVideoObjects',
    'read_flow',
    'track_video',
]
