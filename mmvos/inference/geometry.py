"""From a frame's own size to the network's and back: one resize rule, then one padding rule."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError

Size = tuple[int, int]  # (height, width)


def _check_sizes(rule: object, **sizes: int) -> None:
    for name, size in sizes.items():
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1:
            raise InputError(f'{type(rule).__name__}: {name} is {size!r}; expected a number of pixels above 0.')


@TASK_UTILS.register_module()
class NativeSize:
    """Keep the frame's size."""

    def __call__(self, height: int, width: int) -> Size:
        return height, width


@TASK_UTILS.register_module()
class FixedSize:
    """Resize every frame to the same size; the aspect ratio is not kept.

    Args:
        height (int): height in pixels.
        width (int): width in pixels.

    Raises:
        InputError: a size that is no positive integer.
    """

    def __init__(self, height: int, width: int) -> None:
        _check_sizes(self, height=height, width=width)
        self.size = (height, width)

    def __call__(self, height: int, width: int) -> Size:  # noqa: ARG002  (as the others are called)
        return self.size


@TASK_UTILS.register_module()
class ShortSide:
    """Resize the shorter side to ``length``, the longer one in proportion (at most ``max_length``).

    Args:
        length (int): size of the shorter side in pixels.
        max_length (int | None): largest size of the longer side (None: no limit).
        divisor (int): both sides are rounded to the nearest multiple of it.
        upscale (bool): whether a smaller frame is enlarged.

    Raises:
        InputError: a size below 1.
    """

    def __init__(self, length: int, max_length: int | None = None, divisor: int = 1, upscale: bool = True) -> None:
        _check_sizes(self, length=length, max_length=length if max_length is None else max_length, divisor=divisor)
        self.length, self.max_length, self.divisor, self.upscale = length, max_length, divisor, upscale

    def __call__(self, height: int, width: int) -> Size:
        scale = self.length / min(height, width)
        if self.max_length:
            scale = min(scale, self.max_length / max(height, width))
        if not self.upscale:
            scale = min(scale, 1.0)
        return self._rounded(height * scale), self._rounded(width * scale)

    def _rounded(self, side: float) -> int:
        return max(1, round(side / self.divisor)) * self.divisor


@TASK_UTILS.register_module()
class ShortSideByObjects(ShortSide):
    """As :class:`ShortSide`, with a longer side where one of the first objects of a video is small: it is given more cells,
    and a frame takes more time.

    The shorter side grows with the root of the share that the smallest object lacks.

    Args:
        length (int): size of the shorter side in pixels, where objects are large enough or not known.
        small (float): share of the frame, below which an object is small.
        enlarge (float): largest factor of the shorter side (1: none).
        kwargs (Any): other arguments of :class:`ShortSide`.

    Raises:
        InputError: a size below 1, a share outside 0 to 1, or a factor below 1.
    """

    def __init__(self, length: int, small: float, enlarge: float, **kwargs: Any) -> None:
        super().__init__(length, **kwargs)
        if not (0 < small <= 1 <= enlarge):
            raise InputError(
                f'{type(self).__name__}: small is {small!r} and enlarge {enlarge!r}; expected a share above 0, up to 1, and a '
                'factor from 1.'
            )
        self.small, self.enlarge, self.options = small, enlarge, kwargs

    def of_objects(self, height: int, width: int, areas: Sequence[float]) -> Size:
        """The size for a frame with objects.

        Args:
            height, width (int): of the frame, in pixels.
            areas (Sequence[float]): pixels of each object in it; none: nothing is known of them.
        """
        factor = float(np.sqrt(self.small * height * width / min(areas))) if areas else 1.0
        length = round(self.length * min(max(factor, 1.0), self.enlarge))
        return ShortSide(length, **self.options)(height, width)

    def without_objects(self) -> dict[str, Any]:
        """Config of the rule that gives every video the size of large objects."""
        return dict(type='ShortSide', length=self.length, **self.options)


@TASK_UTILS.register_module()
class PadToMultiple:
    """Pad to multiples of ``divisor``.

    Args:
        divisor (int): divisor of the padded height and width.
        mode (str): ``'reflect'``, ``'replicate'`` or ``'constant'`` (black pixels, before normalisation).
        front (str): share of the padding that goes to the top and left: ``'ceil'`` or ``'floor'`` of one half, or
            ``'none'``.
        always (bool): add a whole ``divisor`` where the size is a multiple already (RGMP).

    Raises:
        InputError: a divisor below 1, or another mode or front.
    """

    def __init__(self, divisor: int, mode: str = 'constant', front: str = 'none', always: bool = False) -> None:
        _check_sizes(self, divisor=divisor)
        if mode not in ('reflect', 'replicate', 'constant') or front not in ('ceil', 'floor', 'none'):
            raise InputError(
                f"PadToMultiple: mode is {mode!r}, front is {front!r}; expected 'reflect', 'replicate' or 'constant', and "
                "'ceil', 'floor' or 'none'."
            )
        self.divisor, self.mode, self.front, self.always = divisor, mode, front, always

    def __call__(self, height: int, width: int) -> tuple[int, int, int, int]:
        """``(left, right, top, bottom)`` for a frame of ``height`` x ``width`` pixels."""
        return *self._pads(width), *self._pads(height)

    def _pads(self, side: int) -> tuple[int, int]:
        total = self.divisor - side % self.divisor if self.always else -side % self.divisor
        front = {'ceil': (total + 1) // 2, 'floor': total // 2, 'none': 0}[self.front]
        return front, total - front


class FrameGeometry:
    """The way from frames of one size to the network's input and back. Built once per video.

    Args:
        ori_shape (Size): ``(H, W)`` of the frames.
        resize (dict | None): config of a resize rule (None: native size).
        pad (dict | None): config of a padding rule (None: no padding).
        interpolation (str): how frames are resized: ``'bilinear'``, ``'area'`` (averages when it reduces), or
            ``'antialias'`` (Pillow's bilinear, whose filter widens when it reduces).
        areas (Sequence[float]): pixels of the first objects of the video, for a rule that looks at them.

    Raises:
        InputError: unknown interpolation, or a rule's setting that does not fit.
    """

    def __init__(
        self,
        ori_shape: Size,
        resize: dict[str, Any] | None = None,
        pad: dict[str, Any] | None = None,
        interpolation: str = 'bilinear',
        areas: Sequence[float] = (),
    ) -> None:
        self.ori_shape = ori_shape
        size = TASK_UTILS.build(resize or dict(type='NativeSize'))
        by_objects = hasattr(size, 'of_objects')
        self.resized_shape: Size = size.of_objects(*ori_shape, areas) if by_objects else size(*ori_shape)
        rule = TASK_UTILS.build(pad or dict(type='PadToMultiple', divisor=1))
        self.padding, self.pad_mode = rule(*self.resized_shape), rule.mode
        if interpolation not in ('bilinear', 'area', 'antialias'):
            raise InputError(f"interpolation is {interpolation!r}; expected 'bilinear', 'area' or 'antialias'.")
        self.antialias = interpolation == 'antialias'
        reduces = self.resized_shape[0] < ori_shape[0]
        self.interpolation = cv2.INTER_AREA if interpolation == 'area' and reduces else cv2.INTER_LINEAR

    @property
    def input_shape(self) -> Size:
        """``(h, w)`` that the network sees."""
        left, right, top, bottom = self.padding
        return self.resized_shape[0] + top + bottom, self.resized_shape[1] + left + right

    def to_input(self, frame: np.ndarray, device: torch.device) -> Tensor:
        """The network's input for a frame: RGB float ``(1, 3, h, w)``, 0..255, resized and padded, on the device.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
            device (torch.device): where the tensor is made.
        """
        if frame.shape[:2] != self.resized_shape and self.antialias:
            image = Image.fromarray(np.ascontiguousarray(frame))
            frame = np.array(image.resize(self.resized_shape[::-1], Image.Resampling.BILINEAR))
        elif frame.shape[:2] != self.resized_shape:
            frame = cv2.resize(frame, self.resized_shape[::-1], interpolation=self.interpolation)
        pixels = torch.from_numpy(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_BGR2RGB)).to(device, non_blocking=True)
        pixels = pixels.permute(2, 0, 1)[None].float()
        return self._pad(pixels, self.pad_mode)

    def masks_to_input(self, masks: Tensor) -> Tensor:
        """Masks float ``(N, H, W)`` to ``(N, h, w)``: nearest neighbour, padded as the frame is."""
        if masks.shape[-2:] != self.resized_shape:
            masks = F.interpolate(masks[None], self.resized_shape, mode='nearest-exact')[0]
        return self._pad(masks[None], self.pad_mode)[0]

    def to_original(self, maps: Tensor, mode: str = 'bilinear') -> Tensor:
        """Maps of the network's size at the frame's: padding cut off, then resized to ``(C, H, W)``.

        Args:
            maps (Tensor): ``(C, h, w)``.
            mode (str): interpolation, ``'bilinear'`` or ``'nearest'``.
        """
        left, right, top, bottom = self.padding
        height, width = maps.shape[-2:]
        maps = maps[..., top : height - bottom, left : width - right]
        if maps.shape[-2:] == self.ori_shape:
            return maps
        options = dict(align_corners=False) if mode == 'bilinear' else {}
        return F.interpolate(maps[None], self.ori_shape, mode=mode, **options)[0]

    def _pad(self, x: Tensor, mode: str) -> Tensor:
        return F.pad(x, self.padding, mode=mode) if any(self.padding) else x


@TASK_UTILS.register_module()
class ShrinkToMultiple:
    """Reduce both sides to multiples of ``divisor``, without padding; the aspect ratio changes slightly.

    854x480 becomes 832x448; with ``half``, 1280x720 becomes 640x320. Source: the published code of AGSS-VOS.

    Args:
        divisor (int): divisor of both sides (at least one ``divisor`` is kept).
        half (bool): first halve frames whose longer side exceeds ``half_above``.
        half_above (int): longest side that ``half`` leaves as it is, in pixels.
        max_area (int): larger results become three quarters of the frame, in multiples of 8; what is still larger
            becomes 640x320 (320x640 for a portrait).
    """

    def __init__(self, divisor: int = 64, half: bool = False, half_above: int = 700, max_area: int = 1280 * 720) -> None:
        _check_sizes(self, divisor=divisor, half_above=half_above, max_area=max_area)
        self.divisor, self.half, self.half_above, self.max_area = divisor, half, half_above, max_area

    def __call__(self, height: int, width: int) -> tuple[int, int]:
        reduction = 2 if self.half and max(height, width) > self.half_above else 1
        size = [side // reduction // self.divisor * self.divisor for side in (height, width)]
        if size[0] * size[1] > self.max_area:
            size = [side // 4 * 3 // 8 * 8 for side in (height, width)]
        if size[0] * size[1] > self.max_area:
            size = [320, 640] if width >= height else [640, 320]
        return max(size[0], self.divisor), max(size[1], self.divisor)
