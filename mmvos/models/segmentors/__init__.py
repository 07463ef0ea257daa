from .base import PER_OBJECT, BaseVOSModel, CausalVOSModel, OfflineVOSModel

__all__ = ['PER_OBJECT', 'BaseVOSModel', 'CausalVOSModel', 'OfflineVOSModel']
