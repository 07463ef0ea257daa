"""What is known of an object from the frames before, and what it says of a new frame: the interface of all such parts."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor


class ObjectCue(BaseModule, metaclass=ABCMeta):
    """Evidence about objects that is carried from frame to frame. All objects of a frame are one batch of N.

    Its state is a dataclass of its own whose fields are declared :data:`~mmvos.structures.PER_OBJECT`, so that objects can
    be joined and dropped without further code. What does not depend on the object is computed once per frame, by
    :meth:`prepare`. Masks are shares of background and object in each cell ``(N, 2, h, w)``, see :func:`pool_masks`.
    """

    @abstractmethod
    def prepare(self, features: Tensor) -> tuple[Tensor, ...]:
        """What all objects share of a frame.

        Args:
            features (Tensor): coarsest map of the backbone ``(B, C, h, w)``.

        Returns:
            Maps of batch B; the other methods take them with batch 1 (one frame for all objects) or N.
        """

    @abstractmethod
    def start(self, prepared: tuple[Tensor, ...], masks: Tensor) -> Any:
        """The state of N objects that are given in a frame.

        Args:
            prepared (tuple[Tensor, ...]): what :meth:`prepare` gave for the frame.
            masks (Tensor): shares of background and object, ``(N, 2, h, w)``.
        """

    @abstractmethod
    def read(self, prepared: tuple[Tensor, ...], state: Any) -> Tensor:
        """What the state says of a frame: maps ``(N, C, h, w)``.

        Args:
            prepared (tuple[Tensor, ...]): what :meth:`prepare` gave for the frame.
            state (Any): the objects' state.
        """

    @abstractmethod
    def renew(self, prepared: tuple[Tensor, ...], masks: Tensor, state: Any) -> Any:
        """The state after a frame.

        Args:
            prepared (tuple[Tensor, ...]): what :meth:`prepare` gave for the frame.
            masks (Tensor): what the objects covered of it, ``(N, 2, h, w)`` as in :meth:`start`.
            state (Any): the state before the frame.
        """


def pool_masks(foreground: Tensor, size: Sequence[int]) -> Tensor:
    """Shares of background and object in each cell: ``(N, 2, h, w)``, averages over the cells.

    Args:
        foreground (Tensor): masks ``(N, H, W)``, 0..1.
        size (Sequence[int]): ``(h, w)``.
    """
    return F.adaptive_avg_pool2d(mask_pair(foreground), (size[0], size[1]))


def mask_pair(foreground: Tensor) -> Tensor:
    """Foreground ``(N, h, w)`` to (background, object) ``(N, 2, h, w)``."""
    return torch.stack([1 - foreground, foreground], 1)
