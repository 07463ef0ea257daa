"""Pictures and videos of results."""

from .drawing import draw_result
from .overlay import draw_label_map
from .video_writer import VideoWriter
from .vis_visualizer import draw_instances, instance_colour

__all__ = ['VideoWriter', 'draw_instances', 'draw_label_map', 'draw_result', 'instance_colour']
