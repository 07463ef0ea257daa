"""The Re-ID module of DyeNet: which box shows which object, and its mask."""
from typing import Dict, List

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
        embed_channels: length of an embedding.
        mask_pooling: average the embedding over the cells of the object's mask instead of all cells.
    """

    def __init__(self, mask_layers: dict, reid_layers: dict, channels: int = 2048, embed_channels: int = 256,
                 mask_pooling: bool = False, init_cfg: dict = None) -> None:
        super().__init__(init_cfg)
        self.mask_layers = MODELS.build(mask_layers)
        self.mask_logits = nn.Conv2d(channels, 1, 1)
        self.reid_layers = MODELS.build(reid_layers)
        self.embed = nn.Linear(channels, embed_channels)
        self.mask_pooling = mask_pooling

    def masks(self, rois: Tensor) -> Tensor:
        """Logits ``(N, m, m)`` of the main object's mask in each RoI ``(N, C, m, m)``."""
        return self.mask_logits(self.mask_layers(rois))[:, 0]

    def embeddings(self, rois: Tensor, masks: Tensor = None) -> Tensor:
        """Unit vectors ``(N, D)`` of RoIs; ``masks`` ``(N, m, m)`` (with ``mask_pooling``)."""
        features = self.reid_layers(rois)
        if self.mask_pooling and masks is not None:
            weights = F.adaptive_avg_pool2d(masks[:, None].float(), features.shape[-2:])
            pooled = (features * weights).sum((2, 3)) / weights.sum((2, 3)).clamp(min=1e-6)
        else:
            pooled = features.mean((2, 3))
        return F.normalize(self.embed(pooled), dim=1)

    def loss_masks(self, rois: Tensor, targets: Tensor) -> Dict[str, Tensor]:
        """Binary cross entropy over the cells; ``targets`` ``(N, m, m)`` in [0, 1]."""
        return dict(loss_mask=F.binary_cross_entropy_with_logits(self.masks(rois), targets))


def box_targets(masks: Tensor, boxes: Tensor, indices: List[int], size: int) -> Tensor:
    """Masks cut out by boxes.

    Args:
        masks: float ``(N, H, W)``.
        boxes: ``(R, 4)``; box r belongs to mask ``indices[r]``.

    Returns:
        0/1 ``(R, size, size)``.
    """
    rois = boxes.new_tensor(indices)[:, None]
    cut = roi_align(masks[:, None], torch.cat([rois, boxes], 1), (size, size), 1.0, 0, 'avg', True)
    return (cut[:, 0] >= 0.5).to(masks.dtype)
