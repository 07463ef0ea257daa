from .label_blots import LabelBlots
from .label_matching import LabelMatching
from .label_propagation import LabelPropagation
from .label_ridge import LabelRidge
from .reference_frames import LocalReferences, RandomReferences, UniformReferences
from .ridge_target import RidgeTarget
from .soft_reads import FrameRead, WindowRead

__all__ = [
    'FrameRead',
    'LabelBlots',
    'LabelMatching',
    'LabelPropagation',
    'LabelRidge',
    'LocalReferences',
    'RandomReferences',
    'RidgeTarget',
    'UniformReferences',
    'WindowRead',
]
