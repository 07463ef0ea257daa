from .hooks import *  # noqa: F401,F403
from .loops import VideoTestLoop, VideoValLoop

__all__ = ['VideoTestLoop', 'VideoValLoop']
