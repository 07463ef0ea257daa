from .label_matching import LabelMatching
from .label_propagation import LabelPropagation
from .reference_frames import LocalReferences, RandomReferences, UniformReferences
from .ridge_target import RidgeTarget

__all__ = ['LabelMatching', 'LabelPropagation', 'LocalReferences', 'RandomReferences', 'RidgeTarget', 'UniformReferences']
