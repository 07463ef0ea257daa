from .vis_inferencer import VISInferencer
from .vos_inferencer import DEFAULT_MODEL, MODEL_ALIASES, VOSInferencer, init_model

__all__ = ['DEFAULT_MODEL', 'MODEL_ALIASES', 'VISInferencer', 'VOSInferencer', 'init_model']
