from .base import PER_OBJECT, BaseVOSModel, CausalVOSModel, OfflineVOSModel
from .feature_propagation import FeaturePropagation

__all__ = ['BaseVOSModel', 'CausalVOSModel', 'FeaturePropagation', 'OfflineVOSModel', 'PER_OBJECT']
