from .gaussian_appearance import GaussianAppearance as GaussianAppearance
from .gaussian_appearance import GaussianMixture as GaussianMixture
from .mask_propagation import MaskPropagation as MaskPropagation
from .mask_propagation import PropagatedMask as PropagatedMask
from .object_cue import ObjectCue as ObjectCue
from .object_cue import pool_masks as pool_masks
