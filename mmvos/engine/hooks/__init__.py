from .curriculum import CurriculumHook, PlateauCurriculumHook
from .stream_lr_hook import StreamLRHook
from .transform_schedule_hook import TransformScheduleHook
from .visualization_hook import VOSVisualizationHook

__all__ = ['CurriculumHook', 'PlateauCurriculumHook', 'StreamLRHook', 'TransformScheduleHook', 'VOSVisualizationHook']
