"""Whether memory stays flat however long a video is."""

import time
from dataclasses import dataclass
from typing import Any

from mmvos.inference import open_session

from .measuring import memory_in_use, procedural_video

#: frames that are shown again and again
LOOP = 16


@dataclass
class LongRun:
    """Memory along a video.

    Attributes:
        frames (int): frames that were segmented.
        seconds (float): time that they took.
        megabytes (dict[int, float]): MiB in use after these numbers of frames (:func:`memory_in_use`).
    """

    frames: int
    seconds: float
    megabytes: dict[int, float]

    @property
    def growth(self) -> float:
        """MiB that were added after the first fifth of the video, which fills what has a bound."""
        early = [frames for frames in self.megabytes if frames >= self.frames / 5]
        return self.megabytes[self.frames] - self.megabytes[min(early)]


def long_run(
    model: Any,
    frames: int = 5000,
    size: tuple[int, int] = (96, 160),
    objects: int = 2,
    device: str = 'cpu',
    seconds: float = float('inf'),
    first_mark: int | None = None,
) -> LongRun:
    """Segment a long video whose frames repeat.

    Args:
        model (Any): a model that goes from frame to frame, of either task.
        frames (int): number of frames, at least 10.
        size (tuple[int, int]): height and width.
        objects (int): number of objects, for a model with prompts.
        device (str): the device that computes.
        seconds (float): the video ends after the frame that passes this time.
        first_mark (int | None): memory is noted after this number of frames, too.
    """
    prompted = getattr(model, 'prompted', False)
    images, label_map = procedural_video(size, objects if prompted else 0, LOOP)
    session: Any = open_session(model, device=device)
    start, found = time.perf_counter(), dict[int, float]()
    marks = {max(frames * tenth // 10, 1) for tenth in range(1, 11)} | {first_mark}
    for done in range(1, frames + 1):
        there_and_back = (done - 1) % (2 * LOOP - 2)
        image = images[min(there_and_back, 2 * LOOP - 2 - there_and_back)]
        session.step(image, *([label_map] if prompted and done == 1 else []))
        late = time.perf_counter() - start > seconds
        if done in marks or late:
            found[done] = memory_in_use(device) / 2**20
        if late:
            break
    return LongRun(done, time.perf_counter() - start, found)
