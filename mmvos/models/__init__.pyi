from .attention import *
from .backbones import *
from .data_preprocessor import VOSDataPreprocessor as VOSDataPreprocessor
from .detectors import *
from .flow import *
from .heads import *
from .interactive import *
from .losses import *
from .matching import *
from .necks import *
from .post_processors import *
from .segmentors import *
from .trackers import *
from .vis import *
