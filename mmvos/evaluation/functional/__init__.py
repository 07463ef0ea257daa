from .boundary import BOUND_TH, boundary_map, boundary_radius, dilate_disc, f_measure
from .davis import TEMPORAL_SEQUENCES, DAVIS2016Sequence, DAVISSemiSequence, DAVISUnsupSequence, davis_summary
from .frames import score_objects, score_pairs
from .mean_iou import MeanIoUVideo, mean_iou_summary
from .region import jaccard
from .statistics import Statistics, nan_mean, statistics
from .temporal import contour_of, temporal_instability
from .youtube_vis import youtube_vis_ap, youtube_vis_problems
from .youtube_vos import SEEN_CATEGORIES, YouTubeVOSVideo, category_group, youtube_vos_summary

__all__ = [
    'BOUND_TH', 'DAVIS2016Sequence', 'DAVISSemiSequence', 'DAVISUnsupSequence', 'MeanIoUVideo', 'SEEN_CATEGORIES',
    'Statistics', 'TEMPORAL_SEQUENCES', 'YouTubeVOSVideo', 'boundary_map', 'boundary_radius', 'category_group',
    'contour_of', 'davis_summary', 'dilate_disc', 'f_measure', 'jaccard', 'mean_iou_summary', 'nan_mean',
    'score_objects', 'score_pairs', 'statistics', 'temporal_instability', 'youtube_vis_ap', 'youtube_vis_problems',
    'youtube_vos_summary'
]
