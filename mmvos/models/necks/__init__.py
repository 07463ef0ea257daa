from .aspp_neck import ASPPNeck
from .mask_propagation import MaskPropagation
from .separable_pyramid import SeparablePyramid
from .spatio_temporal_neck import SpatioTemporalNeck

__all__ = ['ASPPNeck', 'MaskPropagation', 'SeparablePyramid', 'SpatioTemporalNeck']
