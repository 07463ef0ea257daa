from .data_preprocessor import VISDataPreprocessor
from .masktrack_rcnn import MaskTrackRCNN, VISState
from .track_embed_head import TrackEmbedHead

__all__ = ['MaskTrackRCNN', 'TrackEmbedHead', 'VISDataPreprocessor', 'VISState']
