"""What stands in for ``mmcv._ext`` where mmcv came without compiled operations (see :mod:`mmvos._mmcv_ext`).

It has the two operations that MMVOS's models use, with the signatures of the compiled ones. Every other one can be imported,
for mmcv and mmdet import many, and says when it is called that it needs compiling.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from torch import Tensor

from .nms import nms as plain_nms
from .roi_align import roi_align
from .roi_align import roi_align_backward as plain_backward


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the kept boxes: see :func:`mmvos.ops.nms`."""
    return plain_nms(boxes, scores, iou_threshold, offset)


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,  # noqa: ARG001  (of max pooling)
    argmax_x: Tensor,  # noqa: ARG001  (as above)
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write :func:`mmvos.ops.roi_align` into ``output``."""
    size, mode = (aligned_height, aligned_width), 'avg' if pool_mode == 1 else 'max'
    output.copy_(roi_align(input, rois, size, spatial_scale, sampling_ratio, mode, aligned))


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,  # noqa: ARG001  (as above)
    argmax_x: Tensor,  # noqa: ARG001  (as above)
    grad_input: Tensor,
    aligned_height: int,  # noqa: ARG001  (the gradient has this size)
    aligned_width: int,  # noqa: ARG001  (as above)
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,  # noqa: ARG001  (the forward pass has refused other than 1)
    aligned: bool,
) -> None:
    """Write the gradient of the features into ``grad_input``."""
    grad_input.copy_(plain_backward(grad_output, rois, grad_input.shape, spatial_scale, sampling_ratio, aligned))


def __getattr__(name: str) -> Callable[..., NoReturn]:
    if name.startswith('__'):
        raise AttributeError(name)

    def missing(*_: Any, **__: Any) -> NoReturn:
        raise ImportError(
            f'mmcv.ops: {name} needs the compiled operations of mmcv, and this mmcv came without; `make ops` in a checkout of '
            'MMVOS compiles them, or: pip install --no-build-isolation --no-cache-dir --force-reinstall --no-deps onedl-mmcv'
        )

    return missing
