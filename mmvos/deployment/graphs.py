"""A part of a model as a graph of tensors, written for torch.export and for ONNX."""

import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmvos.structures import InputError

#: version of the operators that ONNX graphs use
OPSET = 18
#: what a dimension counts that is at least 2: torch's exporter takes products of batches of one for another case
SEVERAL = 'several'


@dataclass(frozen=True)
class Graph:
    """A part of a model that maps tensors to tensors.

    Args:
        name (str): name of the graph.
        module (nn.Module): takes the inputs in their order, returns one tensor per output.
        inputs (Mapping[str, Tensor]): an example of every input, whose sizes are those of the graph.
        outputs (Sequence[str]): names of the outputs.
        dynamic (Mapping[str, Mapping[int, str]]): for each input the dimensions whose size may be another one, and what
            they count; sizes of the same name are equal. The example's are at least 2.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]
    dynamic: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def exported(self) -> torch.export.ExportedProgram:
        """The graph as a program of :func:`torch.export.export`."""
        counts: dict[str, Any] = {
            name: torch.export.Dim(name, min=1 + (name == SEVERAL))
            for sizes in self.dynamic.values()
            for name in sizes.values()
        }
        counts['labels'] = torch.export.Dim('objects', min=1) + 1
        shapes = tuple({dim: counts[name] for dim, name in self.dynamic.get(key, {}).items()} for key in self.inputs)
        config: Any = torch.fx.experimental._config
        with torch.no_grad(), _quiet(), config.patch(backed_size_oblivious=True):
            # copies: a tensor that stands for two inputs would become one
            inputs = tuple(tensor.clone() for tensor in self.inputs.values())
            return torch.export.export(self.module.eval(), inputs, dynamic_shapes=(shapes,), strict=False)

    def pt2(self) -> bytes:
        """The graph as ``torch.export`` saves it."""
        buffer = io.BytesIO()
        with _quiet():
            torch.export.save(self.exported(), buffer)
        return buffer.getvalue()

    def onnx(self) -> bytes:
        """The graph as an ONNX model.

        Raises:
            InputError: ``onnx`` or ``onnxscript`` is not installed.
        """
        try:
            import onnxscript  # noqa: F401  (asked for by torch.onnx)
        except ImportError as error:
            raise InputError(
                'ONNX needs the packages onnx and onnxscript; install them with: pip install "mmvos[export]"'
            ) from error
        with _quiet():
            program = torch.onnx.export(
                self.exported(),
                input_names=list(self.inputs),
                output_names=list(self.outputs),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        assert program is not None  # with dynamo=True
        return program.model_proto.SerializeToString()


class Wrapped(nn.Module):
    """A function of tensors as a module, with the modules whose weights it uses.

    Args:
        function (Callable): what the module computes.
        parts (nn.Module): the modules.
    """

    def __init__(self, function: Any, *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch's exporters say of themselves."""
    loggers = [logging.getLogger(name) for name in ('torch.onnx', 'onnxscript')]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
