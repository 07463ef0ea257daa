"""MMVOS: video object segmentation and video instance segmentation in the style of MMDetection."""

from . import _mmcv_ext
from .version import __version__

_mmcv_ext.install()

__all__ = ['__version__']
