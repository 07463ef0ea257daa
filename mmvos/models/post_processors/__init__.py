"""What is done to masks at last."""

from .base import PostProcessor
from .dense_crf import DenseCRF, dense_crf

__all__ = ['DenseCRF', 'PostProcessor', 'dense_crf']
