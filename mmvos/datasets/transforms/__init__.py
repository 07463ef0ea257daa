from .clip import ClipBroadcaster, LoadClip, SampleClip, SelectObjects, read_flow
from .formatting import PackVideo, PackVOSInputs

__all__ = ['ClipBroadcaster', 'LoadClip', 'PackVOSInputs', 'PackVideo', 'SampleClip', 'SelectObjects', 'read_flow']
