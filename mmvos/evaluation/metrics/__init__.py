from .base import ScoredVideoMetric, VideoMetric
from .davis import DAVISMetric
from .youtube_vis_metric import YouTubeVISMetric

__all__ = ['DAVISMetric', 'ScoredVideoMetric', 'VideoMetric', 'YouTubeVISMetric']
