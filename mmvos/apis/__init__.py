from .click_segmenter import init_click_segmenter
from .vis_inferencer import DEFAULT_VIS_MODEL, VIS_MODEL_ALIASES, VISInferencer
from .vos_inferencer import DEFAULT_MODEL, MODEL_ALIASES, VOSInferencer, init_model

__all__ = [
    'DEFAULT_MODEL',
    'DEFAULT_VIS_MODEL',
    'MODEL_ALIASES',
    'VIS_MODEL_ALIASES',
    'VISInferencer',
    'VOSInferencer',
    'init_click_segmenter',
    'init_model',
]
