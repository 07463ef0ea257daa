from .boundary import BOUND_TH, boundary_map, boundary_radius, dilate_disc, f_measure
from .davis import TEMPORAL_SEQUENCES, DAVIS2016Sequence, DAVISSemiSequence, DAVISUnsupSequence, davis_summary
from .frames import score_objects, score_pairs
from .region import jaccard
from .statistics import Statistics, nan_mean, statistics
from .temporal import contour_of, temporal_instability
from .youtube_vis import youtube_vis_ap, youtube_vis_problems

__all__ = [
    'BOUND_TH', 'DAVIS2016Sequence', 'DAVISSemiSequence', 'DAVISUnsupSequence', 'Statistics', 'TEMPORAL_SEQUENCES',
    'boundary_map', 'boundary_radius', 'contour_of', 'davis_summary', 'dilate_disc', 'f_measure', 'jaccard', 'nan_mean',
    'score_objects', 'score_pairs', 'statistics', 'temporal_instability', 'youtube_vis_ap',
    'youtube_vis_problems'
]
