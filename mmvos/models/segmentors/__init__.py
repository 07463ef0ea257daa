from .agame import AGAME
from .base import PER_OBJECT, BaseVOSModel, CausalVOSModel, OfflineVOSModel
from .cosnet import COSNet, COSNetCausal
from .feature_propagation import FeaturePropagation

__all__ = [
    'AGAME', 'BaseVOSModel', 'COSNet', 'COSNetCausal', 'CausalVOSModel', 'FeaturePropagation', 'OfflineVOSModel',
    'PER_OBJECT'
]
