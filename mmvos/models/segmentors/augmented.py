"""Test-time augmentation: a model that looks at mirrored and scaled copies of every frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from mmvos.inference import Frame
from mmvos.registry import MODELS
from mmvos.structures import InputError

from .base import BaseVOSModel, CausalVOSModel

#: sides of scaled copies are multiples of this, which suits every network here
MULTIPLE = 32


@dataclass(frozen=True)
class Copy:
    """How a copy of a frame is made: mirrored, and at which scale."""

    flip: bool
    scale: float

    def size(self, size: Sequence[int]) -> tuple[int, int]:
        """``(h, w)`` of the copy of a frame of that size."""
        if self.scale == 1:
            return size[0], size[1]
        height, width = (max(round(side * self.scale / MULTIPLE), 1) * MULTIPLE for side in size)
        return height, width

    def maps(self, maps: Tensor, mode: str) -> Tensor:
        """Maps ``(N, h, w)`` as the copy has them."""
        size = self.size(maps.shape[-2:])
        if size != tuple(maps.shape[-2:]) and len(maps):
            corners = None if mode == 'nearest' else False
            maps = F.interpolate(maps[None], size, mode=mode, align_corners=corners)[0]
        elif not len(maps):
            maps = maps.new_zeros(0, *size)
        return maps.flip(-1) if self.flip else maps

    def frame(self, frame: Frame, normalise: Any) -> Frame:
        """The copy of a frame; ``normalise`` makes the network's input of RGB 0..255."""
        pixels = self.maps(frame.pixels[0], 'bilinear')[None]
        original = frame.original[:, ::-1] if self.flip else frame.original
        (height, width), (new_height, new_width) = frame.img_shape, pixels.shape[-2:]
        left, top, right, bottom = frame.window
        if self.flip:
            left, right = width - right, width - left
        x, y = new_width / width, new_height / height
        window = round(left * x), round(top * y), round(right * x), round(bottom * y)
        return Frame(normalise(pixels), pixels, frame.index, original, window)


@MODELS.register_module()
class AugmentedModel(CausalVOSModel):
    """A causal model with prompts that segments several copies of the video side by side; probabilities are averaged in every
    frame.

    Each copy has a state of its own, which goes on with what was found in the copy. mmengine's ``BaseTTAModel`` merges
    results of whole samples, which would need every frame's scores of a video at once; here memory stays flat.

    Args:
        member (BaseVOSModel): the model.
        flip (bool): mirrored copies, too.
        scales (Sequence[float]): scales of the copies, 1 for the size that the network sees otherwise; sides of the others
            are rounded to multiples of 32.

    Raises:
        InputError: a model without prompts, whose objects could be others in each copy, or one that is offline; scales that
            are not positive.
    """

    def __init__(self, member: BaseVOSModel, flip: bool = True, scales: Sequence[float] = (1.0,)) -> None:
        super().__init__()
        if not isinstance(member, CausalVOSModel) or not member.prompted:
            why = 'is offline' if isinstance(member, BaseVOSModel) and not member.causal else 'has no prompts'
            raise InputError(
                f'{type(member).__name__} {why}; test-time augmentation is for models that go from frame to frame with prompts.'
            )
        if not scales or min(scales) <= 0:
            raise InputError(f'AugmentedModel: scales is {tuple(scales)}; expected positive numbers.')
        self.member = member
        mirrored = (False, True) if flip else (False,)
        self.copies = [Copy(flip=side, scale=scale) for scale in scales for side in mirrored]
        self.data_preprocessor, self.test_cfg = member.data_preprocessor, member.test_cfg
        self.step_on_first_frame, self.add_objects_first = member.step_on_first_frame, member.add_objects_first

    @override
    def loss(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError('an AugmentedModel is for the test; its member is trained.')

    def _frames(self, frame: Frame) -> list[Frame]:
        """The copies of a frame."""
        return [copy.frame(frame, self.data_preprocessor.normalise) for copy in self.copies]

    def _masks(self, masks: Tensor) -> list[Tensor]:
        return [copy.maps(masks, 'nearest') for copy in self.copies]

    def init_state(self, frame: Frame, masks: Tensor) -> list[Any]:
        pairs = zip(frame.once(self._frames), self._masks(masks), strict=True)
        return [self.member.init_state(seen, given) for seen, given in pairs]

    @override
    def add_objects(self, frame: Frame, masks: Tensor, state: list[Any]) -> list[Any]:
        parts = zip(frame.once(self._frames), self._masks(masks), state, strict=True)
        return [self.member.add_objects(seen, given, own) for seen, given, own in parts]

    @override
    def correct_objects(self, frame: Frame, masks: Tensor, indices: list[int], num_objects: int, state: list[Any]) -> list[Any]:
        parts = zip(frame.once(self._frames), self._masks(masks), state, strict=True)
        return [self.member.correct_objects(seen, given, indices, num_objects, own) for seen, given, own in parts]

    @override
    def keep_objects(self, indices: list[int], state: list[Any]) -> list[Any]:
        return [self.member.keep_objects(indices, own) for own in state]

    def step(self, frame: Frame, state: list[Any]) -> tuple[Tensor, list[Any]]:
        """Mean of the copies' probabilities ``(N + 1, h, w)``, and their states."""
        total, states = torch.zeros(()), []
        for copy, seen, own in zip(self.copies, frame.once(self._frames), state, strict=True):
            scores, own = self.member.step(seen, own)
            found = self.member.probabilities(scores.float())
            found = F.interpolate(found[None], frame.img_shape, mode='bilinear', align_corners=False)[0]
            total = total.to(found.device) + (found.flip(-1) if copy.flip else found) / len(self.copies)
            states.append(own)
        return total, states
