"""Many videos in one process: memory, threads and file descriptors stay as they are."""

import gc
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
import psutil

from mmvos.apis import VOSInferencer
from mmvos.utils import configs_root


def report(count: int) -> tuple[list[str], bool]:
    """Lines about ``count`` videos, files and folders in turn, every fifth left half-way; and whether all is well."""
    config = configs_root() / 'configs/feature_propagation/feature-propagation_mini_synthvos.py'
    small = {'model.test_cfg.resize': dict(type='ShortSide', length=64, divisor=16)}
    inferencer, process = VOSInferencer(config, device='cpu', cfg_options=small), psutil.Process()
    rng, figures = np.random.default_rng(0), []
    label_map = np.zeros((60, 80), np.uint8)
    label_map[10:40, 10:50] = 1
    with tempfile.TemporaryDirectory(prefix='mmvos-videos-') as name:
        root = Path(name)
        (root / 'frames').mkdir()
        writer = cv2.VideoWriter(str(root / 'v.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10, (80, 60))
        for index in range(6):
            frame = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
            writer.write(frame)
            cv2.imwrite(str(root / f'frames/{index:05d}.png'), frame)
        writer.release()
        for number in range(1, count + 1):
            results = inferencer(root / ('v.avi' if number % 2 else 'frames'), prompts=label_map)
            for index, _ in enumerate(results):
                if number % 5 == 0 and index == 2:
                    break
            results.close()
            if number % (count // 6) == 0:
                gc.collect()
                descriptors = len(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else process.num_fds()
                figures.append((number, process.memory_info().rss / 2**20, process.num_threads(), descriptors))
    lines = ['| videos | memory, MiB | threads | file descriptors |', '| --- | --- | --- | --- |']
    lines += [f'| {n} | {memory:.0f} | {threads} | {descriptors} |' for n, memory, threads, descriptors in figures]
    first, last = figures[1], figures[-1]
    return lines, last[1] < first[1] + 16 and last[2:] == first[2:]
