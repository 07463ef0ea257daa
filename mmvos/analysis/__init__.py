"""What a researcher looks at: what a training sees, how it went, what a model costs."""

from .costs import PartCost, count_costs
from .logs import Curves, read_scalars, training_time
from .training_samples import draw_samples

__all__ = ['Curves', 'PartCost', 'count_costs', 'draw_samples', 'read_scalars', 'training_time']
