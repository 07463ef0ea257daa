from .binary_mask_head import BinaryMaskHead
from .gaussian_appearance import GaussianAppearance, GaussianMixture
from .guided_upsampler import GuidedUpsampler
from .instance_map_head import InstanceMapHead
from .object_aggregation import aggregate_objects
from .object_mask_decoder import CoarseMaskHead, SkipUpsampler

__all__ = [
    'BinaryMaskHead', 'CoarseMaskHead', 'GaussianAppearance', 'GaussianMixture', 'GuidedUpsampler',
    'InstanceMapHead', 'SkipUpsampler', 'aggregate_objects'
]
