"""Which methods can be exported, and the models of exported files."""

import os
import pkgutil
from typing import Any

import torch
from torch import nn

from mmvos.structures import InputError

from .archive import read_archive
from .exported_model import ExportedModel

#: name of a method's class, and of the class of its exported models
_METHODS = dict(
    RecallVOS='mmvos.deployment.recall_vos.ExportedRecallVOS',
    MatchVOS='mmvos.deployment.matching.ExportedMatchVOS',
    FeaturePropagation='mmvos.deployment.matching.ExportedFeaturePropagation',
    AGAME='mmvos.deployment.recurrent.ExportedAGAME',
    RGMP='mmvos.deployment.rgmp.ExportedRGMP',
    AGSSVOS='mmvos.deployment.agss_vos.ExportedAGSSVOS',
    RVOS='mmvos.deployment.rvos.ExportedRVOS',
)


def exportable_methods() -> list[str]:
    """Names of the methods that can be exported."""
    return sorted(_METHODS)


def method_of(model: nn.Module) -> str:
    """Name of the method of a model.

    Raises:
        InputError: it cannot be exported.
    """
    name = type(model).__name__
    if name not in _METHODS:
        raise InputError(f'{name} cannot be exported; expected a model of one of: {", ".join(exportable_methods())}.')
    return name


def exported_class(method: str) -> type[ExportedModel]:
    """The class of a method's exported models."""
    found: Any = pkgutil.resolve_name(_METHODS[method])
    return found


def open_exported(path: str | os.PathLike, device: str | torch.device | None = None) -> ExportedModel:
    """The model of an exported file; a session runs it as any other. No code of the file is run.

    Args:
        path (str | os.PathLike): what ``mmvos export`` wrote.
        device (str | torch.device | None): the CPU.

    Raises:
        InputError: a file that cannot be used, onnxruntime is missing, or another device.
    """
    if device is not None and torch.device(device).type != 'cpu':
        raise InputError(f'--device {device}: exported models run on the CPU.')
    description, graphs = read_archive(path)
    if description.method not in _METHODS:
        raise InputError(f'{os.fspath(path)}: method is {description.method!r}; expected one of {", ".join(_METHODS)}.')
    try:
        return exported_class(description.method).opened(description, graphs).eval()
    except InputError as error:
        raise InputError(f'{os.fspath(path)}: {error}') from error
