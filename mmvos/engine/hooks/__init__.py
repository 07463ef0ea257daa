from .curriculum import CurriculumHook, FreezeHook, PlateauCurriculumHook
from .stream_lr_hook import StreamLRHook
from .visualization_hook import VOSVisualizationHook

__all__ = ['CurriculumHook', 'FreezeHook', 'PlateauCurriculumHook', 'StreamLRHook', 'VOSVisualizationHook']
