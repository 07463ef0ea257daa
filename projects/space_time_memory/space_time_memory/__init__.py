from .memory_read import MemoryRead
from .space_time_memory import SpaceTimeMemory

__all__ = ['MemoryRead', 'SpaceTimeMemory']
