"""What the processes of a training exchange, and when they must not."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import all_gather, all_reduce, broadcast_object_list, get_rank, get_world_size
from torch import Tensor, nn
from torch.distributed import TCPStore

_alone = 0


@contextmanager
def by_itself() -> Iterator[None]:
    """This process trains by itself inside: nothing below waits for others, which may be elsewhere or have ended."""
    global _alone
    _alone += 1
    try:
        yield
    finally:
        _alone -= 1


def number_of_ranks() -> int:
    """Processes that train together; 1 inside of :func:`by_itself`."""
    return 1 if _alone else get_world_size()


def mean_over_ranks(value: Tensor | float) -> Tensor:
    """The mean of numbers over the processes that train together, without a gradient.

    Args:
        value (Tensor | float): scalar, or ``(K, ...)``. Processes may have different K; where one has no row, its numbers
            count as 0.

    Returns:
        Tensor: float32, of the shape of ``value``.
    """
    mean = torch.as_tensor(value, dtype=torch.float32).detach().clone()
    if number_of_ranks() == 1:
        return mean
    if not mean.ndim:
        all_reduce(mean, 'mean')
        return mean
    count = len(mean)
    longest = torch.tensor([count], device=mean.device)
    all_reduce(longest, 'max')
    padded = torch.cat([mean, mean.new_zeros(int(longest) - count, *mean.shape[1:])])
    all_reduce(padded, 'mean')
    return padded[:count]


def mean_of_batch(total: Tensor, count: Tensor | float) -> Tensor:
    """The mean over the objects (pixels, RoIs, ...) of a batch that several processes share; 0 where there are none.

    The processes' gradients are averaged. Were each process to divide by its own count, one with few objects would give each
    of them more weight than one with many; so the sum is divided by the mean of the counts.

    All processes call this equally often.

    Args:
        total (Tensor): this process's sums, scalar or ``(K, ...)``; see :func:`mean_over_ranks`.
        count (Tensor | float): how many objects are in each.
    """
    mean = mean_over_ranks(count).to(total.device)
    return total / torch.where(mean > 0, mean, 1.0)


class SharedCounter:
    """Counters that all processes of a run share. Made by all processes together."""

    def __init__(self) -> None:
        host = os.environ.get('MASTER_ADDR', '127.0.0.1')
        port: list[int] = [0]
        if get_rank() == 0:
            self._store = TCPStore(host, 0, is_master=True, wait_for_workers=False)
            port = [self._store.port]
        broadcast_object_list(port)
        if get_rank() > 0:
            self._store = TCPStore(host, port[0], is_master=False, wait_for_workers=False)

    def next(self, name: str) -> int:
        """How often any process has called this before for the counter of a name: 0, 1, 2, ..., each number once."""
        return self._store.add(name, 1) - 1


def rows_of_all_ranks(values: Tensor) -> Tensor:
    """Rows of all processes, in the order of ranks; each may have another number of rows. Without a gradient.

    Args:
        values (Tensor): ``(N, ...)``.
    """
    values = values.detach()
    if number_of_ranks() == 1:
        return values
    counts = all_gather(torch.tensor([len(values)], device=values.device))
    padded = values.new_zeros(int(max(counts)), *values.shape[1:])
    padded[: len(values)] = values
    return torch.cat([rows[: int(count)] for rows, count in zip(all_gather(padded), counts, strict=True)])


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Put the mean over the processes into the gradients of all trained parameters; one that a process did not use counts
    as 0 there.

    Args:
        parameters (Iterable[nn.Parameter]): the same ones in every process.
    """
    if number_of_ranks() == 1:
        return
    trained = [p for p in parameters if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in trained])
    all_reduce(flat, 'mean')
    for parameter, gradient in zip(trained, flat.split([p.numel() for p in trained]), strict=True):
        parameter.grad = gradient.view_as(parameter).clone()
