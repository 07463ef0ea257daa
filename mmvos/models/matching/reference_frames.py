"""Which frames of a video a target frame is compared with (COSNet, CVPR 2019, sections 3.3 and 4.2)."""

import zlib

import numpy as np

from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError


@TASK_UTILS.register_module()
class UniformReferences:
    """Global uniform: the centres of N equal parts of the video, without the target if others remain.

    The same few frames serve all targets, so their features are all that has to be kept of a video.

    Args:
        num (int): N. A shorter video gives as many as it has.
    """

    def __init__(self, num: int) -> None:
        self.num = _at_least_one(num)

    def __call__(self, target: int, num_frames: int, video_id: str = '') -> list[int]:  # noqa: ARG002  (as RandomReferences is called)
        """Positions of the references of a frame, ascending.

        Args:
            target (int): position of the frame.
            num_frames (int): length of the video.
            video_id (str): name of the video; not used.
        """
        num = min(self.num, num_frames)
        frames = [(2 * k + 1) * num_frames // (2 * num) for k in range(num)]
        return [f for f in frames if f != target] or frames


@TASK_UTILS.register_module()
class RandomReferences:
    """Global random: N distinct frames of the video; the draw depends on the video, the target and the seed alone.

    Args:
        num (int): N.
        include_target (bool): the target itself may be drawn, as in the authors' script.
        seed (int): seed of the draw.
    """

    def __init__(self, num: int, include_target: bool = False, seed: int = 0) -> None:
        self.num, self.include_target, self.seed = _at_least_one(num), include_target, seed

    def __call__(self, target: int, num_frames: int, video_id: str = '') -> list[int]:
        """Positions of the references of a frame, ascending.

        Args:
            target (int): position of the frame.
            num_frames (int): length of the video.
            video_id (str): name of the video; a part of the seed.
        """
        rng = np.random.default_rng([self.seed, zlib.crc32(video_id.encode()), target])
        frames = [f for f in range(num_frames) if self.include_target or f != target] or [target]
        return sorted(int(f) for f in rng.choice(frames, min(self.num, len(frames)), replace=False))


@TASK_UTILS.register_module()
class LocalReferences:
    """Local consecutive: the N frames that are nearest in time, without the target; the window shifts at the ends.

    Args:
        num (int): N.
    """

    def __init__(self, num: int) -> None:
        self.num = _at_least_one(num)

    def __call__(self, target: int, num_frames: int, video_id: str = '') -> list[int]:  # noqa: ARG002  (as RandomReferences is called)
        """Positions of the references of a frame, ascending.

        Args:
            target (int): position of the frame.
            num_frames (int): length of the video.
            video_id (str): name of the video; not used.
        """
        count = min(self.num, num_frames - 1)
        if count == 0:
            return [target]
        first = min(max(target - (count + 1) // 2, 0), num_frames - 1 - count)
        return [f for f in range(first, first + count + 1) if f != target]


def _at_least_one(num: int) -> int:
    if num < 1:
        raise InputError(f'num is {num}; expected at least 1 reference frame (no references at all: references=None).')
    return num
