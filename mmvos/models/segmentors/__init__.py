from .agame import AGAME
from .base import PER_OBJECT, BaseVOSModel, CausalVOSModel, OfflineVOSModel
from .cosnet import COSNet, COSNetCausal
from .feature_propagation import FeaturePropagation
from .main import MAIN
from .rvos import RVOS

__all__ = [
    'AGAME', 'BaseVOSModel', 'COSNet', 'COSNetCausal', 'CausalVOSModel', 'FeaturePropagation', 'MAIN',
    'OfflineVOSModel', 'PER_OBJECT', 'RVOS'
]
