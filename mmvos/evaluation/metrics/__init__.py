"""Metrics and writers of submissions that a config names."""

from .base import VideoMetric
from .coco import InstanceCocoMetric
from .instance_sequence import InstanceSequenceMetric
from .protocol import DAVISMetric, MeanIoUMetric, ProtocolMetric, YouTubeVOSMetric
from .results_dump import ResultsDump
from .submission import DAVIS2016Submission, DAVISSubmission, LabelMapWriter, YouTubeVISSubmission, YouTubeVOSSubmission
from .youtube_vis_metric import YouTubeVISMetric

__all__ = [
    'DAVIS2016Submission',
    'DAVISMetric',
    'DAVISSubmission',
    'InstanceCocoMetric',
    'InstanceSequenceMetric',
    'LabelMapWriter',
    'MeanIoUMetric',
    'ProtocolMetric',
    'ResultsDump',
    'VideoMetric',
    'YouTubeVISMetric',
    'YouTubeVISSubmission',
    'YouTubeVOSMetric',
    'YouTubeVOSSubmission',
]
