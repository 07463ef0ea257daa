from .alternating import AlternatingDatasets, FrameDataset
from .base_vos_dataset import BaseVOSDataset
from .davis import DAVIS2016Dataset, DAVIS2017Dataset
from .fbms import FBMSDataset
from .folder import FolderDataset
from .identity_dataset import IdentityDataset
from .instance_images import InstanceMapDataset, SynthInstanceDataset
from .lvos import LVOSDataset
from .saliency import (
    DUTOMRONDataset,
    DUTSDataset,
    ECSSDDataset,
    MSRA10KDataset,
    SaliencyDataset,
    StillImageDataset,
    VOCInstanceDataset,
    images_with_masks,
)
from .samplers import *  # noqa: F401,F403
from .segtrack import SegTrackV2Dataset
from .still_objects import StillObjectsDataset
from .synth import SynthVOSDataset
from .transforms import *  # noqa: F401,F403
from .unsupervised import UnsupervisedVOSDataset
from .vis_datasets import OVISDataset, SynthVISDataset, VISDataset, YouTubeVISDataset
from .youtube_objects import YouTubeObjectsDataset
from .youtube_vos import YouTubeVOSDataset

__all__ = [
    'BaseVOSDataset',
    'DAVIS2016Dataset',
    'DAVIS2017Dataset',
    'DUTOMRONDataset',
    'DUTSDataset',
    'ECSSDDataset',
    'FBMSDataset',
    'FolderDataset',
    'FrameDataset',
    'IdentityDataset',
    'InstanceMapDataset',
    'LVOSDataset',
    'MSRA10KDataset',
    'AlternatingDatasets',
    'OVISDataset',
    'SaliencyDataset',
    'SegTrackV2Dataset',
    'StillImageDataset',
    'StillObjectsDataset',
    'SynthInstanceDataset',
    'SynthVISDataset',
    'SynthVOSDataset',
    'UnsupervisedVOSDataset',
    'VISDataset',
    'VOCInstanceDataset',
    'YouTubeObjectsDataset',
    'YouTubeVISDataset',
    'YouTubeVOSDataset',
    'images_with_masks',
]
