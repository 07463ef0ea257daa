"""What DyeNet's search through a video asks of the model: its networks, by the names of the paper's figure."""

from typing import Any, Protocol

from torch import Tensor


class DyeNetNetworks(Protocol):
    """The networks of :class:`~mmvos.models.DyeNet`.

    Attributes:
        flow: optical flow of two frames' pixels.
        reid_head: Re-ID, see :class:`~mmvos.models.ReIDHead`.
        re_mp_head: Re-MP, see :class:`~mmvos.models.ReMPHead`.
        roi_size (int): side of a RoI's mask, in cells.
    """

    flow: Any
    reid_head: Any
    re_mp_head: Any
    roi_size: int

    def extract_feat(self, images: Tensor) -> Tensor:
        """N_feat: features ``(B, C, h, w)`` of normalised images ``(B, 3, H, W)``."""

    def rois(self, features: Tensor, boxes: Tensor, frames: Tensor | None = None) -> Tensor:
        """Features of boxes."""

    def proposals(self, features: Tensor, shape: tuple[int, int], count: int) -> list[Tensor]:
        """Boxes of the RPN in each image."""

    def box_masks(self, features: Tensor, boxes: Tensor, shape: tuple[int, int]) -> Tensor:
        """Masks that the mask network finds in boxes."""
