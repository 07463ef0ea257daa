from .base import FlowEstimator
from .classical import DISFlow, FarnebackFlow, ZeroFlow
from .unit_flow import RawFlow, UnitFlow, unit_flow
from .warp import flip_flow, resize_flow, warp

__all__ = [
    'DISFlow', 'FarnebackFlow', 'FlowEstimator', 'RawFlow', 'UnitFlow', 'ZeroFlow', 'flip_flow', 'resize_flow',
    'unit_flow', 'warp'
]
