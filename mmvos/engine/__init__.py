from .hooks import *  # noqa: F401,F403
from .loops import VideoTestLoop, VideoValLoop
from .optim_wrapper import CPUAmpOptimWrapper

__all__ = ['CPUAmpOptimWrapper', 'VideoTestLoop', 'VideoValLoop']
