from .base import FlowEstimator
from .classical import DISFlow, FarnebackFlow, ZeroFlow
from .correlation import correlation
from .flownet2 import FlowNet2
from .warp import flip_flow, resize_flow, warp

__all__ = [
    'DISFlow', 'FarnebackFlow', 'FlowEstimator', 'FlowNet2', 'ZeroFlow', 'correlation', 'flip_flow', 'resize_flow',
    'warp'
]
