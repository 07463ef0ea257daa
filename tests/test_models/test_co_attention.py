"""Co-attention: its forms, its exactness and memory in chunks."""

import pytest
import torch

from mmvos.models.attention.co_attention import attend, attend_chunked, literal_weights
from mmvos.registry import MODELS

# Co-attention


@pytest.mark.parametrize(
    'options',
    [
        dict(form='vanilla'),
        dict(form='symmetric', gate_bias=True),
        dict(form='channel'),
        dict(form='symmetric', orthogonal='exact'),
    ],
    ids=str,
)
def test_every_form_equals_its_literal_affinity(options):
    torch.manual_seed(1)
    part = MODELS.build(dict(type='CoAttention', channels=6, **options))
    a, b = torch.randn(2, 6, 4, 5), torch.randn(2, 6, 4, 5)
    weight = part.linear.weight
    if options['form'] == 'vanilla':
        literal = torch.einsum('bci,cd,bdj->bij', b.flatten(2), weight, a.flatten(2))
    elif options['form'] == 'symmetric':
        p = torch.einsum('dc,bci->bdi', weight, b.flatten(2)), torch.einsum('dc,bci->bdi', weight, a.flatten(2))
        literal = torch.einsum('bdi,d,bdj->bij', p[0], part.diagonal, p[1])
    else:
        wa, wb = ((part.linear(x.mean((2, 3)))).sigmoid()[..., None] for x in (a, b))
        literal = torch.einsum('bci,bcj->bij', wb * b.flatten(2), wa * a.flatten(2))
    # eqs. 6, 7: column i of Z_a averages V_b by the soft-max of S over the positions of the reference
    z_a = torch.einsum('bci,bij->bcj', b.flatten(2), literal.softmax(1)).unflatten(2, (4, 5))
    z_b = torch.einsum('bcj,bij->bci', a.flatten(2), literal.softmax(2)).unflatten(2, (4, 5))
    bias = 0 if part.gate.bias is None else part.gate.bias.data.fill_(-0.7)
    weight = part.gate.weight[0, :, 0, 0]
    expected = [z * (torch.einsum('c,bchw->bhw', weight, z)[:, None] + bias).sigmoid() for z in (z_a, z_b)]
    for z, e in zip(part(a, b), expected, strict=True):
        torch.testing.assert_close(z, e, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(part.summarise(a, b[:, None])[:, 0], expected[0], rtol=1e-4, atol=1e-5)


def test_symmetric_affinity_serves_both_directions():
    part = MODELS.build(dict(type='CoAttention', channels=6, form='symmetric'))
    a, b = torch.randn(1, 6, 3, 4), torch.randn(1, 6, 3, 4)
    ab, ba = part.query(a) @ part.key(b).transpose(1, 2), part.query(b) @ part.key(a).transpose(1, 2)
    torch.testing.assert_close(ab, ba.transpose(1, 2))
    assert part.penalty().item() < 1e-6  # starts orthogonal
    part.linear.weight.data.mul_(2)
    assert part.penalty().item() == pytest.approx(6 * 9, rel=1e-4)


@pytest.mark.parametrize('double', [False, True])
def test_chunked_attention_is_exact_forward_and_backward(double):
    torch.manual_seed(2)
    q, k, v = (torch.randn(2, n, 8, dtype=torch.float64, requires_grad=True) for n in (37, 53, 53))
    out = attend_chunked(q, k, v, double, chunk_bytes=3 * 8 * 2 * 53 * 5)  # 5 rows at a time
    literal = literal_weights(q, k, double) @ v
    torch.testing.assert_close(out, literal, rtol=1e-12, atol=1e-12)
    probe = torch.randn_like(out)
    for x, y in zip(
        torch.autograd.grad((out * probe).sum(), (q, k, v)),
        torch.autograd.grad((literal * probe).sum(), (q, k, v)),
        strict=True,
    ):
        torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)
    if not double:
        torch.testing.assert_close(attend(q, k, v), literal, rtol=1e-12, atol=1e-12)


def largest_tensor(step):
    """Elements of the largest tensor that any operation of ``step()`` returns."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for x in out if isinstance(out, (tuple, list)) else (out,):
                if isinstance(x, torch.Tensor):
                    Largest.numel = max(Largest.numel, x.numel())
            return out

    with Largest():
        step()
    return Largest.numel


def test_chunked_attention_keeps_its_memory_bound():
    """Forward and backward hold a chunk of the affinity, not the affinity."""
    q, k, v = (torch.randn(1, 400, 4, requires_grad=True) for _ in range(3))
    largest = largest_tensor(lambda: attend_chunked(q, k, v, True, chunk_bytes=3 * 4 * 400 * 20).sum().backward())
    assert 400 * 20 <= largest < 400 * 400 / 10
    assert largest_tensor(lambda: literal_weights(q, k, True) @ v) == 400 * 400


@pytest.mark.parametrize('training', [False, True])
def test_fused_attention_does_not_store_the_affinity(training):
    part = MODELS.build(dict(type='CoAttention', channels=16)).requires_grad_(training)
    a, b = torch.randn(1, 16, 20, 20, requires_grad=training), torch.randn(1, 16, 20, 20)

    def step():
        out = sum(z.sum() for z in part(a, b)) + part.summarise(a, b[:, None].expand(-1, 2, -1, -1, -1)).sum()
        if training:
            out.backward()

    assert largest_tensor(step) < 400 * 400 / 2
