"""Reference frames for training video instance segmentation."""

from typing import Any

import numpy as np
from mmdet.datasets.transforms import BaseFrameSample

from mmvos.registry import TRANSFORMS
from mmvos.structures import InputError


@TRANSFORMS.register_module()
class SampleNearAndFar(BaseFrameSample):
    """A key frame, one frame from anywhere around it, and the frames right before it.

    The far frame is what tracking is learned from (as ``mmdet.UniformRefFrameSample`` does); the near ones are what the
    attention to the memory sees at test. A key frame without a frame before it is its own near frame, as in the test; in a
    video of one frame it is its own far frame.

    Gives the frames in the order key, far, near (newest first), for ``MaskTrackRCNN(near_references=num_near)``.

    Args:
        num_near (int): number of near frames.
        frame_range (int): the far frame is at most so many frames before or after the key frame.

    Raises:
        InputError: a number below 1.
    """

    def __init__(self, num_near: int = 1, frame_range: int = 100) -> None:
        if num_near < 1 or frame_range < 1:
            raise InputError(f'SampleNearAndFar: num_near={num_near}, frame_range={frame_range}; expected at least 1.')
        super().__init__()
        self.num_near, self.frame_range = num_near, frame_range

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        length = results['video_length']
        key = results['key_frame_id'] if 'key_frame_id' in results else int(np.random.randint(length))
        around = range(max(0, key - self.frame_range), min(length, key + self.frame_range + 1))
        others = [frame for frame in around if frame != key] or [key]
        far = others[np.random.randint(len(others))]
        near = [max(key - 1 - i, 0) for i in range(self.num_near)]
        sampled = self.prepare_data(results, [key, far, *near])
        sampled['key_frame_flags'] = [True] + [False] * (1 + self.num_near)
        return sampled
