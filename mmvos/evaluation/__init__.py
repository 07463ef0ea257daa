"""Metrics, submissions and reports."""

import lazy_loader

# the names and their modules are in __init__.pyi; a module is imported when one of its names is used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
