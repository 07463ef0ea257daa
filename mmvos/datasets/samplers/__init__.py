"""Which videos a training sees, and in which order."""

from .alternating_sampler import AlternatingBatchSampler, AlternatingSampler
from .video_samplers import BalancedSampler, EndlessSampler, LongestFirstSampler

__all__ = ['BalancedSampler', 'EndlessSampler', 'LongestFirstSampler', 'AlternatingBatchSampler', 'AlternatingSampler']
