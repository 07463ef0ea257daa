from .ceil_pool_resnet import CeilPoolResNet
from .cue_resnet import CueResNet
from .dilated_resnet import DilatedResNet
from .efficientnet_lite import EfficientNetLite

__all__ = ['CeilPoolResNet', 'CueResNet', 'DilatedResNet', 'EfficientNetLite']
