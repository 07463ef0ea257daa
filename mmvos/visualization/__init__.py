from .drawing import draw_result
from .overlay import VideoWriter, draw_label_map
from .vis_visualizer import draw_instances, instance_colour

__all__ = ['VideoWriter', 'draw_instances', 'draw_label_map', 'draw_result', 'instance_colour']
