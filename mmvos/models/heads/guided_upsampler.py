"""Bringing coarse maps to the image's size along its edges."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.utils.amp import in_float32


@MODELS.register_module()
class BilinearUpsampler(nn.Module):
    """Enlarges maps without looking at the image; instead of a :class:`GuidedUpsampler`."""

    def forward(self, maps: Tensor, pixels: Tensor) -> Tensor:
        """Maps at the size of the frame: ``(L, H, W)``.

        Args:
            maps (Tensor): ``(L, h, w)``.
            pixels (Tensor): the frame, ``(1, 3, H, W)``.
        """
        return F.interpolate(maps[None], pixels.shape[-2:], mode='bilinear', align_corners=False)[0]


@MODELS.register_module()
class GuidedUpsampler(nn.Module):
    """Fast guided filter (He and Sun, "Fast Guided Filter", arXiv 1505.00996) with a colour guide.

    Within every window the map is a linear function of the image's three channels; the functions are fitted at a reduced
    size, averaged, enlarged and applied at full size, so that the map's edges follow the image's.

    Computed in float32, also under mixed precision.

    Args:
        radius (int): radius of the window, in pixels of the image.
        eps (float): regulariser of the fit, for an image in [0, 1]: larger is smoother.
        subsample (int): the fit is made at 1 / subsample of the image's size.
    """

    def __init__(self, radius: int = 8, eps: float = 1e-3, subsample: int = 4) -> None:
        super().__init__()
        self.radius, self.eps, self.subsample = radius, eps, subsample

    @in_float32
    def forward(self, maps: Tensor, pixels: Tensor) -> Tensor:
        """Enlarge maps along the edges of an image.

        Args:
            maps (Tensor): ``(L, h, w)`` in [0, 1].
            pixels (Tensor): ``(1, 3, H, W)``, RGB 0..255.

        Returns:
            ``(L, H, W)`` in [0, 1].
        """
        guide, maps = pixels[0].float() / 255, maps.float()
        size = [max(side // self.subsample, 1) for side in guide.shape[-2:]]
        small = F.interpolate(guide[None], size, mode='area')[0]
        maps = F.interpolate(maps[None], size, mode='bilinear', align_corners=False)[0]

        mean_i, mean_p = self._mean(small), self._mean(maps)
        products = self._mean((small[:, None] * small[None]).flatten(0, 1)).view(3, 3, *size)
        cov_ii = (products - mean_i[:, None] * mean_i[None]).permute(2, 3, 0, 1)
        cov_ii = cov_ii + self.eps * torch.eye(3, device=cov_ii.device)
        cov_ip = self._mean((small[:, None] * maps[None]).flatten(0, 1)).view(3, len(maps), *size)
        cov_ip = (cov_ip - mean_i[:, None] * mean_p[None]).permute(2, 3, 0, 1)
        slope = torch.linalg.solve(cov_ii, cov_ip).permute(3, 2, 0, 1)  # (L, 3, h, w)
        offset = mean_p - (slope * mean_i).sum(1)

        fit = self._mean(torch.cat([slope, offset[:, None]], 1).flatten(0, 1))
        fit = F.interpolate(fit[None], guide.shape[-2:], mode='bilinear', align_corners=False)[0]
        fit = fit.view(len(maps), 4, *guide.shape[-2:])
        return ((fit[:, :3] * guide).sum(1) + fit[:, 3]).clamp(0, 1)

    def _mean(self, x: Tensor) -> Tensor:
        radius = max(self.radius // self.subsample, 1)
        return F.avg_pool2d(x[None], 2 * radius + 1, 1, radius, count_include_pad=False)[0]
