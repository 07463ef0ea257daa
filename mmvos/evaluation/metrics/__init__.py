from .base import ScoredVideoMetric, VideoMetric
from .davis import DAVISMetric

__all__ = ['DAVISMetric', 'ScoredVideoMetric', 'VideoMetric']
