"""What one frame costs: multiply-adds and parameters, part by part."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from mmvos.inference import VOSSession
from mmvos.structures import InputError


@dataclass(frozen=True)
class PartCost:
    """Costs of a part of a model in one frame.

    Attributes:
        name (str): attribute of the model; ``'model'`` is all of it.
        gmac (float): multiply-adds in billions; a convolution or a matrix product counts, what is done element by element
            does not.
        parameters (int): number of parameters.
        trainable (int): those of them that are trained.
    """

    name: str
    gmac: float
    parameters: int
    trainable: int


def count_costs(model: Any, size: tuple[int, int] = (480, 854), num_objects: int = 1) -> list[PartCost]:
    """Costs of one frame in the middle of a video, at the size to which the model's ``test_cfg`` resizes it.

    Args:
        model (BaseVOSModel): a causal model.
        size (tuple[int, int]): height and width of the video.
        num_objects (int): number of objects.

    Returns:
        list[PartCost]: as :func:`costs_of`.

    Raises:
        InputError: an offline model, whose frames have no costs of their own, or more objects than the frame has room for.
    """
    if not getattr(model, 'causal', False):
        raise InputError(f'{type(model).__name__} segments whole videos; expected a method that goes from frame to frame.')
    if not 1 <= num_objects <= min(254, size[1] // 8):
        raise InputError(f'{num_objects} objects in a frame of width {size[1]}; expected 1 to {min(254, size[1] // 8)}.')
    frames = np.random.default_rng(0).integers(0, 255, (3, *size, 3), dtype=np.uint8)
    prompt = np.zeros(size, np.uint8)
    for number, columns in enumerate(np.array_split(np.arange(size[1]), num_objects), 1):
        prompt[size[0] // 4 : 3 * size[0] // 4, columns[len(columns) // 4 : -(len(columns) // 4) or None]] = number
    session = VOSSession(model)
    session.step(frames[0], prompt if model.prompted else None)
    session.step(frames[1])
    return costs_of(model, lambda: session.step(frames[2]))


def costs_of(model: nn.Module, run: Callable[[], object]) -> list[PartCost]:
    """Costs of whatever a function lets a model compute.

    Args:
        model (nn.Module): the model, whose attributes are its parts.
        run (Callable): function that uses the model.

    Returns:
        list[PartCost]: the whole model, then its parts. What is computed outside the parts' layers, such as a matrix product
            in a method of the model, is in the whole only.
    """
    counter = FlopCounterMode(display=False)
    with counter, _counted_by_part(model, counter) as flops:
        run()
    parts = [(name, part) for name, part in model.named_children() if flops[name] or any(True for _ in part.parameters())]
    return [_cost('model', model, counter.get_total_flops()), *(_cost(name, part, flops[name]) for name, part in parts)]


@contextmanager
def _counted_by_part(model: nn.Module, counter: FlopCounterMode) -> Iterator[Counter[str]]:
    """What is computed inside by the layers of each part of a model; where one part calls another, it counts for that one."""
    flops: Counter[str] = Counter()
    active: list[str] = []
    counted = 0

    def count() -> None:
        nonlocal counted
        now = counter.get_total_flops()
        if active:
            flops[active[-1]] += now - counted
        counted = now

    def hooks(name: str, layer: nn.Module) -> Iterator[RemovableHandle]:
        def begin(*_: object) -> None:
            count()
            active.append(name)

        def end(*_: object) -> None:
            count()
            active.pop()

        yield layer.register_forward_pre_hook(begin)
        yield layer.register_forward_hook(end, always_call=True)

    owners = {layer: name for name, part in reversed(list(model.named_children())) for layer in part.modules()}
    handles = [handle for layer, name in owners.items() for handle in hooks(name, layer)]
    try:
        yield flops
    finally:
        for handle in handles:
            handle.remove()


def _cost(name: str, part: nn.Module, flops: float) -> PartCost:
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in part.parameters()]
    return PartCost(name, flops / 2e9, sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained))
