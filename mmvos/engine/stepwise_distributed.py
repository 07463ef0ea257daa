"""Several processes that train a model with an optimiser step of its own kind."""

from typing import Any

import torch.distributed
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmvos.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class StepwiseDistributed(nn.Module):
    """Wraps a :class:`~mmvos.models.segmentors.StepwiseTrainedModel`, which averages the processes' gradients itself.

    All processes begin with the weights and buffers of the first one.

    Args:
        module (BaseModel): the model.
    """

    def __init__(self, module: BaseModel) -> None:
        super().__init__()
        self.module = module
        for tensor in (*module.parameters(), *module.buffers()):
            torch.distributed.broadcast(tensor.detach(), src=0)

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """The losses of one batch, after the model's own ``train_step``: ``{name: scalar}``.

        Args:
            data (Any): a batch of the data loader.
            optim_wrapper (OptimWrapper): the optimiser, which the model steps itself.
        """
        return self.module.train_step(data, optim_wrapper)

    def val_step(self, data: Any) -> list:
        """The model's own."""
        return self.module.val_step(data)

    def test_step(self, data: Any) -> list:
        """The model's own."""
        return self.module.test_step(data)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The model's own."""
        return self.module(*args, **kwargs)
