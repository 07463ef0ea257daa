"""Region attention over the cells of a RoI."""

from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError


@MODELS.register_module()
class RegionAttention(nn.Module):
    """Where inside its box an object was, by a softmax over the box's cells (DyeNet, section 3.3).

    Args:
        channels (int): channels of the hidden state.
        kernel_size (int): kernel size of the one convolution.
        scale (str): ``'area'``: weights are multiplied by the number of cells, so that uniform attention changes nothing;
            ``'none'``: weights sum to 1, as the equation reads, which leaves next to no signal at the start of training.

    Raises:
        InputError: unknown ``scale``.
    """

    def __init__(self, channels: int, kernel_size: int = 3, scale: str = 'area') -> None:
        super().__init__()
        if scale not in ('area', 'none'):
            raise InputError(f"scale is {scale!r}; expected 'area' or 'none'.")
        self.conv = nn.Conv2d(channels, 1, kernel_size, padding=kernel_size // 2)
        self.scale = scale

    def weights(self, warped: Tensor) -> Tensor:
        """``(N, 1, m, m)``, summing to 1 over the cells, from the warped previous state ``(N, d, m, m)``."""
        return self.conv(warped).flatten(2).softmax(-1).view(len(warped), 1, *warped.shape[-2:])

    def forward(self, warped: Tensor, state: Tensor) -> Tensor:
        """The state ``(N, d, m, m)`` weighted by the attention that the warped previous state gives."""
        weights = self.weights(warped)
        if self.scale == 'area':
            weights = weights * weights.shape[-1] * weights.shape[-2]
        return state * weights
