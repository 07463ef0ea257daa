from .ceil_pool_resnet import CeilPoolResNet
from .cue_resnet import CueResNet
from .dilated_resnet import DilatedResNet
from .efficientnet_lite import EfficientNetLite
from .masked_resnet import MaskedResNet
from .partly_frozen_resnet import PartlyFrozenResNet
from .stem_resnet import StemResNet
from .vgg import VGG, FCN8s, PlainConvNet

__all__ = [
    'CeilPoolResNet',
    'CueResNet',
    'DilatedResNet',
    'EfficientNetLite',
    'FCN8s',
    'MaskedResNet',
    'PartlyFrozenResNet',
    'PlainConvNet',
    'StemResNet',
    'VGG',
]
