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
        original (np.ndarray | None): the video's own frame, BGR uint8 ``(H, W, 3)`` (default: what ``pixels`` show).
        window (tuple[int, int, int, int] | None): left, top, right and bottom of the picture within ``pixels``; outside it is
            padding (default: no padding).
    """

    __slots__ = ('image', 'pixels', 'index', 'window', '_original', '_computed', '_paired')

    def __init__(
        self,
        image: Tensor,
        pixels: Tensor,
        index: int,
        original: np.ndarray | None = None,
        window: tuple[int, int, int, int] | None = None,
    ) -> None:
        self.image, self.pixels, self.index, self._original = image, pixels, index, original
        self.window = window or (0, 0, image.shape[-1], image.shape[-2])
        self._computed: dict[Callable[[Frame], Any], Any] = {}
        self._paired: dict[Callable[[Frame, Tensor], Any], tuple[Tensor, Any]] = {}

    @property
    def original(self) -> np.ndarray:
        """The video's own frame, BGR uint8 ``(H, W, 3)``."""
        if self._original is None:
            picture = self.pixels[0].flip(0).permute(1, 2, 0).round().clamp(0, 255).byte().contiguous().cpu().numpy()
            left, top, right, bottom = self.window
            self._original = picture[top:bottom, left:right]
        return self._original

    @property
    def ori_shape(self) -> tuple[int, int]:
        """``(H, W)`` of the video's own frame."""
        if self._original is None:
            left, top, right, bottom = self.window
            return bottom - top, right - left
        return self._original.shape[0], self._original.shape[1]

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

    def once_with(self, compute: Callable[['Frame', Tensor], T], last: Tensor) -> T:
        """``compute(frame, last)``, remembered as in :meth:`once` for as long as ``last`` is the same tensor.

        Args:
            compute (Callable): a function or a bound method.
            last (Tensor): the pixels of the frame before, ``(1, 3, h, w)``.
        """
        known = self._paired.get(compute)
        if known is None or known[0] is not last:
            known = self._paired[compute] = last, compute(self, last)
        return known[1]


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
        """A frame as the model sees it.

        Args:
            pixels (np.ndarray): BGR uint8 ``(H, W, 3)``.
            index (int): position in the video.

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
        left, _, top, _ = self.geometry.padding
        window = left, top, left + self.geometry.resized_shape[1], top + self.geometry.resized_shape[0]
        return Frame(self.preprocessor.normalise(resized), resized, index, pixels, window)

    def masks(self, label_map: np.ndarray, ids: Sequence[int]) -> Tensor:
        """Masks float 0/1 ``(N, h, w)`` of the objects ``ids`` of a label map uint8 ``(H, W)``, at the network's size."""
        labels = torch.from_numpy(np.ascontiguousarray(label_map)).to(self.device)
        return self.geometry.masks_to_input(one_hot(labels, ids))


def check_frame(pixels: np.ndarray, index: int) -> None:
    """Raise InputError for anything but a BGR uint8 ``(H, W, 3)`` array with pixels."""
    if not isinstance(pixels, np.ndarray):
        raise InputError(f'frame {index} is {type(pixels).__name__}; expected an array, BGR uint8 (H, W, 3).')
    if not pixels.size or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise InputError(f'frame {index} is {pixels.dtype} {pixels.shape}; expected BGR uint8 (H, W, 3).')
