from .base_vos_dataset import BaseVOSDataset, frames_of, masks_by_frame, read_json, read_split_list
from .label_source import LabelSource, read_annotation
from .samplers import *  # noqa: F401,F403
from .streams import FrameDataset, MultiStream
from .synth import SynthVOSDataset
from .transforms import *  # noqa: F401,F403
from .vis_datasets import OVISDataset, SynthVISDataset, VISDataset, YouTubeVISDataset

__all__ = [
    'BaseVOSDataset', 'FrameDataset', 'LabelSource', 'MultiStream', 'OVISDataset', 'SynthVISDataset',
    'SynthVOSDataset', 'VISDataset', 'YouTubeVISDataset', 'frames_of', 'masks_by_frame', 'read_annotation',
    'read_json', 'read_split_list'
]
