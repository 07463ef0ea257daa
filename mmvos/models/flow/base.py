"""The interface of all optical flow estimators."""

from abc import ABCMeta, abstractmethod

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from .warp import resize_flow


class FlowEstimator(BaseModule, metaclass=ABCMeta):
    """Optical flow between pairs of frames.

    ``estimator(frames_from, frames_to)`` is F_{from->to}: the content at pixel p of ``frames_from`` is found at
    ``p + F(p)`` in ``frames_to``. The backward flow that carries a mask from frame t-1 to t is therefore
    ``estimator(frame_t, frame_t_minus_1)``; see :func:`~mmvos.models.flow.warp`.

    A subclass writes :meth:`estimate`.

    Args:
        divisor (int): what height and width must be multiples of. Frames of another size are resized to the next smaller
            multiple (at least one) and the flow is resized back.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    #: whether it is computed by a library on the CPU, on whatever device the frames are
    on_cpu = False

    def __init__(self, divisor: int = 1, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.divisor = divisor

    def forward(self, frames_from: Tensor, frames_to: Tensor) -> Tensor:
        """Flow of a batch of pairs.

        Args:
            frames_from, frames_to (Tensor): RGB, 0..255, float ``(B, 3, H, W)``.

        Returns:
            F_{from->to}, float32 ``(B, 2, H, W)``: (dx, dy) in pixels, on the frames' device.

        Raises:
            ValueError: frames of different shapes, or not ``(B, 3, H, W)``.
        """
        if frames_from.dim() != 4 or frames_from.shape[1] != 3 or frames_from.shape != frames_to.shape:
            raise ValueError(
                'optical flow needs two batches of RGB frames of one shape (B, 3, H, W), got '
                f'{tuple(frames_from.shape)} and {tuple(frames_to.shape)}.'
            )
        size = frames_from.shape[-2:]
        fitting = tuple(max(side // self.divisor, 1) * self.divisor for side in size)
        if fitting == tuple(size):
            return self.estimate(frames_from, frames_to).float()
        frames_from, frames_to = (
            F.interpolate(frames, fitting, mode='bilinear', align_corners=False) for frames in (frames_from, frames_to)
        )
        return resize_flow(self.estimate(frames_from, frames_to).float(), size)

    @abstractmethod
    def estimate(self, frames_from: Tensor, frames_to: Tensor) -> Tensor:
        """As :meth:`forward`, for frames whose sides are multiples of ``divisor``.

        Args:
            frames_from (Tensor): float ``(B, 3, H, W)``, RGB, 0..255.
            frames_to (Tensor): the same of the other frames, ``(B, 3, H, W)``.

        Returns:
            Tensor: float ``(B, 2, H, W)``, in pixels.
        """
