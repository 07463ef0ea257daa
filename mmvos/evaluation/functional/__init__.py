"""Measures in plain numpy: region, contour, stability, average precision, as the benchmarks compute them."""

from .boundary import BOUND_TH, boundary_map, boundary_radius, dilate_disc, f_measure
from .davis import TEMPORAL_SEQUENCES, DAVIS2016Sequence, DAVISSemiSequence, DAVISUnsupSequence, davis_summary
from .frames import score_objects, score_pairs
from .instance_sequence import best_dice, instance_sequence_summary, symmetric_best_dice
from .lvos import LVOSVideo, lvos_summary
from .mean_iou import MeanIoUVideo, mean_iou_summary
from .region import jaccard
from .starting_points import StartingPointScores, rate_starting_points
from .statistics import Statistics, nan_mean, statistics
from .temporal import contour_of, temporal_instability
from .youtube_vis import youtube_vis_ap, youtube_vis_problems
from .youtube_vos import SEEN_CATEGORIES, YouTubeVOSVideo, category_group, youtube_vos_summary

__all__ = [
    'BOUND_TH',
    'DAVIS2016Sequence',
    'DAVISSemiSequence',
    'DAVISUnsupSequence',
    'LVOSVideo',
    'MeanIoUVideo',
    'SEEN_CATEGORIES',
    'StartingPointScores',
    'Statistics',
    'TEMPORAL_SEQUENCES',
    'YouTubeVOSVideo',
    'best_dice',
    'boundary_map',
    'boundary_radius',
    'category_group',
    'contour_of',
    'davis_summary',
    'dilate_disc',
    'f_measure',
    'instance_sequence_summary',
    'jaccard',
    'lvos_summary',
    'mean_iou_summary',
    'nan_mean',
    'rate_starting_points',
    'score_objects',
    'score_pairs',
    'statistics',
    'symmetric_best_dice',
    'temporal_instability',
    'youtube_vis_ap',
    'youtube_vis_problems',
    'youtube_vos_summary',
]
