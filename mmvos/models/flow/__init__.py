from .base import FlowEstimator
from .classical import DISFlow, FarnebackFlow, ZeroFlow
from .warp import flip_flow, resize_flow, warp

__all__ = ['DISFlow', 'FarnebackFlow', 'FlowEstimator', 'ZeroFlow', 'flip_flow', 'resize_flow', 'warp']
