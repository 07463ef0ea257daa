from .clip import ClipBroadcaster, LoadClip, SampleClip, SelectObjects, read_flow
from .formatting import PackVideo, PackVOSInputs
from .main import LoadBoxTracks, ResizeCropFlip, SampleNeighbourhood, TrackBoxes, track_video
from .pairs import SamplePair

__all__ = [
    'ClipBroadcaster', 'LoadBoxTracks', 'LoadClip', 'PackVOSInputs', 'PackVideo', 'ResizeCropFlip', 'SampleClip',
    'SampleNeighbourhood', 'SamplePair', 'SelectObjects', 'TrackBoxes', 'read_flow', 'track_video'
]
