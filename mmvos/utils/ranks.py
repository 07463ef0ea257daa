"""What the processes of a training tell each other, and when they must not."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import all_gather, all_reduce, get_world_size
from torch import Tensor

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
    """The mean of a number over the processes that train together, without a gradient.

    A loss that is a mean over objects (clips, pixels, ...) is to be their sum, divided by this mean of their count: gradients
    of the processes are averaged, which makes it the mean over the objects of all processes.

    Args:
        value (Tensor | float): scalar.
    """
    mean = torch.as_tensor(value, dtype=torch.float32).detach().clone()
    if number_of_ranks() > 1:
        all_reduce(mean, 'mean')
    return mean


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
    return torch.cat([rows[: int(count)] for rows, count in zip(all_gather(padded), counts)])
