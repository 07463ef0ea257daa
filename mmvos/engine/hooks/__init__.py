from .alternating_lr_hook import AlternatingLRHook
from .curriculum import CurriculumHook, FreezeHook, PlateauCurriculumHook
from .video_hook import VideoHook
from .visualization_hook import VOSVisualizationHook

__all__ = ['CurriculumHook', 'FreezeHook', 'PlateauCurriculumHook', 'AlternatingLRHook', 'VOSVisualizationHook', 'VideoHook']
