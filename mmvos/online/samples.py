"""Training samples from the frames whose masks are given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import Compose
from torch.utils.data import Dataset

from mmvos.registry import TRANSFORMS
from mmvos.structures import InputError
from mmvos.videos import Video

from .stage import OnlineStage


class GivenFrame(NamedTuple):
    """A frame that the benchmark gives with its mask: BGR uint8 ``(H, W, 3)``, label map uint8 ``(H, W)``, and its video."""

    image: np.ndarray
    label_map: np.ndarray
    video_id: str


class Clip(NamedTuple):
    """What a sample is made of.

    ``frames``: BGR uint8 ``(H, W, 3)``. ``label_maps``: uint8 ``(H, W)``. ``extra``: further entries of the pipeline's results.
    """

    frames: list[np.ndarray]
    label_maps: list[np.ndarray]
    extra: Mapping[str, Any] = {}


def given_frames(video: Video, late: bool = True) -> list[GivenFrame]:
    """Frames and label maps that the benchmark gives: the first prompt, and those of later objects.

    Args:
        video (Video): its other annotations are not read.
        late (bool): whether prompts after the first one count.

    Raises:
        InputError: a frame or a prompt that cannot be used.
    """
    given = []
    for index in sorted(video.prompts):
        image = video.read(index)
        label_map = video.prompt(index, image.shape[:2])
        if label_map is not None:
            given.append(GivenFrame(image, label_map, video.video_id))
        if given and not late:
            break
    return given


def mixed_samples(iteration: int, batch_size: int, ratio: float) -> int:
    """How many samples of an iteration's batch come from the mixed data set: after every iteration, all together are the share
    ``ratio`` of all samples so far, rounded down."""
    # the small number keeps 0.3 * 10 from falling below 3
    return int((iteration + 1) * batch_size * ratio + 1e-6) - int(iteration * batch_size * ratio + 1e-6)


class SampleMaker:
    """Makes the batches of a stage.

    Args:
        stage (OnlineStage): its ``synthesis`` and ``pipeline`` are built.
        mixed (Dataset | Sequence): what the share ``mix_ratio`` is drawn from; empty if nothing is.
    """

    #: how often a sample is drawn before its frame is given up
    MAX_TRIES = 20

    def __init__(self, stage: OnlineStage, mixed: Dataset | Sequence[dict] = ()) -> None:
        self.stage, self.mixed = stage, mixed
        self.syntheses = [TRANSFORMS.build(dict(stage.synthesis))] if stage.synthesis else []
        self.pipeline = Compose(list(stage.pipeline))

    def batch(self, iteration: int, given: Sequence[GivenFrame], rng: np.random.Generator) -> list[dict]:
        """The samples of an iteration, from 0."""
        stage = self.stage
        drawn = mixed_samples(iteration, stage.batch_size, stage.mix_ratio)
        batch = [self.sample(given, rng) for _ in range(stage.batch_size - drawn)]
        return batch + [self.mixed[int(rng.integers(len(self.mixed)))] for _ in range(drawn)]  # type: ignore[arg-type]  # data sets of videos have a length

    def sample(self, given: Sequence[GivenFrame], rng: np.random.Generator) -> dict:
        """One sample of a given frame that is drawn. A clip that the pipeline refuses (no object left) gives way to the frame
        itself.

        Raises:
            InputError: the pipeline refuses the frame itself, too.
        """
        chosen = given[int(rng.integers(len(given)))]
        for _ in range(self.MAX_TRIES):  # a pipeline that draws, such as a crop, may lose an object now and then
            for clip in self._clips(chosen, rng):
                sample = self.pack(chosen.video_id, clip)
                if sample is not None:
                    return sample
        raise InputError(
            f'online training, {chosen.video_id}: the pipeline refuses the given frame itself; is an object smaller than it '
            'asks for?'
        )

    def _clips(self, given: GivenFrame, rng: np.random.Generator) -> Iterator[Clip]:
        for synthesis in self.syntheses:
            made = synthesis(given.image, given.label_map, rng)
            yield Clip(made.frames, made.label_maps, dict(flow_bwd=made.flows_bwd))
        yield Clip([given.image] * self.stage.clip_len, [given.label_map] * self.stage.clip_len)

    def pack(self, video_id: str, clip: Clip) -> dict | None:
        """A clip through the training transforms; None if they refuse it."""
        shape = clip.frames[0].shape[:2]
        return self.pipeline(
            dict(
                clip.extra,
                video_id=video_id,
                frame_ids=list(range(len(clip.frames))),
                img=list(clip.frames),
                gt_seg_map=list(clip.label_maps),
                ori_shape=shape,
                img_shape=shape,
            )
        )
