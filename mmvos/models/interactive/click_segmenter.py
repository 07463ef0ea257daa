"""ClickSegmenter: masks of objects that clicks and boxes point at, on the frozen features of the video model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor

from mmvos.registry import MODELS
from mmvos.structures import InputError, settings_from

from .prompt_encoder import PromptTensors
from .simulated_user import SimulatedUser


@dataclass(frozen=True)
class ClickSettings:
    """How a frame becomes the network's input.

    Args:
        resize, pad, interpolation: as in :class:`~mmvos.inference.SessionSettings`.
        closeup (float): sides of the part of the frame in which an object is looked at, relative to the object's; 0: the whole
            frame always.
        closeup_resize (dict | None): resize rule of close-ups; None: native size.
        box_looks (int): how often an object in a box is looked at before further clicks, each time with the mask found before.
        box_mirrored (bool): whether each of these looks is the mean of two, the other one at the mirrored picture.
    """

    resize: dict[str, Any] | None = None
    pad: dict[str, Any] | None = None
    interpolation: Literal['bilinear', 'area', 'antialias'] = 'bilinear'
    closeup: float = 0.0
    closeup_resize: dict[str, Any] | None = None
    box_looks: int = 1
    box_mirrored: bool = False

    def __post_init__(self) -> None:
        if self.closeup and self.closeup < 1:
            raise InputError(f'closeup is {self.closeup:g}; expected 0 (the whole frame) or at least 1.')
        if self.box_looks < 1:
            raise InputError(f'box_looks is {self.box_looks}; expected at least 1.')


@MODELS.register_module()
class ClickSegmenter(BaseModel):
    """An interactive segmenter: clicks and boxes to masks, corrected click by click (RITM's task and training: Sofiiuk et
    al., "Reviving Iterative Training with Mask Guidance for Interactive Segmentation", ICIP 2022).

    The features come from a frozen backbone: a click costs only the decoder after a frame's features are there. All objects
    of a frame are one batch.

    Args:
        data_preprocessor (dict): normalisation of images.
        backbone (dict): gives maps at strides 4, 8, 16, 16, 32, 32; those of one stride are joined.
        encoder (dict): part that turns prompts into maps.
        decoder (dict): part that gives logits.
        loss_mask, loss_region (dict): losses ``loss(logits (N, H, W), targets (N, H, W))``.
        user (dict): settings of :class:`SimulatedUser`, who clicks in training.
        test_cfg (dict): a :class:`ClickSettings`: how a frame becomes the network's input.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        data_preprocessor: dict,
        backbone: dict,
        encoder: dict,
        decoder: dict,
        loss_mask: dict,
        loss_region: dict,
        user: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.encoder = MODELS.build(encoder)
        self.decoder = MODELS.build(decoder)
        self.loss_mask, self.loss_region = MODELS.build(loss_mask), MODELS.build(loss_region)
        self.user = SimulatedUser(**(user or {}))
        self.test_cfg = settings_from(ClickSettings, test_cfg, 'ClickSegmenter.test_cfg')

    def extract_feat(self, image: Tensor) -> tuple[Tensor, ...]:
        """The backbone's maps of images ``(B, 3, H, W)``, one per stride 4, 8, 16, 32."""
        maps: dict[tuple, list[Tensor]] = {}
        for level in self.backbone(image):
            maps.setdefault(tuple(level.shape[-2:]), []).append(level)
        return tuple(torch.cat(group, 1) for group in maps.values())

    def segment(
        self, projected: tuple[Tensor, ...], prompts: PromptTensors, previous: Tensor | None = None, owner: Tensor | None = None
    ) -> Tensor:
        """Logits ``(N, h, w)`` at stride 4.

        Args:
            projected (tuple): result of :meth:`ClickDecoder.project` of the frame (or frames).
            prompts (PromptTensors): prompts of N objects.
            previous (Tensor | None): ``(N, h, w)`` logits at stride 4 that the prompts correct; None for none.
            owner (Tensor | None): ``(N,)`` frame of each object; None where there is one frame.
        """
        count = len(prompts.signs)
        if owner is None:
            owner = torch.zeros(count, dtype=torch.long, device=prompts.signs.device)
        shape = (count, *projected[0].shape[-2:])
        before = projected[0].new_zeros(shape) if previous is None else previous.sigmoid()
        return self.decoder(projected, prompts, self.encoder(prompts, before), owner)

    def forward(self, inputs: Tensor, data_samples: list | None = None, mode: str = 'tensor') -> Any:
        """Losses or maps, as mmengine asks for them.

        Args:
            inputs (Tensor): images, float ``(B, 3, H, W)``, normalised.
            data_samples (list | None): annotations of each image.
            mode (str): ``'loss'``: dict of losses; ``'tensor'``: the backbone's maps.
        """
        return self.loss(inputs, data_samples or []) if mode == 'loss' else self.extract_feat(inputs)

    def loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Losses after a simulated user's clicks on one object per image.

        Args:
            inputs (Tensor): images ``(B, 3, H, W)``, normalised.
            data_samples (list): samples with ``gt_mask``, ``(H, W)``.

        Returns:
            dict[str, Tensor]: ``{name: scalar}``.
        """
        masks = torch.stack([sample.gt_mask for sample in data_samples]).to(inputs.device)
        with torch.no_grad():
            maps = self.extract_feat(inputs)
        return self.loss_from_maps(maps, masks)

    def loss_from_maps(self, maps: Sequence[Tensor], masks: Tensor) -> dict[str, Tensor]:
        """As :meth:`loss`, from the backbone's maps; ``masks``: bool ``(B, H, W)`` of one object per image."""
        projected = self.decoder.project(maps)
        owner = torch.arange(len(masks), device=masks.device)
        prompts, previous = self.user.play(masks, lambda p, before: self.segment(projected, p, before, owner))
        logits = self.segment(projected, prompts, previous, owner)
        logits = F.interpolate(logits[:, None], masks.shape[-2:], mode='bilinear', align_corners=False)[:, 0]
        target = masks.float()
        return dict(loss_mask=self.loss_mask(logits, target), loss_region=self.loss_region(logits, target))
