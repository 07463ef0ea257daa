"""From a model to the exported file."""

import os
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Literal

import torch
from torch import nn

from mmvos.inference.geometry import FrameGeometry
from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError
from mmvos.version import __version__

from .archive import FORMAT, Description, write_archive
from .graphs import Graph
from .methods import exported_class, method_of

#: suffix of the graphs, and what writes one
_WRITERS: dict[str, tuple[str, Callable[[Graph], bytes]]] = dict(onnx=('.onnx', Graph.onnx), torch=('.pt2', Graph.pt2))


def export_model(
    model: nn.Module,
    path: str | os.PathLike,
    frame_size: tuple[int, int] = (480, 854),
    name: str = '',
    form: Literal['onnx', 'torch'] = 'onnx',
) -> Description:
    """Export a model for frames of one size (or one that the model's settings resize to the same).

    Args:
        model (nn.Module): a causal model, on the CPU and ready for inference, see :func:`~mmvos.apis.init_model`.
        path (str | os.PathLike): the file that is written.
        frame_size (tuple[int, int]): height and width of the videos' frames.
        name (str): name of the model, for people.
        form (str): ``'onnx'``, which MMVOS runs, or ``'torch'``: programs of ``torch.export``.

    Returns:
        Description: what the file says of the model.

    Raises:
        InputError: the method or one of its parts cannot be exported, or a package is missing.
    """
    method: Any = method_of(model)
    exported = exported_class(method)
    settings: Any = of_one_size(model.test_cfg)
    if settings.post_process:
        raise InputError('test_cfg.post_process: post-processors cannot be exported; turn it off with post_process=None.')
    preprocessor: Any = model.data_preprocessor
    size = FrameGeometry(frame_size, settings.resize, settings.pad).input_shape
    description = Description(
        format=FORMAT,
        method=method,
        name=name,
        mmvos=__version__,
        frame_size=list(frame_size),
        input_size=list(size),
        test_cfg=_plain(asdict(settings)),
        preprocessor=dict(
            mean=preprocessor.mean.flatten().tolist(), std=preprocessor.std.flatten().tolist(), rgb=preprocessor.rgb
        ),
        numbers=exported.numbers_of(model),
        parts=_plain(exported.parts_of(model)),
    )
    suffix, write = _WRITERS[form]
    with torch.no_grad():
        graphs = {graph.name + suffix: write(graph) for graph in exported.graphs_of(model, size)}
    write_archive(path, description, graphs)
    return description


def of_one_size(settings: Any) -> Any:
    """Settings of a session that do not choose the network's size by the objects of a video: graphs have one size.

    Args:
        settings (SessionSettings): those of a model.
    """
    rule: Any = TASK_UTILS.build(settings.resize) if settings.resize else None
    return replace(settings, resize=rule.without_objects()) if hasattr(rule, 'without_objects') else settings


def _plain(value: Any) -> Any:
    """Settings as JSON has them: dicts of a config as plain ones."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
