from .attention_generator import AttentionGenerator
from .attention_priors import LongTermAttention, ShortTermAttention
from .co_attention import CoAttention
from .region_attention import RegionAttention
from .spatio_temporal_attention import SpatioTemporalAttention

__all__ = [
    'AttentionGenerator',
    'CoAttention',
    'LongTermAttention',
    'RegionAttention',
    'ShortTermAttention',
    'SpatioTemporalAttention',
]
