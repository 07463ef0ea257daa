from .video_samplers import BalancedSampler, EndlessSampler, LongestFirstSampler, share_out

__all__ = ['BalancedSampler', 'EndlessSampler', 'LongestFirstSampler', 'share_out']
