"""Graphs run by onnxruntime, instead of a model's networks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvos.structures import InputError


class OnnxGraph:
    """An ONNX graph that takes and gives tensors on the CPU. It uses as many threads as torch does.

    Args:
        name (str): name of the graph, for messages.
        data (bytes): the ONNX model.

    Raises:
        InputError: onnxruntime is not installed, or cannot read the graph.
    """

    def __init__(self, name: str, data: bytes) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(
                'exported models need the package onnxruntime; install it with: pip install "mmvos[export]"'
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime has a type for every kind of damage
            raise InputError(f'{name}.onnx: onnxruntime cannot read it ({str(error).splitlines()[0]}).') from error
        self.name = name
        self.outputs = [item.name for item in self._session.get_outputs()]

    def __call__(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The graph's outputs by their names, in their order."""
        feed = {name: np.ascontiguousarray(tensor.detach().numpy()) for name, tensor in inputs.items()}
        results: list[Any] = self._session.run(None, feed)
        return {name: torch.from_numpy(result) for name, result in zip(self.outputs, results, strict=True)}
