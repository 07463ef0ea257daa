"""What happens beside the loops of a training or a test."""

from .alternating_lr_hook import AlternatingLRHook
from .checkpoint_hook import CheckpointHook
from .curriculum import CurriculumHook, PlateauCurriculumHook
from .freeze_hook import FreezeHook
from .load_check import LoadCheckHook
from .position_hook import TrainingPositionHook
from .schedule_hook import ScheduleHook
from .video_hook import VideoHook
from .visualization_hook import VOSVisualizationHook

__all__ = [
    'AlternatingLRHook',
    'CheckpointHook',
    'CurriculumHook',
    'FreezeHook',
    'LoadCheckHook',
    'PlateauCurriculumHook',
    'ScheduleHook',
    'TrainingPositionHook',
    'VOSVisualizationHook',
    'VideoHook',
]
