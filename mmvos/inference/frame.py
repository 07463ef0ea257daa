"""One frame as a model sees it, and how it is made of the frame of a video."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from mmvos.structures import InputError, one_hot

from .geometry import FrameGeometry

T = TypeVar('T')


class Frame:
    """One frame, for the time of one step: whatever is computed with :meth:`once` goes when the frame goes, so a state
    must not keep the frame itself (its tensors may be kept).

    Args:
        image (Tensor): float ``(1, 3, h, w)``, normalised as the model wants it, at the network's size.
        pixels (Tensor): float ``(1, 3, h, w)``, RGB 0..255 before normalisation (for flow and trackers).
        index (int): position in the video, from 0.
        ori_shape (tuple[int, int] | None): ``(H, W)`` of the video's own frame (default: the network's size).
    """

    __slots__ = ('image', 'pixels', 'index', 'ori_shape', '_computed')

    def __init__(self, image: Tensor, pixels: Tensor, index: int, ori_shape: tuple[int, int] | None = None) -> None:
        self.image, self.pixels, self.index = image, pixels, index
        self.ori_shape: tuple[int, int] = ori_shape or (image.shape[-2], image.shape[-1])
        self._computed: dict[Callable[[Frame], Any], Any] = {}

    @property
    def img_shape(self) -> tuple[int, int]:
        """``(h, w)`` of the pixels; the image may be larger where the preprocessor pads."""
        return self.pixels.shape[-2], self.pixels.shape[-1]

    def once(self, compute: Callable[['Frame'], T]) -> T:
        """``compute(frame)``, made at the first call and remembered for as long as the frame lives.

        Args:
            compute (Callable): a function or a bound method. Two of a method's steps that ask for the same one share its
                result; a lambda is a new function wherever it is written, so that nothing would be shared.
        """
        if compute not in self._computed:
            self._computed[compute] = compute(self)
        return self._computed[compute]


class FramePreprocessor(Protocol):
    """The part of a model that normalises frames."""

    device: torch.device

    def normalise(self, pixels: Tensor) -> Tensor:
        """RGB 0..255 ``(1, 3, h, w)`` to the network's input."""
        ...


class FrameView:
    """The frames of one video as a model sees them.

    Args:
        geometry (FrameGeometry): way from the size of the video's frames to the network's and back.
        preprocessor (FramePreprocessor): the model's.
        device (torch.device): where frames are brought.
    """

    def __init__(self, geometry: FrameGeometry, preprocessor: FramePreprocessor, device: torch.device) -> None:
        self.geometry, self.preprocessor, self.device = geometry, preprocessor, device

    def view(self, pixels: np.ndarray, index: int) -> Frame:
        """Frame ``index``, BGR uint8 ``(H, W, 3)``, as the model sees it.

        Raises:
            InputError: an array of another kind, or of another size than the frames before.
        """
        check_frame(pixels, index)
        height, width = self.geometry.ori_shape
        if pixels.shape[:2] != (height, width):
            raise InputError(
                f'frame {index} is {pixels.shape[1]}x{pixels.shape[0]}, the frames before it are '
                f'{width}x{height} (width x height).'
            )
        resized = self.geometry.to_input(pixels, self.device)
        return Frame(self.preprocessor.normalise(resized), resized, index, (height, width))

    def masks(self, label_map: np.ndarray, ids: Sequence[int]) -> Tensor:
        """Masks float 0/1 ``(N, h, w)`` of the objects ``ids`` of a label map uint8 ``(H, W)``, at the network's size."""
        labels = torch.from_numpy(np.ascontiguousarray(label_map)).to(self.device)
        return self.geometry.masks_to_input(one_hot(labels, ids))


def check_frame(pixels: np.ndarray, index: int) -> None:
    """Raise InputError for anything but a BGR uint8 ``(H, W, 3)`` array."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise InputError(f'frame {index} is {pixels.dtype} {pixels.shape}; expected BGR uint8 (H, W, 3).')
