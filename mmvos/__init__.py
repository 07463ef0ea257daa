"""MMVOS: video object segmentation and video instance segmentation in the style of MMDetection."""

from .version import __version__

__all__ = ['__version__']
