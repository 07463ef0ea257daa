"""The space-time memory read-out as a part of its own."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class MemoryRead(nn.Module):
    """Every position of the current frame reads the memory where keys agree (STM, section 3.2).

    Keys are shared by all objects, values are not: one attention serves all objects at once, with their values side by
    side as channels. The map of all query positions against all memory positions is never stored.
    """

    def forward(self, query_key: Tensor, memory_keys: Tensor, memory_values: Tensor) -> Tensor:
        """Read.

        Args:
            query_key: ``(Ck, h, w)``.
            memory_keys: ``(T, Ck, h, w)`` of T memorised frames.
            memory_values: ``(T, N, Cv, h, w)`` of N objects in them.

        Returns:
            ``(N, Cv, h, w)``.
        """
        frames, objects, channels, height, width = memory_values.shape
        query = query_key.flatten(1).t()[None, None]
        keys = memory_keys.permute(0, 2, 3, 1).reshape(1, 1, -1, len(query_key))
        values = memory_values.permute(0, 3, 4, 1, 2).reshape(1, 1, -1, objects * channels)
        read = F.scaled_dot_product_attention(query, keys, values)
        return read[0, 0].t().view(objects, channels, height, width)
