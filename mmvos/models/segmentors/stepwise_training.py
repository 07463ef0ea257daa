"""Training frame by frame through a clip: what AGSS-VOS and RGMP have in common, and nothing of either."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor

from mmvos.models.losses import hard_iou
from mmvos.models.segmentors.base import CausalVOSModel
from mmvos.structures import VOID, InputError, VOSDataSample, object_ids_of, one_hot

Losses = dict[str, Tensor]


class StepwiseTrainedModel(CausalVOSModel):
    """Goes through a clip with its own last masks, and learns from every frame on its own: no gradient crosses frames.

    A clip of T frames begins with the reference frame, in which the objects are given; frame 1 has its true masks;
    frames 2 .. T-1 are predicted (of two frames, the first one serves as both). Where a prediction is poor, the true
    masks are carried on in its place. Source: AGSS-VOS (Lin et al., ICCV 2019), section 3.5.

    On one process the optimiser steps once per predicted frame (:meth:`train_step`), T - 2 times per clip. A
    distributed wrapper calls :meth:`loss`, the mean over the frames, and steps once per clip.

    Args:
        iou_threshold (float): a prediction is carried on if its IoU with the truth is above it, in 0..1.
        substitution (str): ``'mean'``: all objects are judged by their mean IoU; ``'per_object'``: each by its own.
        kwargs: keyword arguments of :class:`CausalVOSModel`.
    """

    def __init__(self, iou_threshold: float = 0.5, substitution: str = 'mean', **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if substitution not in ('mean', 'per_object'):
            raise InputError(f"{type(self).__name__}: substitution is {substitution!r}; expected 'mean' or 'per_object'.")
        self.iou_threshold, self.substitution = iou_threshold, substitution

    @abstractmethod
    def frame_loss(
        self, clip: Tensor, index: int, masks: Tensor, previous: Tensor, valid: Tensor, sample: VOSDataSample
    ) -> tuple[Losses, Tensor]:
        """Losses of one frame.

        Args:
            clip (Tensor): images ``(T, 3, H, W)``, normalised.
            index (int): the frame to predict.
            masks (Tensor): true masks 0/1 ``(T, N, H, W)``.
            previous (Tensor): masks of frame ``index - 1``, 0..1 ``(N, H, W)``, without a gradient.
            valid (Tensor): bool ``(T, H, W)``, pixels with a known label.
            sample (VOSDataSample): the clip's sample.

        Returns:
            Losses, and the objects' probabilities ``(N, H, W)``, which are carried on.
        """

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> Losses:
        """Mean over the frames and clips of a batch; see :class:`BaseVOSModel`."""
        return _mean(
            [losses for clip, sample in zip(inputs, data_samples, strict=True) for losses in self.clip_losses(clip, sample)]
        )

    def train_step(self, data: dict[str, Any], optim_wrapper: OptimWrapper) -> Losses:
        """One optimiser step per predicted frame; the frames of a batch's clips are taken side by side.

        Returns:
            Losses for the log, averaged over the steps.
        """
        with optim_wrapper.optim_context(self):
            data = self.data_preprocessor(data, True)
        clips = [self.clip_losses(*pair) for pair in zip(data['inputs'], data['data_samples'], strict=True)]
        logged: list[Losses] = []
        while True:
            with optim_wrapper.optim_context(self):
                losses = [loss for loss in (next(clip, None) for clip in clips) if loss is not None]
                if not losses:
                    return _mean(logged)
                loss, log_vars = self.parse_losses(_mean(losses))
            optim_wrapper.update_params(loss)
            logged.append({name: value.detach() for name, value in log_vars.items()})

    def clip_losses(self, clip: Tensor, sample: VOSDataSample) -> Iterator[Losses]:
        """Losses of frame after frame; the network may be updated between two frames."""
        label_maps = sample.gt_label_maps
        count = clip.shape[0]
        ids = object_ids_of(label_maps[0].cpu().numpy())
        if count < 2 or not ids:
            raise InputError(
                f'{sample.get("video_id")}: a training clip needs two frames and an object in the first '
                f'one; this one has {count} frames, and objects {ids} in the first.'
            )
        masks = one_hot(label_maps, ids).transpose(0, 1)
        valid = label_maps != VOID
        first = min(1, count - 2)
        previous = masks[first]
        for index in range(first + 1, count):
            losses, probabilities = self.frame_loss(clip, index, masks, previous, valid, sample)
            yield losses
            previous = self.carry_on(probabilities.detach(), masks[index], valid[index])

    @torch.no_grad()
    def carry_on(self, probabilities: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        """The prediction ``(N, H, W)`` where it is good enough, else the true masks."""
        iou = hard_iou(probabilities, masks, valid)
        if self.substitution == 'mean':
            iou = iou.mean(0, keepdim=True)
        return torch.where((iou > self.iou_threshold)[:, None, None], probabilities.float(), masks)


def _mean(losses: list[Losses]) -> Losses:
    return {name: torch.stack([entry[name] for entry in losses]).mean(0) for name in losses[0]}
