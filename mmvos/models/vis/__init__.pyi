from .data_preprocessor import VISDataPreprocessor as VISDataPreprocessor
from .masktrack_rcnn import MaskTrackRCNN as MaskTrackRCNN
from .masktrack_rcnn import VISState as VISState
from .track_embed_head import TrackEmbedHead as TrackEmbedHead
