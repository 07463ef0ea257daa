"""MyMethod for MMVOS; a config imports it with ``custom_imports``."""

from .my_method import MyMethod

__all__ = ['MyMethod']
