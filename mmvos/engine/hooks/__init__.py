from .alternating_lr_hook import AlternatingLRHook
from .curriculum import CurriculumHook, FreezeHook, PlateauCurriculumHook
from .visualization_hook import VOSVisualizationHook

__all__ = ['CurriculumHook', 'FreezeHook', 'PlateauCurriculumHook', 'AlternatingLRHook', 'VOSVisualizationHook']
