from .binary_mask_head import BinaryMaskHead
from .conv_layers import ConvLayers
from .conv_lstm import ConvLSTMCell, MaskPyramid, RecurrentDecoder, SpatialInhibition, StackedDecoder
from .gaussian_appearance import GaussianAppearance, GaussianMixture
from .guided_upsampler import GuidedUpsampler
from .instance_map_head import InstanceMapHead
from .object_aggregation import aggregate_objects
from .object_mask_decoder import CoarseMaskHead, SkipUpsampler
from .propagation_decoders import PropagationDecoder
from .re_mp_head import ReMPHead
from .recall_head import ObjectRows, Recalled, RecallHead
from .reid_head import ReIDHead
from .sequence_heads import PooledScoreHead, PooledStateHead

__all__ = [
    'BinaryMaskHead',
    'CoarseMaskHead',
    'ConvLSTMCell',
    'ConvLayers',
    'GaussianAppearance',
    'GaussianMixture',
    'GuidedUpsampler',
    'InstanceMapHead',
    'MaskPyramid',
    'ObjectRows',
    'PooledScoreHead',
    'PooledStateHead',
    'PropagationDecoder',
    'ReIDHead',
    'ReMPHead',
    'RecallHead',
    'Recalled',
    'RecurrentDecoder',
    'SkipUpsampler',
    'SpatialInhibition',
    'StackedDecoder',
    'aggregate_objects',
]
