from .attention import *  # noqa: F401,F403
from .backbones import *  # noqa: F401,F403
from .data_preprocessor import VOSDataPreprocessor
from .detectors import *  # noqa: F401,F403
from .flow import *  # noqa: F401,F403
from .heads import *  # noqa: F401,F403
from .interactive import *  # noqa: F401,F403
from .losses import *  # noqa: F401,F403
from .matching import *  # noqa: F401,F403
from .necks import *  # noqa: F401,F403
from .post_processors import *  # noqa: F401,F403
from .segmentors import *  # noqa: F401,F403
from .trackers import *  # noqa: F401,F403
from .vis import *  # noqa: F401,F403

__all__ = ['VOSDataPreprocessor']
