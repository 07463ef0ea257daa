from .drawing import draw_result
from .overlay import VideoWriter, draw_label_map

__all__ = ['VideoWriter', 'draw_label_map', 'draw_result']
