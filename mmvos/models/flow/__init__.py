"""Optical flow: estimators and warping."""

from .base import FlowEstimator
from .classical import DISFlow, FarnebackFlow, ZeroFlow
from .correlation import correlation
from .flownet2 import FlowNet2
from .roi_warp import warp_roi_state
from .torchvision_raft import TorchvisionRAFT
from .unit_flow import RawFlow, UnitFlow, unit_flow
from .warp import flip_flow, resize_flow, warp

__all__ = [
    'DISFlow',
    'FarnebackFlow',
    'FlowEstimator',
    'FlowNet2',
    'RawFlow',
    'TorchvisionRAFT',
    'UnitFlow',
    'ZeroFlow',
    'correlation',
    'flip_flow',
    'resize_flow',
    'unit_flow',
    'warp',
    'warp_roi_state',
]
