from .attention_generator import AttentionGenerator
from .attention_priors import LongTermAttention, ShortTermAttention
from .co_attention import CoAttention
from .instance_slots import InstanceSlots, shuffle_slots
from .label_matching import LabelMatching
from .label_propagation import LabelPropagation
from .reference_frames import LocalReferences, RandomReferences, UniformReferences
from .region_attention import RegionAttention
from .spatio_temporal_attention import SpatioTemporalAttention

__all__ = [
    'AttentionGenerator',
    'CoAttention',
    'InstanceSlots',
    'LabelMatching',
    'LabelPropagation',
    'LocalReferences',
    'LongTermAttention',
    'RandomReferences',
    'RegionAttention',
    'ShortTermAttention',
    'SpatioTemporalAttention',
    'UniformReferences',
    'shuffle_slots',
]
