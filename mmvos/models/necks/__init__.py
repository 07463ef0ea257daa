from .spatio_temporal_neck import SpatioTemporalNeck

__all__ = ['SpatioTemporalNeck']
