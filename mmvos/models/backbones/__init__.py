from .ceil_pool_resnet import CeilPoolResNet
from .cue_resnet import CueResNet
from .dilated_resnet import DilatedResNet
from .efficientnet_lite import EfficientNetLite
from .stem_resnet import StemResNet
from .vgg import FCN8s, PlainConvNet, VGG

__all__ = [
    'CeilPoolResNet', 'CueResNet', 'DilatedResNet', 'EfficientNetLite', 'FCN8s', 'PlainConvNet', 'StemResNet',
    'VGG'
]
