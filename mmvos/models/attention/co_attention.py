"""Co-attention between the feature maps of two frames (COSNet, CVPR 2019, section 3.2, eqs. 1-9).

Conventions: a feature map ``(B, C, h, w)`` is read as ``(B, L, C)``, L = h*w positions in row-major order. The affinity
of target position i and reference position j is ``A[i, j] = query(v_i) . key(v_j)``, without the division by sqrt(C)
that transformers have. ``attend`` never stores A as a whole.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from mmvos.registry import MODELS
from mmvos.structures import InputError

#: default bound of what the chunked attention holds of the affinity at a time, bytes
CHUNK_BYTES = 64 * 2**20


def affinity(query: Tensor, key: Tensor) -> Tensor:
    """The whole affinity ``(B, L, M)``: 50 MB per pair of 473x473 frames (equations 1, 2).

    Args:
        query (Tensor): ``(B, L, C)``.
        key (Tensor): ``(B, M, C)``.
    """
    return query @ key.transpose(1, 2)


def literal_weights(query: Tensor, key: Tensor, double_softmax: bool = False) -> Tensor:
    """Attention weights ``(B, L, M)``, every row sums to 1. For pictures, and to compare the other forms with.

    Args:
        query (Tensor): ``(B, L, C)``.
        key (Tensor): ``(B, M, C)``.
        double_softmax (bool): a soft-max over L before the one over M, as in the released group model.
    """
    weights = affinity(query, key)
    if double_softmax:
        weights = weights.softmax(1)
    return weights.softmax(2)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """``softmax(query key^T) value`` without the ``(L, M)`` matrix: exact, by torch's fused attention with scale 1.

    Args:
        query (Tensor): ``(B, L, C)``.
        key (Tensor): ``(B, M, C)``.
        value (Tensor): ``(B, M, C)``.

    Returns:
        ``(B, L, C)``.
    """
    # torch's fused kernels want channels next to each other; else it falls back to one that stores the matrix
    query, key, value = (x.contiguous()[:, None] for x in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value, scale=1.0)[:, 0]


def attend_chunked(
    query: Tensor, key: Tensor, value: Tensor, double_softmax: bool = False, chunk_bytes: int = CHUNK_BYTES
) -> Tensor:
    """Attention over chunks of query rows; exact, and at most about ``chunk_bytes`` of affinity exist at a time.

    Serves what fused attention cannot express: with ``double_softmax`` the affinity is normalised over the *query*
    positions first, and the result (values in 0..1) over the key positions. The inner normaliser of key position j, the
    log-sum-exp over all query positions, is gathered in a first pass. In training the chunks are computed again in the
    backward pass instead of being kept.

    Args:
        query (Tensor): ``(B, L, C)``.
        key (Tensor): ``(B, M, C)``.
        value (Tensor): ``(B, M, C)``.
        double_softmax (bool): see above.
        chunk_bytes (int): bound of the affinity and its soft-maxed copies (at least one row is always computed).
    """
    batch, length, _ = query.shape
    copies = 3  # the affinity, and what the soft-maxes make of it
    rows = chunk_bytes // (copies * batch * key.shape[1] * query.element_size())
    spans = torch.arange(length).split(max(1, rows))
    slices = [slice(int(s[0]), int(s[-1]) + 1) for s in spans]
    save = torch.is_grad_enabled() and (query.requires_grad or key.requires_grad or value.requires_grad)

    def run(function: Callable[..., Any], *args: Any) -> Any:
        return checkpoint(function, *args, use_reentrant=False) if save else function(*args)

    normaliser = None
    if double_softmax:
        parts = torch.stack([run(_column_log_sum_exp, query[:, s], key) for s in slices])
        normaliser = parts.logsumexp(0)
    return torch.cat([run(_attend_rows, query[:, s], key, value, normaliser) for s in slices], 1)


def _column_log_sum_exp(query: Tensor, key: Tensor) -> Tensor:
    return affinity(query, key).logsumexp(1)


def _attend_rows(query: Tensor, key: Tensor, value: Tensor, normaliser: Tensor | None) -> Tensor:
    weights = affinity(query, key)
    if normaliser is not None:
        weights = (weights - normaliser[:, None]).exp()
    return weights.softmax(2) @ value


def to_sequence(features: Tensor) -> Tensor:
    """``(B, C, h, w)`` to ``(B, h*w, C)``."""
    return features.flatten(2).transpose(1, 2)


def to_map(sequence: Tensor, size: Sequence[int]) -> Tensor:
    """``(B, h*w, C)`` to ``(B, C, h, w)``."""
    return sequence.transpose(1, 2).unflatten(2, size)


class OpenGate(nn.Module):
    """The gate that lets everything through: infinite logits ``(B, 1, h, w)``, whose sigmoid is 1."""

    def forward(self, summary: Tensor) -> Tensor:
        """Logits of a summary ``(B, C, h, w)``."""
        return torch.full_like(summary[:, :1], torch.inf)


@MODELS.register_module()
class CoAttention(BaseModule):
    """Gated co-attention.

    ========= ============================== =====================================================================
    form      affinity S(b, a)               parameters
    ========= ============================== =====================================================================
    vanilla   V_b^T W V_a (eq. 3)            W, a square matrix
    symmetric (P V_b)^T D (P V_a) (eq. 4)    P orthogonal, D diagonal; one affinity serves both directions
    channel   (w_b V_b)^T (w_a V_a) (eq. 5)  w_x = sigmoid(FC(global average of V_x)), one weight per channel
    ========= ============================== =====================================================================

    Args:
        channels (int): C of the feature maps.
        form (str): ``'vanilla'``, ``'symmetric'`` or ``'channel'``.
        gate (bool): weigh each position of a summary by ``sigmoid(conv1x1(Z))`` (eqs. 8, 9), one convolution for both frames.
        gate_bias (bool): whether that convolution has a bias (the paper's formula has, the released network has not).
        orthogonal (str): how the symmetric form keeps P orthogonal: ``'soft'`` (:meth:`penalty` is added to the loss) or
            ``'exact'`` (a parametrisation).
        double_softmax (bool): soft-max over the target positions before the one over the reference positions; only for the
            released group checkpoints, whose summaries are close to the mean reference feature.
        backend (str): ``'fused'`` (torch's attention) or ``'chunked'``; the double soft-max is always chunked.
        chunk_bytes (int): memory bound of the chunked attention.
        init_cfg (dict | list | None): config of the weights' initialisation.

    Raises:
        InputError: unknown ``form``, ``orthogonal`` or ``backend``.
    """

    def __init__(
        self,
        channels: int = 256,
        form: str = 'vanilla',
        gate: bool = True,
        gate_bias: bool = False,
        orthogonal: str = 'soft',
        double_softmax: bool = False,
        backend: str = 'fused',
        chunk_bytes: int = CHUNK_BYTES,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for name, value, choices in (
            ('form', form, ('vanilla', 'symmetric', 'channel')),
            ('orthogonal', orthogonal, ('soft', 'exact')),
            ('backend', backend, ('fused', 'chunked')),
        ):
            if value not in choices:
                raise InputError(f'CoAttention: {name} is {value!r}; expected one of {choices}.')
        self.form, self.orthogonal = form, orthogonal
        self.double_softmax, self.backend, self.chunk_bytes = double_softmax, backend, chunk_bytes
        self.linear = nn.Linear(channels, channels, bias=form == 'channel')
        if form == 'symmetric':
            nn.init.orthogonal_(self.linear.weight)
            self.diagonal = nn.Parameter(torch.ones(channels))
            if orthogonal == 'exact':
                parametrizations.orthogonal(self.linear)
        self.gate = nn.Conv2d(channels, 1, 1, bias=gate_bias) if gate else OpenGate()

    # The two sides of the affinity: L = query . key

    def query(self, features: Tensor) -> Tensor:
        """Target side of the affinity: ``(B, C, h, w)`` to ``(B, h*w, C)``."""
        if self.form == 'vanilla':
            return self.linear(to_sequence(features))
        if self.form == 'symmetric':
            return self.linear(to_sequence(features)) * self.diagonal
        return self._channel_weighted(features)

    def key(self, features: Tensor) -> Tensor:
        """Reference side of the affinity: ``(B, C, h, w)`` to ``(B, h*w, C)``."""
        if self.form == 'vanilla':
            return to_sequence(features)
        if self.form == 'symmetric':
            return self.linear(to_sequence(features))
        return self._channel_weighted(features)

    def _channel_weighted(self, features: Tensor) -> Tensor:
        weights = self.linear(features.mean((2, 3))).sigmoid()
        return to_sequence(features * weights[..., None, None])

    # Summaries

    def forward(self, target: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """Gated summaries of a pair, for both frames (eqs. 6-9).

        Args:
            target, reference (Tensor): V_a, V_b ``(B, C, h, w)``.

        Returns:
            Z_a (what the target finds in the reference) and Z_b, both ``(B, C, h, w)``.
        """
        size, reference_size = target.shape[-2:], reference.shape[-2:]
        query, key = self.query(target), self.key(reference)
        z_target = self.attend(query, key, to_sequence(reference))
        z_reference = self.attend(key, query, to_sequence(target))
        return self.gated(to_map(z_target, size)), self.gated(to_map(z_reference, reference_size))

    def summarise(self, target: Tensor, references: Tensor, joint: bool = False) -> Tensor:
        """Gated summaries of a target against N references in one batch.

        Args:
            target (Tensor): ``(B, C, h, w)``.
            references (Tensor): ``(B, N, C, h, w)``.
            joint (bool): the positions of all references compete in one soft-max (the group model).

        Returns:
            ``(B, N, C, h, w)``, one summary per reference, or ``(B, 1, C, h, w)`` if ``joint``.
        """
        batch, num = references.shape[:2]
        size = target.shape[-2:]
        query = self.query(target)
        flat = references.flatten(0, 1)
        key, value = self.key(flat), to_sequence(flat)
        if joint:
            key, value = (x.reshape(batch, -1, x.shape[-1]) for x in (key, value))
        else:
            query = query[:, None].expand(-1, num, -1, -1).flatten(0, 1)
        summary = self.gated(to_map(self.attend(query, key, value), size))
        return summary.unflatten(0, (batch, -1))

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """What the key frame has for each position of the query: ``(B, L, C)``, within the module's bound of memory.

        Args:
            query (Tensor): ``(B, L, C)``.
            key (Tensor): ``(B, M, C)``.
            value (Tensor): ``(B, M, C)``.
        """
        if self.double_softmax or self.backend == 'chunked':
            return attend_chunked(query, key, value, self.double_softmax, self.chunk_bytes)
        return attend(query, key, value)

    def gated(self, summary: Tensor) -> Tensor:
        """``Z * sigmoid(conv1x1(Z))``, ``(B, C, h, w)``."""
        return summary * self.gate(summary).sigmoid()

    def attention_maps(self, target: Tensor, reference: Tensor) -> Tensor:
        """The weights themselves ``(B, h*w, h'*w')``, target positions first (stores the matrix; for pictures).

        Args:
            target (Tensor): maps ``(B, C, h, w)``.
            reference (Tensor): maps ``(B, C, h', w')``.
        """
        return literal_weights(self.query(target), self.key(reference), self.double_softmax)

    def penalty(self) -> Tensor | None:
        """``|| P P^T - I ||^2``, a scalar, of a softly orthogonal symmetric form (eq. 4); None for the others."""
        if self.form != 'symmetric' or self.orthogonal != 'soft':
            return None
        weight = self.linear.weight
        return (weight @ weight.t() - torch.eye(len(weight), device=weight.device, dtype=weight.dtype)).square().sum()
