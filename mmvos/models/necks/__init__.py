from .aspp_neck import ASPPNeck
from .level_concat import LevelConcat
from .mask_propagation import MaskPropagation
from .recall_neck import RecallMaps, RecallNeck
from .refinement import GlobalConvBlock, RefineBlock
from .separable_pyramid import SeparablePyramid
from .skip_neck import SkipNeck
from .spatio_temporal_neck import SpatioTemporalNeck

__all__ = [
    'ASPPNeck',
    'GlobalConvBlock',
    'LevelConcat',
    'MaskPropagation',
    'RecallMaps',
    'RecallNeck',
    'RefineBlock',
    'SeparablePyramid',
    'SkipNeck',
    'SpatioTemporalNeck',
]
