from .base_vos_dataset import BaseVOSDataset, frames_of, masks_by_frame, read_json, read_split_list
from .davis import DAVIS2016Dataset, DAVIS2017Dataset
from .folder import FolderDataset
from .label_source import LabelSource, read_annotation
from .samplers import *  # noqa: F401,F403
from .streams import FrameDataset, MultiStream
from .synth import SynthVOSDataset
from .transforms import *  # noqa: F401,F403
from .vis_datasets import OVISDataset, SynthVISDataset, VISDataset, YouTubeVISDataset
from .youtube_vos import YouTubeVOSDataset

__all__ = [
    'BaseVOSDataset', 'DAVIS2016Dataset', 'DAVIS2017Dataset', 'FolderDataset', 'FrameDataset', 'LabelSource',
    'MultiStream', 'OVISDataset', 'SynthVISDataset', 'SynthVOSDataset', 'VISDataset', 'YouTubeVISDataset',
    'YouTubeVOSDataset', 'frames_of', 'masks_by_frame', 'read_annotation', 'read_json', 'read_split_list'
]
