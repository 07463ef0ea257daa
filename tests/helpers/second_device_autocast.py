"""Mixed precision of the second device: which operators run in half, single or the widest precision, as on CUDA."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map

aten = torch.ops.aten
PACKAGE = str(Path(__file__).resolve().parents[2] / 'mmvos')


class DeviceError(RuntimeError):
    """Something that a GPU would have refused."""


def place_in_mmvos() -> str:
    """Innermost line of MMVOS, as ``models/base.py:12``."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            return f'{frame.f_code.co_filename[len(PACKAGE) + 1 :]}:{frame.f_lineno}'
        frame = frame.f_back
    return 'elsewhere'


# Mixed precision: names of operators, as CUDA treats them
IN_HALF = [
    'conv1d',
    'conv2d',
    'conv3d',
    'conv_transpose1d',
    'conv_transpose2d.input',
    'conv_transpose3d.input',
    'convolution',
    'prelu',
    'addmm',
    'addmv',
    'addr',
    'matmul',
    'einsum',
    'mm',
    'mv',
    'linear',
    'addbmm',
    'baddbmm',
    'bmm',
    'scaled_dot_product_attention',
]
IN_SINGLE = [
    'acos',
    'asin',
    'cosh',
    'erfinv',
    'exp',
    'expm1',
    'log',
    'log10',
    'log2',
    'log1p',
    'reciprocal',
    'rsqrt',
    'sinh',
    'tan',
    'pow.Tensor_Scalar',
    'pow.Tensor_Tensor',
    'pow.Scalar',
    'softplus',
    'layer_norm',
    'native_layer_norm',
    'group_norm',
    'cosine_similarity',
    'nll_loss',
    'nll_loss_nd',
    'kl_div',
    'l1_loss',
    'smooth_l1_loss',
    'huber_loss',
    'mse_loss',
    'binary_cross_entropy_with_logits',
    'cdist',
    'renorm',
    'logsumexp',
    'prod',
    'softmax.int',
    'log_softmax.int',
    'cumprod',
    'cumsum',
    'linalg_vector_norm',
    'norm.ScalarOpt_dim',
    'sum',
    'sum.dim_IntList',
    'prod.dim_int',
]
IN_WIDEST = [
    'addcdiv',
    'addcmul',
    'atan2',
    'bilinear',
    'cross',
    'dot',
    'vdot',
    'grid_sampler',
    'index_put',
    'tensordot',
    'scatter_add',
]


def autocast_rules() -> list[torch.library.Library]:
    """Registers the rules; they hold for as long as the returned objects live."""
    rest = torch.library.Library('_', 'IMPL')
    rest.fallback(torch.library.fallthrough_kernel, 'AutocastPrivateUse1')
    rules = torch.library.Library('aten', 'IMPL', 'AutocastPrivateUse1')
    outside = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)

    def floats(values: Any) -> list[Tensor]:
        flat = tree_flatten(values)[0]
        return [v for v in flat if isinstance(v, Tensor) and v.is_floating_point() and v.dtype != torch.float64]

    def register(name: str, choose: Callable[[list[Tensor]], torch.dtype]) -> None:
        packet, _, overload = name.partition('.')
        op = getattr(getattr(aten, packet), overload or 'default')

        def call(*args: Any, **kwargs: Any) -> Any:
            with torch._C._ExcludeDispatchKeyGuard(outside):
                casts = floats((args, kwargs))
                if casts:
                    dtype, ids = choose(casts), {id(t) for t in casts}
                    args, kwargs = tree_map(lambda v: v.to(dtype) if id(v) in ids else v, (args, kwargs))
                return op(*args, **kwargs)

        rules.impl(op, call)

    def widest(tensors: list[Tensor]) -> torch.dtype:
        return torch.float32 if any(t.dtype == torch.float32 for t in tensors) else tensors[0].dtype

    def refuse(tensors: list[Tensor]) -> torch.dtype:
        raise DeviceError(f'binary_cross_entropy of {tensors[0].dtype} under autocast at {place_in_mmvos()}')

    for names, choose in (
        (IN_HALF, lambda _: torch.get_autocast_dtype('guest')),
        (IN_SINGLE, lambda _: torch.float32),
        (IN_WIDEST, widest),
        (['binary_cross_entropy'], refuse),
    ):
        for name in names:
            register(name, choose)
    return [rest, rules]
