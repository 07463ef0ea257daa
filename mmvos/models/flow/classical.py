"""Estimators that need no weights."""

from abc import abstractmethod

import cv2
import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from mmvos.registry import MODELS
from mmvos.structures import InputError

from .base import FlowEstimator


class _GreyFlow(FlowEstimator):
    """An OpenCV estimator: works on grey images, pair by pair, on the CPU."""

    on_cpu = True

    @torch.no_grad()
    def estimate(self, frames_from: Tensor, frames_to: Tensor) -> Tensor:
        pairs = zip(self._grey(frames_from), self._grey(frames_to), strict=True)
        flow = torch.from_numpy(np.stack([self.calc(a, b) for a, b in pairs]))
        return flow.permute(0, 3, 1, 2).contiguous().to(frames_from.device)

    @staticmethod
    def _grey(frames: Tensor) -> list[np.ndarray]:
        pixels = frames.detach().float().round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in pixels]

    @abstractmethod
    def calc(self, grey_from: np.ndarray, grey_to: np.ndarray) -> np.ndarray:
        """Two uint8 ``(H, W)`` images to flow float32 ``(H, W, 2)``."""


@MODELS.register_module()
class DISFlow(_GreyFlow):
    """Dense inverse search (Kroeger et al., ECCV 2016) of OpenCV: the default estimator.

    Deterministic, no weights, no gradient. Of everything without weights it predicts the next mask best for its time.

    Args:
        preset (str): ``'ultrafast'`` (tests), ``'fast'`` or ``'medium'``.
        finest_scale (int | None): level of the pyramid at which the search ends (0: full resolution; default: the preset's).

    Raises:
        InputError: unknown ``preset``.
    """

    PRESETS = dict(
        ultrafast=cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
        fast=cv2.DISOPTICAL_FLOW_PRESET_FAST,
        medium=cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
    )

    def __init__(self, preset: str = 'medium', finest_scale: int | None = None) -> None:
        super().__init__()
        if preset not in self.PRESETS:
            raise InputError(f'preset {preset!r} is not known; expected one of {sorted(self.PRESETS)}.')
        self.preset, self.finest_scale = preset, finest_scale

    def calc(self, grey_from: np.ndarray, grey_to: np.ndarray) -> np.ndarray:
        # made again for every pair (20 microseconds): the object cannot be copied, pickled or shared between threads
        search = cv2.DISOpticalFlow.create(self.PRESETS[self.preset])
        if self.finest_scale is not None:
            search.setFinestScale(self.finest_scale)
        # OpenCV reads outside its pyramid (and crashes) if a patch does not fit twice into the finest level
        least = max(16, search.getPatchSize() << search.getFinestScale())
        height, width = grey_from.shape
        if min(height, width) < least:
            grey_from, grey_to = (
                cv2.copyMakeBorder(grey, 0, max(least - height, 0), 0, max(least - width, 0), cv2.BORDER_REPLICATE)
                for grey in (grey_from, grey_to)
            )
        return search.calc(grey_from, grey_to, np.empty(0))[:height, :width]

    def extra_repr(self) -> str:
        return f'preset={self.preset!r}, finest_scale={self.finest_scale}'


@MODELS.register_module()
class FarnebackFlow(_GreyFlow):
    """Farneback's polynomial expansion (SCIA 2003) of OpenCV; arguments as in ``cv2.calcOpticalFlowFarneback``.

    Args:
        pyr_scale (float): size of a level of the pyramid, of the one below it; in (0, 1).
        levels (int): number of levels.
        winsize (int): side of the averaging window in pixels; larger ones are smoother and hold faster motion.
        iterations (int): iterations at each level.
        poly_n (int): side in pixels of the neighbourhood in which a polynomial is fitted, 5 or 7.
        poly_sigma (float): deviation in pixels of the Gaussian that weighs it; 1.1 for 5, 1.5 for 7.
    """

    def __init__(
        self,
        pyr_scale: float = 0.5,
        levels: int = 3,
        winsize: int = 15,
        iterations: int = 3,
        poly_n: int = 5,
        poly_sigma: float = 1.2,
    ) -> None:
        super().__init__()
        self.pyr_scale, self.levels, self.winsize, self.iterations = pyr_scale, levels, winsize, iterations
        self.poly_n, self.poly_sigma = poly_n, poly_sigma

    def calc(self, grey_from: np.ndarray, grey_to: np.ndarray) -> np.ndarray:
        return cv2.calcOpticalFlowFarneback(
            grey_from,
            grey_to,
            np.empty(0),
            self.pyr_scale,
            self.levels,
            self.winsize,
            self.iterations,
            self.poly_n,
            self.poly_sigma,
            flags=0,
        )


@MODELS.register_module()
class ZeroFlow(FlowEstimator):
    """No motion: for ablations."""

    @override
    def estimate(self, frames_from: Tensor, frames_to: Tensor) -> Tensor:
        return frames_from.new_zeros(frames_from.shape[0], 2, *frames_from.shape[-2:], dtype=torch.float32)
