"""What measurements of speed share: a moving video, a clock, peak memory, and what the machine can do at best."""

import math
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

Result = TypeVar('Result')


def procedural_video(size: tuple[int, int], objects: int, frames: int) -> tuple[list[np.ndarray], np.ndarray]:
    """A smooth texture that moves by 2 pixels a frame, with a grid of ellipses as objects.

    Args:
        size (tuple[int, int]): height and width.
        objects (int): number of objects.
        frames (int): number of frames.

    Returns:
        Frames, BGR uint8 ``(H, W, 3)``, and the label map of the first one, uint8 ``(H, W)``.
    """
    height, width = size
    rng = np.random.default_rng(0)
    texture = cv2.resize(
        rng.integers(0, 256, (height // 8, (width + 2 * frames) // 8, 3), dtype=np.uint8),
        (width + 2 * frames, height),
        interpolation=cv2.INTER_CUBIC,
    )
    label_map = np.zeros(size, np.uint8)
    columns = math.ceil(math.sqrt(objects * width / height))
    rows = math.ceil(objects / max(columns, 1))
    for index in range(objects):
        centre = (int((index % columns + 0.5) * width / columns), int((index // columns + 0.5) * height / rows))
        axes = (max(width // columns // 3, 1), max(height // rows // 3, 1))
        cv2.ellipse(label_map, centre, axes, 0, 0, 360, index + 1, -1)
    return [np.ascontiguousarray(texture[:, 2 * i : 2 * i + width]) for i in range(frames)], label_map


class Clock:
    """Seconds, after all work on the device is done: of the wall, or of the process on a CPU.

    Args:
        device (str): the device that computes.
        cpu_time (bool): the process's CPU time instead, for a machine that is busy.
    """

    def __init__(self, device: str, cpu_time: bool = False) -> None:
        self.cuda = device.startswith('cuda')
        self.read = time.process_time if cpu_time else time.perf_counter

    def __call__(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
        return self.read()


class PeakMemory:
    """The most memory of a device while the block runs: allocated by PyTorch on a GPU, resident in the process on a CPU
    (sampled every 2 ms).

    Args:
        device (str): the device that computes.

    Attributes:
        bytes (int): the peak, after the block.
    """

    def __init__(self, device: str) -> None:
        self.device, self.bytes = device, 0

    def __enter__(self) -> 'PeakMemory':
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._sample, daemon=True)
        if self.device.startswith('cuda'):
            torch.cuda.reset_peak_memory_stats()
        self.bytes = memory_in_use(self.device)
        self._thread.start()
        return self

    def _sample(self) -> None:
        while not self._stop.wait(0.002):
            self.bytes = max(self.bytes, memory_in_use(self.device))

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self.device.startswith('cuda'):
            self.bytes = torch.cuda.max_memory_allocated()


def memory_in_use(device: str = 'cpu') -> int:
    """Bytes that PyTorch has allocated on a GPU now, or that are resident in this process."""
    if device.startswith('cuda'):
        return torch.cuda.memory_allocated()
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def machine_peak(device: str, clock: Clock, repeats: int = 5) -> dict[str, float]:
    """What the device computes at best with the present number of threads, in GFLOP/s.

    Args:
        device (str): the device.
        clock (Clock): the clock that also times what is compared with it.
        repeats (int): how often each is run; the fastest counts.

    Returns:
        ``matmul``: a product of square matrices; ``conv``: a 3x3 convolution of 256 channels that lie last in memory.
    """
    side, pixels = (8192, 512) if clock.cuda else (1024, 64)
    matrix = torch.randn(side, side, device=device)
    image = torch.randn(1, 256, pixels, pixels, device=device).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(256, 256, 3, 3, device=device).contiguous(memory_format=torch.channels_last)
    runs: dict[str, tuple[float, Callable[[], Tensor]]] = {
        'matmul': (2.0 * side**3, lambda: matrix @ matrix),
        'conv': (2.0 * 9 * 256**2 * pixels**2, lambda: torch.nn.functional.conv2d(image, weight, padding=1)),
    }
    found = {}
    for name, (flops, run) in runs.items():
        run()
        seconds = []
        for _ in range(repeats):
            start = clock()
            run()
            seconds.append(clock() - start)
        found[name] = flops / min(seconds) / 1e9
    return found


def in_fresh_process(function: Callable[..., Result], *args: Any) -> Result:
    """What a function returns in a process of its own, so that no run leaves memory for the next.

    Raises:
        BrokenProcessPool: the process ended early, for example for lack of memory. Errors of the function are raised here.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')) as pool:
        return pool.submit(function, *args).result()
