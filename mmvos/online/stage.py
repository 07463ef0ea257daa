"""Settings of online training, as a config gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mmvos.structures import InputError


@dataclass(frozen=True)
class OnlineStage:
    """One training of a model on given frames.

    Args:
        pipeline (Sequence[dict]): transforms after the synthesis, ending with ``PackVOSInputs``.
        optim_wrapper (dict): mmengine config.
        mode (str): ``'per_dataset'``: one model, from the given frames of all videos; ``'per_video'``: one for each video.
        max_iters (int): optimiser steps, from 1.
        batch_size (int): samples in a step, from 1.
        clip_len (int): frames of a sample that is not synthesised, from 1.
        synthesis (dict | None): config of what makes a clip of a given frame (``FirstFrameSynthesis``); None for the frame
            itself, ``clip_len`` times.
        mix_dataset (dict | None): config of a data set with a training pipeline of its own, e.g. the one of offline training.
            Its clips must come out in the size and length of the others.
        mix_ratio (float): share of all samples that are drawn from ``mix_dataset``, in [0, 1]. With a batch that the share
            does not divide, batches of both roundings take turns.
        param_scheduler (Sequence[dict] | dict | None): mmengine configs; they step by iteration.
        trainable (Sequence[str] | None): regular expressions; parameters whose names match one of them are trained. None for
            all that train offline.
        freeze_bn (bool): batch norms keep their statistics.
        per_object (bool): one model per object (the object against the rest), their probabilities merged.
        use_late_objects (bool): also train on the frames in which later objects are given; a strictly causal run must not.
        seed (int): seed of all random numbers, together with the video's name.

    Raises:
        InputError: a value out of range, or settings that do not go together.
    """

    pipeline: Sequence[dict[str, Any]]
    optim_wrapper: Mapping[str, Any]
    mode: Literal['per_video', 'per_dataset'] = 'per_video'
    max_iters: int = 200
    batch_size: int = 4
    clip_len: int = 1
    synthesis: Mapping[str, Any] | None = None
    mix_dataset: Mapping[str, Any] | None = None
    mix_ratio: float = 0.0
    param_scheduler: Sequence[dict[str, Any]] | dict[str, Any] | None = None
    trainable: Sequence[str] | None = None
    freeze_bn: bool = True
    per_object: bool = False
    use_late_objects: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.pipeline or not self.optim_wrapper:
            raise InputError("a stage needs a 'pipeline' and an 'optim_wrapper' that are not empty.")
        for name in ('max_iters', 'batch_size', 'clip_len'):
            if getattr(self, name) < 1:
                raise InputError(f'{name} is {getattr(self, name)}; expected a number from 1.')
        if not 0 <= self.mix_ratio <= 1 or bool(self.mix_ratio) != bool(self.mix_dataset):
            raise InputError(
                "'mix_dataset' goes with a 'mix_ratio' in (0, 1], and neither without the other; "
                f'got mix_ratio={self.mix_ratio}.'
            )
        if isinstance(self.trainable, str):
            raise InputError(f'trainable is {self.trainable!r}; expected a list of regular expressions.')
        if self.per_object and self.mode == 'per_dataset':
            raise InputError("per_object=True needs mode='per_video': objects of different videos share no model.")


@dataclass(frozen=True)
class AdaptationSettings:
    """Settings of :class:`~mmvos.online.adaptation.AdaptingSession`.

    Args:
        steps (int): optimiser steps per frame; every ``interval``-th of them uses the current frame, the others a given one.
        interval (int): see ``steps``.
        pos_thr (float): probability above which a pixel is taken for the object, in [0, 1].
        neg_dist (float): distance in pixels of a 480-line frame from the (eroded) last mask beyond which a pixel is
            background.
        erosion (int): side of the square that erodes the last mask first, likewise.
        cur_weight (float): weight of the loss on the current frame.
        lr (float | None): learning rate; None for the stage's own.

    Raises:
        InputError: a value out of range.
    """

    steps: int = 15
    interval: int = 5
    pos_thr: float = 0.97
    neg_dist: float = 220
    erosion: int = 15
    cur_weight: float = 0.05
    lr: float | None = 1e-5

    def __post_init__(self) -> None:
        if self.steps < 1 or self.interval < 1 or self.erosion < 1:
            raise InputError(f'steps={self.steps}, interval={self.interval}, erosion={self.erosion}; expected numbers from 1.')
        if not 0 <= self.pos_thr <= 1:
            raise InputError(f'pos_thr is {self.pos_thr}; expected a probability.')
