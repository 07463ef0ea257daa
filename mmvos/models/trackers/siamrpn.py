"""The SiamRPN network as DaSiamRPN released it: one trunk, and two heads whose kernels come from the template."""

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


class TemplateKernels(NamedTuple):
    """Correlation kernels of N templates: ``regression`` (N, 4K, F, 4, 4), ``classification`` (N, 2K, F, 4, 4)."""

    regression: Tensor
    classification: Tensor


@MODELS.register_module()
class SiamRPN(BaseModule):
    """Siamese region proposal network over an AlexNet without padding (total stride 8).

    Images are BGR, 0..255, without normalisation. A template crop of 127 pixels gives 6 x 6 features, a search crop of
    s pixels ``(s - 127) / 8 + 1`` squared positions.

    Source: "Distractor-aware Siamese Networks for Visual Object Tracking", ECCV 2018; sizes of its public release.

    Args:
        widths (Sequence[int]): output channels of the five convolutions: (192, 512, 768, 768, 512) is the release's "BIG"
            model, (96, 256, 384, 384, 256) the ones for VOT and OTB.
        feature_channels (int): F, channels of the correlation (512 / 256).
        num_anchors (int): K, anchors per position.
        init_cfg (dict | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        widths: Sequence[int] = (192, 512, 768, 768, 512),
        feature_channels: int = 512,
        num_anchors: int = 5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        w1, w2, w3, w4, w5 = widths
        self.num_anchors, self.feature_channels = num_anchors, feature_channels
        self.trunk = nn.Sequential(
            nn.Conv2d(3, w1, 11, stride=2),
            nn.BatchNorm2d(w1),
            nn.MaxPool2d(3, 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(w1, w2, 5),
            nn.BatchNorm2d(w2),
            nn.MaxPool2d(3, 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(w2, w3, 3),
            nn.BatchNorm2d(w3),
            nn.ReLU(inplace=True),
            nn.Conv2d(w3, w4, 3),
            nn.BatchNorm2d(w4),
            nn.ReLU(inplace=True),
            nn.Conv2d(w4, w5, 3),
            nn.BatchNorm2d(w5),
        )  # the last block ends without ReLU
        self.template_regression = nn.Conv2d(w5, 4 * num_anchors * feature_channels, 3)
        self.template_classification = nn.Conv2d(w5, 2 * num_anchors * feature_channels, 3)
        self.search_regression = nn.Conv2d(w5, feature_channels, 3)
        self.search_classification = nn.Conv2d(w5, feature_channels, 3)
        self.regression_adjust = nn.Conv2d(4 * num_anchors, 4 * num_anchors, 1)

    def embed(self, templates: Tensor) -> TemplateKernels:
        """Kernels of template crops ``(N, 3, 127, 127)``."""
        features = self.trunk(templates)

        def kernels(conv: nn.Conv2d) -> Tensor:
            maps = conv(features)  # channel index = kernel * F + feature
            return maps.unflatten(1, (-1, self.feature_channels))

        return TemplateKernels(kernels(self.template_regression), kernels(self.template_classification))

    def forward(self, search: Tensor, kernels: TemplateKernels) -> tuple[Tensor, Tensor]:
        """Correlate search crops with their templates; all N targets in one pass.

        Args:
            search (Tensor): search crops, ``(N, 3, s, s)``.
            kernels (TemplateKernels): kernels of the N templates.

        Returns:
            Box deltas ``(N, 4K, S, S)``, channel c * K + a with c in (dx, dy, dw, dh); class scores ``(N, 2K, S, S)``,
            channel class * K + a with class 0 the background.
        """
        features = self.trunk(search)
        deltas = self._correlate(self.search_regression(features), kernels.regression)
        scores = self._correlate(self.search_classification(features), kernels.classification)
        return self.regression_adjust(deltas), scores

    @staticmethod
    def _correlate(features: Tensor, kernels: Tensor) -> Tensor:
        """``(N, F, h, w)`` with each target's own kernels ``(N, C, F, k, k)``, as one grouped convolution."""
        count = len(features)
        maps = F.conv2d(features.flatten(0, 1)[None], kernels.flatten(0, 1), groups=count)
        return maps[0].unflatten(0, (count, -1))
