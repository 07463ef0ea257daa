"""From the parameter names of the original implementations to MMVOS's.

A converter is a function ``state_dict -> state_dict`` registered under the method's name. It accounts for every key:
what it neither maps nor drops on purpose is an error.
"""

import importlib
import pkgutil

from .base import CONVERTERS, convert, register_converter, rename

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

__all__ = ['CONVERTERS', 'convert', 'register_converter', 'rename']
