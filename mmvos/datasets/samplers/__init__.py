from .stream_sampler import StreamBatchSampler, StreamSampler
from .video_samplers import BalancedSampler, EndlessSampler, LongestFirstSampler, share_out

__all__ = ['BalancedSampler', 'EndlessSampler', 'LongestFirstSampler', 'StreamBatchSampler', 'StreamSampler', 'share_out']
