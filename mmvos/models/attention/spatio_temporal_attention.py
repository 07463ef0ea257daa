"""Attention of a frame's feature map over the maps of earlier frames, added with a learned weight."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmvos.registry import MODELS
from mmvos.structures import InputError


@MODELS.register_module()
class SpatioTemporalAttention(BaseModule):
    """The module of "Spatio-temporal Attention Network for Video Instance Segmentation" (section 3.1, equations 1-3).

    With n = h w positions, i a position of an earlier frame x0 and j one of the current frame x1::

        s_ij   = <Conv1(x0)_i, Conv1(x1)_j>
        A_j    = sum_i softmax_i(s_ij) Conv2(x1)_i
        output = x1 + Gamma A

    One Conv1 serves both frames; Gamma is learned from 0, so that a pretrained detector is undisturbed at first.
    The map of all pairs of positions is never stored: A is computed by a fused attention kernel. :meth:`literal` spells
    the equations out, for tests.

    Args:
        channels (int): c, channels of the maps.
        inner_channels (int | None): c1, outputs of Conv1 (default: c / 8).
        value_from (str): where Conv2 is applied: ``'current'`` as in equation (2), or ``'previous'``, which makes the module
            a read of the memory.
        softmax_over (str): ``'previous'``: the weights of an output position sum to 1; ``'current'``: those of a memory
            position do (the other reading of S in equation 1; computed in chunks of memory positions).
        scale (float): factor of the logits; 1 as in equation (1).
        kv_stride (int): keys and values are averaged over cells of this size: work and map shrink by its square. 1: none.
        chunk (int): memory positions at a time when ``softmax_over='current'``.
        init_cfg (dict | list[dict] | None): default Xavier-uniform weights, zero biases.

    Raises:
        InputError: unknown ``value_from`` or ``softmax_over``.
    """

    def __init__(
        self,
        channels: int,
        inner_channels: int | None = None,
        value_from: str = 'current',
        softmax_over: str = 'previous',
        scale: float = 1.0,
        kv_stride: int = 1,
        chunk: int = 1024,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Xavier', layer='Conv2d', distribution='uniform', bias=0))
        for name, value in (('value_from', value_from), ('softmax_over', softmax_over)):
            if value not in ('current', 'previous'):
                raise InputError(f"{name} is {value!r}; expected 'current' or 'previous'.")
        self.conv1 = nn.Conv2d(channels, inner_channels or max(channels // 8, 1), 1)
        self.conv2 = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.value_from, self.softmax_over, self.scale = value_from, softmax_over, scale
        self.kv_stride, self.chunk = kv_stride, chunk

    def forward(self, x: Tensor, memory: Sequence[Tensor]) -> Tensor:
        """Equation (3).

        Args:
            x (Tensor): map of the current frame ``(N, c, h, w)``.
            memory (Sequence[Tensor]): maps of one or more earlier frames, each ``(N, c, h, w)``; several share one softmax.

        Returns:
            ``(N, c, h, w)``.
        """
        return x + self.gamma * self.attention(x, memory)

    def attention(self, x: Tensor, memory: Sequence[Tensor]) -> Tensor:
        """A of equation (2), ``(N, c, h, w)``.

        Args:
            x (Tensor): maps of the current frame, ``(N, c, h, w)``.
            memory (Sequence[Tensor]): maps of L earlier frames, ``(N, c, h, w)`` each.
        """
        query, key, value = self._project(x, memory)
        attended = self._fused(query, key, value) if self.softmax_over == 'previous' else self._by_rows(query, key, value)
        return attended.reshape(x.shape)

    @torch.no_grad()
    def literal(self, x: Tensor, memory: Sequence[Tensor]) -> dict[str, Tensor]:
        """The equations as they are written, with the whole map of pairs.

        Args:
            x (Tensor): maps of the current frame, ``(N, c, h, w)``.
            memory (Sequence[Tensor]): maps of L earlier frames, ``(N, c, h, w)`` each.

        Returns:
            ``score``, ``cor`` ``(N, L n, n)`` before and after the softmax; ``attention``, ``sta`` ``(N, c, h, w)``.
        """
        query, key, value = self._project(x, memory)
        score = self.scale * key.transpose(1, 2) @ query
        cor = score.softmax(1 if self.softmax_over == 'previous' else 2)
        attention = (value @ cor).view_as(x)
        return dict(score=score, cor=cor, attention=attention, sta=x + self.gamma * attention)

    def _project(self, x: Tensor, memory: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Query ``(N, c1, n)``, key ``(N, c1, L m)``, value ``(N, c, L m)``; m = n without ``kv_stride``."""
        frames = len(memory)
        if not frames:
            raise ValueError('the memory is empty; a first frame is its own memory: pass [x].')
        query = self.conv1(x)
        # the map itself may be its own memory (a first frame): then Conv1 has been applied already
        keys = [query if m is x else self.conv1(m) for m in memory]
        values = [self.conv2(x)] * frames if self.value_from == 'current' else [self.conv2(m) for m in memory]
        if self.kv_stride > 1:
            keys, values = [self._pool(k) for k in keys], [self._pool(v) for v in values]
        flat_keys, flat_values = (torch.cat([m.flatten(2) for m in maps], 2) for maps in (keys, values))
        return query.flatten(2), flat_keys, flat_values

    def _pool(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.kv_stride, ceil_mode=True, count_include_pad=False)

    def _fused(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # Kernels that do not store the map of pairs want one size for query, key and value, and adjacent channels (on a
        # CPU, torch silently falls back to one that does store it); zeros in further channels change no dot product.
        channels, size = value.shape[1], -(-max(value.shape[1], query.shape[1]) // 8) * 8
        query, key, value = (
            F.pad(t.transpose(1, 2), (0, size - t.shape[1])).contiguous().unsqueeze(1) for t in (query, key, value)
        )
        # the default scale of this function is 1 / sqrt(size), which the equations do not have
        attended = F.scaled_dot_product_attention(query, key, value, scale=self.scale)
        return attended[:, 0, :, :channels].transpose(1, 2)

    def _by_rows(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        total = torch.zeros_like(value[..., :1]).expand(-1, -1, query.shape[2])
        for k, v in zip(key.split(self.chunk, 2), value.split(self.chunk, 2), strict=True):
            if torch.is_grad_enabled():  # recomputed in the backward pass, or all chunks together would store the map
                total = total + checkpoint(self._rows, query, k, v, use_reentrant=False)
            else:
                total = total + self._rows(query, k, v)
        return total

    def _rows(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return value @ (self.scale * key.transpose(1, 2) @ query).softmax(2)

    def extra_repr(self) -> str:
        return (
            f'value_from={self.value_from!r}, softmax_over={self.softmax_over!r}, scale={self.scale}, '
            f'kv_stride={self.kv_stride}'
        )
