"""The Re-MP module of DyeNet: recurrent mask propagation on RoIs with region attention."""
from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class ReMPHead(BaseModule):
    """Recurrent mask propagation (DyeNet, section 3.3, equations 1 and 2).

    h_j = N_R(warped h_{j-1}, x_j); y_j = N_O(attention(warped h_{j-1}) * h_j).

    Args:
        layers: config of N_R, which keeps the RoI's resolution.
        in_channels: of RoI features. state_channels: d.
        combine: how the state enters N_R: ``'add'`` (a 1x1 convolution that starts at zero, so that pretrained layers see what
            they know) or ``'concat'``.
        attention: config of the region attention (None: the ablation without it).
        hidden_channels: of N_O's three convolutions.
        mask_state: the state that a step passes on is seen through the predicted mask, as the starting state is through the
            given one, and either carries its mask as one more channel (not in the paper; False: a state is passed on whole and
            without its mask). Every step then finds what the first one finds: small networks learn that soon. Attention reads
            d + 1 channels then.
    """

    def __init__(self, layers: dict, in_channels: int = 1024, state_channels: int = 2048, combine: str = 'add',
                 attention: Optional[dict] = None, hidden_channels: int = 256, mask_state: bool = False,
                 init_cfg: dict = None) -> None:
        super().__init__(init_cfg)
        if combine not in ('add', 'concat'):
            raise ValueError(f"combine is {combine!r}; expected 'add' or 'concat'.")
        self.combine, self.mask_state = combine, mask_state
        self.layers = MODELS.build(layers)
        if combine == 'add':
            self.state_in = nn.Conv2d(state_channels + mask_state, in_channels, 1, bias=False)
            nn.init.zeros_(self.state_in.weight)
        else:
            self.state_in = nn.Conv2d(in_channels + state_channels + mask_state, in_channels, 1)
        self.attention = MODELS.build(attention) if attention else None
        self.output = nn.Sequential(
            nn.Conv2d(state_channels, hidden_channels, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, hidden_channels, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, 1, 1))

    def init_state(self, rois: Tensor, masks: Tensor) -> Tensor:
        """State at a starting point: RoI features ``(N, C, m, m)`` seen through the mask ``(N, m, m)`` in [0, 1].

        The mask is the only thing that tells which object of the box is meant.
        """
        return self._through(self.layers(rois), masks[:, None])

    def _through(self, state: Tensor, masks: Tensor) -> Tensor:
        state = state * masks
        return torch.cat([state, masks], 1) if self.mask_state else state

    def forward(self, warped: Tensor, rois: Tensor) -> Tuple[Tensor, Tensor]:
        """One step.

        Args:
            warped: previous state on the new boxes' grids, ``(N, d, m, m)``, d + 1 channels with ``mask_state``.
            rois: features of the new boxes, ``(N, C, m, m)``.

        Returns:
            Logits ``(N, m, m)`` and the state, before attention, of the same channels as ``warped``.
        """
        if self.combine == 'add':
            state = self.layers(rois + self.state_in(warped))
        else:
            state = self.layers(self.state_in(torch.cat([rois, warped], 1)))
        attended = state if self.attention is None else self.attention(warped, state)
        logits = self.output(attended)
        return logits[:, 0], self._through(state, logits.sigmoid()) if self.mask_state else state
