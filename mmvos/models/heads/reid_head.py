"""The Re-ID module of DyeNet: which box shows which object, and its mask."""

import torch
import torch.nn.functional as F
from mmcv.ops import roi_align
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class ReIDHead(BaseModule):
    """Two networks on RoI features, which share no weights (DyeNet, section 3.2).

    Args:
        mask_layers, reid_layers: config of the layers of each (e.g. a ResNet's last stage, ``mmdet.ResLayer``; the mask network
            keeps the RoI's resolution).
        channels: what the layers give.
        embed_channels: length of an embedding, the mean over all cells (the mask does not enter it).
        centre: a batch norm before embeddings are brought to unit length. Without it, small heads that are not pretrained give
            everything nearly the same direction (not in the paper).
    """

    def __init__(
        self,
        mask_layers: dict,
        reid_layers: dict,
        channels: int = 2048,
        embed_channels: int = 256,
        centre: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.mask_layers = MODELS.build(mask_layers)
        self.mask_logits = nn.Conv2d(channels, 1, 1)
        self.reid_layers = MODELS.build(reid_layers)
        self.embed = nn.Linear(channels, embed_channels)
        # in a Sequential of its own: what folds batch norms for inference would fold it into the last convolution here
        self.centre = nn.Sequential(nn.BatchNorm1d(embed_channels)) if centre else nn.Identity()

    def masks(self, rois: Tensor) -> Tensor:
        """Logits ``(N, m, m)`` of the main object's mask in each RoI ``(N, C, m, m)``."""
        return self.mask_logits(self.mask_layers(rois))[:, 0]

    def embeddings(self, rois: Tensor) -> Tensor:
        """Unit vectors ``(N, D)`` of RoIs ``(N, C, m, m)``."""
        return F.normalize(self.centre(self.embed(self.reid_layers(rois).mean((2, 3)))), dim=1)

    def loss_masks(self, rois: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Mean binary cross entropy over the cells; ``targets`` ``(N, m, m)``, 0 or 1. 0 if there is no RoI."""
        logits = self.masks(rois)
        if not len(rois):
            return dict(loss_mask=logits.sum())
        return dict(loss_mask=F.binary_cross_entropy_with_logits(logits, targets))


def box_shares(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Share of each cell of box n that mask n covers: masks float ``(N, H, W)``, boxes ``(N, 4)``, gives
    ``(N, size, size)`` in [0, 1]."""
    rois = torch.cat([torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)[:, None], boxes], 1)
    # roi_align reads any other memory layout wrongly, without an error
    return roi_align(masks[:, None].contiguous(), rois, (size, size), 1.0, 0, 'avg', True)[:, 0]


def box_targets(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Mask n cut out by box n as a target: :func:`box_shares` of at least a half, 0 or 1."""
    return (box_shares(masks, boxes, size) >= 0.5).to(masks.dtype)
