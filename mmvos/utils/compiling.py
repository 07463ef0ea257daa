"""Networks of a model compiled by ``torch.compile``."""

import os
import shutil
import sysconfig
from typing import Any

import torch
from torch import nn

from mmvos.structures import InputError

#: parts of a model that are compiled where it does not say which (its attribute ``compiled_parts``)
PARTS = ('backbone', 'encoder', 'neck', 'fusion', 'upsampler')


def compile_networks(model: nn.Module) -> nn.Module:
    """Compile the heavy parts of a model, in place: the modules and methods that its ``compiled_parts`` names, else the modules
    of :data:`PARTS` that it has. Memory, aggregation and what depends on values stay as they are.

    Compilation itself happens in the first frames, and again for the first other number of objects; it takes from half a
    minute to minutes. Labels are those of the model, up to rounding.

    Args:
        model (nn.Module): a model on its device, ready for inference.

    Raises:
        InputError: no compiler, or a model without such parts.
    """
    names = getattr(model, 'compiled_parts', [name for name in PARTS if hasattr(model, name)])
    if not names or not list(model.parameters()):
        raise InputError(
            f'--compile: {type(model).__name__} has no part to compile; expected a model with one of {", ".join(PARTS)} '
            '(exported models are compiled already).'
        )
    _check_compiler(next(model.parameters()).device.type)
    for name in names:
        owner_name, _, attribute = name.rpartition('.')
        owner: Any = model.get_submodule(owner_name)
        part = getattr(owner, attribute)
        if isinstance(part, nn.Module):
            part.compile()
        else:
            setattr(owner, attribute, torch.compile(part))
    return model


def _check_compiler(device: str) -> None:
    """Raise InputError where what ``torch.compile`` needs is missing: on a CPU a C++ compiler and Python's headers."""
    if device != 'cpu':
        return
    compiler = os.environ.get('CXX', 'g++')
    if shutil.which(compiler) is None:
        raise InputError(
            f'--compile: no C++ compiler {compiler!r} was found; install one (apt-get install g++), or name it in the '
            'environment variable CXX.'
        )
    header = os.path.join(sysconfig.get_path('include'), 'Python.h')
    if not os.path.isfile(header):
        raise InputError(f"--compile: {header} is missing; install Python's headers (apt-get install python3-dev).")
