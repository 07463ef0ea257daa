from .agame import AGAME
from .agss_vos import AGSSVOS
from .base import PER_OBJECT, BaseVOSModel, CausalVOSModel, OfflineVOSModel
from .cosnet import COSNet, COSNetCausal
from .dyenet import DyeNet
from .feature_propagation import FeaturePropagation
from .frame_training import FrameTrainedModel
from .main import MAIN
from .rgmp import RGMP
from .rsis import RSIS
from .rvos import RVOS

__all__ = [
    'AGAME',
    'AGSSVOS',
    'BaseVOSModel',
    'COSNet',
    'COSNetCausal',
    'CausalVOSModel',
    'DyeNet',
    'FeaturePropagation',
    'FrameTrainedModel',
    'MAIN',
    'OfflineVOSModel',
    'PER_OBJECT',
    'RGMP',
    'RSIS',
    'RVOS',
]
