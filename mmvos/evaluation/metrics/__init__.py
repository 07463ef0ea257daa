from .base import ScoredVideoMetric, VideoMetric
from .davis import DAVISMetric
from .instance_sequence import InstanceSequenceMetric
from .mean_iou import MeanIoUMetric
from .submission import DAVIS2016Submission, DAVISSubmission, LabelMapWriter, YouTubeVISSubmission, YouTubeVOSSubmission
from .youtube_vis_metric import YouTubeVISMetric
from .youtube_vos import YouTubeVOSMetric

__all__ = [
    'DAVIS2016Submission',
    'DAVISMetric',
    'DAVISSubmission',
    'InstanceSequenceMetric',
    'LabelMapWriter',
    'MeanIoUMetric',
    'ScoredVideoMetric',
    'VideoMetric',
    'YouTubeVISMetric',
    'YouTubeVISSubmission',
    'YouTubeVOSMetric',
    'YouTubeVOSSubmission',
]
