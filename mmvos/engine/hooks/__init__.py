from .visualization_hook import VOSVisualizationHook

__all__ = ['VOSVisualizationHook']
