"""What a researcher looks at: what a training sees, how it went, what a model costs."""

from .attention import AttentionMap, attention_maps, draw_attention
from .costs import PartCost, costs_of, count_costs
from .logs import Curves, read_scalars, training_time
from .training_samples import draw_samples

__all__ = [
    'AttentionMap',
    'Curves',
    'PartCost',
    'attention_maps',
    'costs_of',
    'count_costs',
    'draw_attention',
    'draw_samples',
    'read_scalars',
    'training_time',
]
