from .alternating_sampler import AlternatingBatchSampler, AlternatingSampler
from .video_samplers import BalancedSampler, EndlessSampler, LongestFirstSampler, share_out

__all__ = [
    'BalancedSampler',
    'EndlessSampler',
    'LongestFirstSampler',
    'AlternatingBatchSampler',
    'AlternatingSampler',
    'share_out',
]
