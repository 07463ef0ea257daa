from .curriculum import CurriculumHook, PlateauCurriculumHook
from .stream_lr_hook import StreamLRHook
from .visualization_hook import VOSVisualizationHook

__all__ = ['CurriculumHook', 'PlateauCurriculumHook', 'StreamLRHook', 'VOSVisualizationHook']
