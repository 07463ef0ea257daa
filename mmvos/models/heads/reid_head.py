"""The Re-ID module of DyeNet: which box shows which object, and its mask."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class ReIDHead(BaseModule):
    """Two networks on RoI features, which share no weights (DyeNet, section 3.2).

    Args:
        mask_layers (dict): config of the mask network's layers, e.g. a ResNet's last stage, ``mmdet.ResLayer``; they keep the
            RoI's resolution.
        reid_layers (dict): config of the re-identification network's layers.
        channels (int): channels that the layers give.
        embed_channels (int): length of an embedding, the mean over all cells (the mask does not enter it).
        centre (bool): a batch norm before embeddings are brought to unit length. Without it, small heads that are not
            pretrained give everything nearly the same direction (not in the paper).
        init_cfg (dict | None): config of the weights' initialisation.
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

    def loss_masks(self, rois: Tensor, targets: Tensor) -> Tensor:
        """Mean binary cross entropy over the cells, a scalar; 0 if there is no RoI.

        Args:
            rois (Tensor): features ``(N, C, m, m)``.
            targets (Tensor): ``(N, m, m)``, 0 or 1.
        """
        logits = self.masks(rois)
        return F.binary_cross_entropy_with_logits(logits, targets) if len(rois) else logits.sum()
