"""Random numbers that depend on a place (seed, video, iteration, sample) and on nothing that was drawn before."""

import random
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_from(*key: int | str) -> int:
    """A seed in [0, 2**32) that any two different keys are unlikely to share.

    Args:
        key (int | str): what the numbers may depend on, e.g. ``(seed, iteration, rank)``; integers from 0.
    """
    numbers = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def seed_generators(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (of all devices).

    Args:
        seed (int): number in [0, 2**32).
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def isolated_random_state(seed: int, devices: bool = True) -> Iterator[None]:
    """Seeded global generators inside, their old states afterwards.

    Args:
        seed (int): any number from 0.
        devices (bool): whether generators of accelerators are seeded and restored, too.
    """
    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    accelerators = torch.cuda.get_rng_state_all() if devices and torch.cuda.is_available() else None
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.random.default_generator.manual_seed(seed)
    if accelerators is not None:
        torch.cuda.manual_seed_all(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])
        if accelerators is not None:
            torch.cuda.set_rng_state_all(accelerators)
