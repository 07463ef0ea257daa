"""Correlation of two feature maps over a window of displacements (the layer of FlowNetC)."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


class _Correlation(torch.autograd.Function):
    """A loop over displacements that keeps its two inputs only.

    ``mmcv.ops.Correlation`` has no CPU kernel. Built from differentiable operations instead, the backward pass would
    hold one product of the feature maps for each of the 441 displacements.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, radius: int, stride: int) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.window = radius, stride
        out = a.new_empty(a.shape[0], (2 * radius + 1) ** 2, *a.shape[-2:])
        for index, shifted in _shifts(F.pad(b, [radius * stride] * 4), a.shape[-2:], radius, stride):
            out[:, index] = (a * shifted).mean(1)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        a, b = ctx.saved_tensors
        radius, stride = ctx.window
        pad = radius * stride
        padded = F.pad(b, [pad] * 4)
        grad_a, grad_padded = torch.zeros_like(a), torch.zeros_like(padded)
        grad = grad / a.shape[1]
        targets = _shifts(grad_padded, a.shape[-2:], radius, stride)
        for (index, shifted), (_, target) in zip(_shifts(padded, a.shape[-2:], radius, stride), targets, strict=True):
            weight = grad[:, index, None]
            grad_a += weight * shifted
            target += weight * a  # a view of grad_padded
        return grad_a, grad_padded[..., pad : pad + a.shape[-2], pad : pad + a.shape[-1]], None, None


def _shifts(padded: Tensor, size: Sequence[int], radius: int, stride: int) -> Iterator[tuple[int, Tensor]]:
    """Index and view of every displacement; the vertical one is the outer index."""
    for j in range(2 * radius + 1):
        for i in range(2 * radius + 1):
            yield (j * (2 * radius + 1) + i, padded[..., j * stride : j * stride + size[0], i * stride : i * stride + size[1]])


def correlation(a: Tensor, b: Tensor, radius: int = 10, stride: int = 2) -> Tensor:
    """Similarity of each pixel of ``a`` to its neighbourhood in ``b``.

    ``out[:, (j + radius) * (2 * radius + 1) + i + radius](y, x) = mean_c a(y, x) * b(y + j * stride, x + i * stride)``
    for i, j in -radius..radius; zeros outside b. FlowNet (Dosovitskiy et al., ICCV 2015), section 3, with a 1x1 patch.
    Computed in float32 at least, also under autocast.

    Args:
        a, b (Tensor): ``(B, C, H, W)``.
        radius (int): displacements to each side.
        stride (int): pixels between two displacements.

    Returns:
        ``(B, (2 * radius + 1)^2, H, W)``.
    """
    dtype = torch.promote_types(a.dtype, torch.float32)
    with torch.autocast(a.device.type, enabled=False):
        return _Correlation.apply(a.to(dtype), b.to(dtype), radius, stride)
