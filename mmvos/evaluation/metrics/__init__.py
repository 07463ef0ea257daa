from .base import ScoredVideoMetric, VideoMetric
from .davis import DAVISMetric
from .mean_iou import MeanIoUMetric
from .youtube_vis_metric import YouTubeVISMetric
from .youtube_vos import YouTubeVOSMetric

__all__ = [
    'DAVISMetric', 'MeanIoUMetric', 'ScoredVideoMetric', 'VideoMetric', 'YouTubeVISMetric', 'YouTubeVOSMetric'
]
