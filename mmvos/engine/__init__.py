"""Hooks, loops and runners of training and testing."""

from .hooks import *  # noqa: F401,F403  (its __all__ counts)
from .loops import VideoTestLoop, VideoValLoop
from .optim_wrapper import CPUAmpOptimWrapper
from .runner import FlexibleRunner, Runner, build_runner
from .stepwise_distributed import StepwiseDistributed
from .train_loops import EpochBasedTrainLoop, IterBasedTrainLoop

__all__ = [
    'CPUAmpOptimWrapper',
    'EpochBasedTrainLoop',
    'FlexibleRunner',
    'IterBasedTrainLoop',
    'Runner',
    'StepwiseDistributed',
    'VideoTestLoop',
    'VideoValLoop',
    'build_runner',
]
