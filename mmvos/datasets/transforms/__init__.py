from .clip import ClipBroadcaster, LoadClip, SampleClip, SelectObjects, read_flow
from .formatting import PackVideo, PackVOSInputs
from .main import LoadBoxTracks, ResizeCropFlip, SampleNeighbourhood, TrackBoxes, track_video
from .pairs import SamplePair
from .rvos import RandomFrameAffine, WholeVideoObjects

__all__ = [
    'ClipBroadcaster', 'LoadBoxTracks', 'LoadClip', 'PackVOSInputs', 'PackVideo', 'RandomFrameAffine',
    'ResizeCropFlip', 'SampleClip', 'SampleNeighbourhood', 'SamplePair', 'SelectObjects', 'TrackBoxes',
    'WholeVideoObjects', 'read_flow', 'track_video'
]
