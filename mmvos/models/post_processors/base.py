"""What a post-processor is."""

from abc import ABCMeta, abstractmethod

import numpy as np
from torch import Tensor


class PostProcessor(metaclass=ABCMeta):
    """Refines the scores of a frame at the frame's own size, before the arg max.

    Registered in ``MODELS`` and named by any model's ``test_cfg.post_process``; the inference session builds it once
    and calls it for every frame.
    """

    @abstractmethod
    def __call__(self, scores: Tensor, frame: np.ndarray) -> Tensor:
        """Refine the scores of one frame.

        Args:
            scores (Tensor): ``(N + 1, H, W)``, background first.
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.

        Returns:
            Refined scores of the same shape, on the same device.
        """
