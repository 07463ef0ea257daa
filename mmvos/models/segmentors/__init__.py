from .agame import AGAME
from .agss_vos import AGSSVOS
from .base import PER_OBJECT, BaseVOSModel, CausalVOSModel, OfflineVOSModel
from .cosnet import COSNet, COSNetCausal
from .dyenet import DyeNet
from .feature_propagation import FeaturePropagation
from .main_net import MAIN
from .recall_vos import RecallVOS
from .rgmp import RGMP
from .rvos import RVOS
from .stepwise_training import StepwiseTrainedModel

__all__ = [
    'AGAME',
    'AGSSVOS',
    'BaseVOSModel',
    'COSNet',
    'COSNetCausal',
    'CausalVOSModel',
    'DyeNet',
    'FeaturePropagation',
    'MAIN',
    'OfflineVOSModel',
    'PER_OBJECT',
    'RGMP',
    'RVOS',
    'RecallVOS',
    'StepwiseTrainedModel',
]
