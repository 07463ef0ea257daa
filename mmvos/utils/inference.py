"""Making a model faster without changing what it computes."""

import warnings

import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn


def prepare_for_inference(model: nn.Module) -> nn.Module:
    """Fold batch norms into the convolutions before them and store images channels last; changes the model in place.

    Exact up to float rounding; about twice as fast on a CPU with the light backbones. The model cannot be trained after it.
    A part of the model that has a method ``prepare_for_inference`` is asked to do what it can do besides.
    """
    model.eval()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model = fuse_conv_bn(model)
    for part in model.modules():
        if part is not model and hasattr(part, 'prepare_for_inference'):
            part.prepare_for_inference()  # type: ignore[operator]  # a method, where there is one
    model.data_preprocessor.memory_format = torch.channels_last  # type: ignore[union-attr]  # a VOS model has a preprocessor
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack this call
