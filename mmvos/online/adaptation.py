"""Going on with training while the video is segmented."""

import copy
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmengine.optim import build_optim_wrapper
from torch import Tensor

from mmvos.inference import VOSSession
from mmvos.structures import VOID, VOSDataSample, object_ids_of
from mmvos.utils.random import isolated_random_state

from .fine_tuning import train_step, trainable_mode
from .samples import Clip, GivenFrame, SampleMaker
from .stage import AdaptationSettings, OnlineStage


class AdaptingSession(VOSSession):
    """A session that trains its model before every frame (Voigtlaender and Leibe, "Online Adaptation of Convolutional Neural
    Networks for Video Object Segmentation", BMVC 2017).

    Pixels that the model is sure of become object, pixels far from the last mask become background, all others are ignored; a
    few steps mix this frame with the given ones. Then the frame is segmented for good.

    Args:
        model (CausalVOSModel): changed in place.
        adaptation (AdaptationSettings): what is learnt.
        stage (OnlineStage): how: pipeline, synthesis, optimiser, which parameters.
        given (Sequence[GivenFrame]): the first frame and its mask.
        seed (int): seed of all random numbers.
        kwargs (dict): arguments of :class:`~mmvos.inference.VOSSession`.
    """

    def __init__(
        self,
        model: Any,
        adaptation: AdaptationSettings,
        stage: OnlineStage,
        given: Sequence[GivenFrame],
        seed: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(model, **kwargs)
        config = copy.deepcopy(dict(stage.optim_wrapper))
        if adaptation.lr is not None:
            config['optimizer'] = dict(config['optimizer'], lr=adaptation.lr)
        self.adaptation, self.stage, self.given, self.seed = adaptation, stage, given, seed
        self._wrapper = build_optim_wrapper(self.model, config)
        self._samples, self._rng = SampleMaker(stage), np.random.default_rng(seed)

    def reset(self) -> None:
        super().reset()
        self._last: np.ndarray = np.zeros((0, 0), np.uint8)

    def step(self, frame: np.ndarray, prompt: np.ndarray | None = None, **metainfo: Any) -> VOSDataSample:
        far = np.zeros(frame.shape[:2], bool)
        if prompt is None and self.object_ids:
            scores = self.peek(frame).pred_scores
            target, far = adaptation_targets(self.adaptation, scores, self._last, self.object_ids)
            with isolated_random_state(self.seed + self.frame_index + 1), trainable_mode(self.model, self.stage):
                self._adapt(frame, target)
        result = super().step(frame, prompt, **metainfo)
        self._last = np.where(far, 0, result.pred_label_map).astype(np.uint8)
        return result

    def _adapt(self, frame: np.ndarray, target: np.ndarray) -> None:
        """The steps before a frame; those on the frame itself are left out if nothing is known of its objects."""
        settings = self.adaptation
        for number in range(settings.steps):
            if number % settings.interval:
                train_step(self.model, [self._samples.sample(self.given, self._rng)], self._wrapper)
                continue
            if not object_ids_of(target):
                continue
            first = self.given[0]
            # a model of clips gets the given frame first, then the current one
            clip = Clip([frame], [target])
            if self.stage.clip_len > 1:
                clip = Clip([first.image, frame], [first.label_map, target])
            sample = self._samples.pack(first.video_id, clip)
            if sample is not None:
                train_step(self.model, [sample], self._wrapper, weight=settings.cur_weight)


def adaptation_targets(
    settings: AdaptationSettings, scores: Tensor, last: np.ndarray, object_ids: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """What may be learnt from a frame.

    Args:
        settings (AdaptationSettings): thresholds.
        scores (Tensor): probabilities ``(N + 1, H, W)`` of the frame with the weights so far.
        last (ndarray): label map of the frame before, uint8 ``(H, W)``.
        object_ids (Sequence[int]): ids of ``scores[1:]``.

    Returns:
        The label map to learn from, uint8 ``(H, W)`` (255: nothing), and the pixels that are surely background, bool
        ``(H, W)``. All void, and none, if the objects are lost.
    """
    scale = last.shape[0] / 480
    side = max(1, round(settings.erosion * scale))
    core = cv2.erode((last > 0).astype(np.uint8), np.ones((side, side), np.uint8))
    target = np.full(last.shape, VOID, np.uint8)
    if not core.any():
        return target, np.zeros(last.shape, bool)
    sure = (scores[1:] > settings.pos_thr).cpu().numpy()
    for mask, object_id in zip(sure, object_ids, strict=True):
        target[mask] = object_id
    far = cv2.distanceTransform(1 - core, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > settings.neg_dist * scale
    target[far] = 0
    return target, far
