from .label_propagation import LabelPropagation
from .spatio_temporal_attention import SpatioTemporalAttention

__all__ = ['LabelPropagation', 'SpatioTemporalAttention']
