"""Weights that come with MMVOS: files beside this one, and ``weights.json``, which says what each of them is.

Inferencers, commands, ``mmvos models`` and the tables of the docs read that file. It is written by
``tools/model_converters/publish_checkpoint.py``.
"""

from .packages import add_package_tensors, package_file, package_tensors
from .shipped import ShippedWeights, TrainingData, find_weights, shipped_weights, weights_file

__all__ = [
    'ShippedWeights',
    'TrainingData',
    'add_package_tensors',
    'find_weights',
    'package_file',
    'package_tensors',
    'shipped_weights',
    'weights_file',
]
