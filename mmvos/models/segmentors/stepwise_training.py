"""Training frame by frame through a clip: what AGSS-VOS and RGMP have in common."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor

from mmvos.models.losses import hard_iou
from mmvos.models.segmentors.base import CausalVOSModel
from mmvos.structures import VOID, InputError, VOSDataSample, object_ids_of, one_hot
from mmvos.utils.ranks import average_gradients, mean_of_batch, mean_over_ranks, number_of_ranks

Losses = dict[str, Tensor]


class StepwiseTrainedModel(CausalVOSModel):
    """Goes through a clip with its own last masks and learns from every frame, one by one or all at once.

    A clip of T frames begins with the reference frame, in which the objects are given; the frame before the first
    predicted one has its true masks. Where a prediction is poor, the true masks are carried on in its place. Source:
    AGSS-VOS (Lin et al., ICCV 2019), section 3.5.

    Frame by frame (the default), no gradient crosses frames, and the optimiser steps once per predicted frame
    (:meth:`train_step`), on any number of processes: their gradients are averaged at every step, so that N processes with a
    clip each do what one process does with all N clips. mmvos's runner wraps such a model with
    :class:`~mmvos.engine.StepwiseDistributed`; ``DistributedDataParallel``, which would step once per clip, is refused.

    Through time, the gradient of a frame's loss reaches the frames before it by the masks that were carried on, and the
    optimiser steps once per clip. Source: RGMP (Oh et al., CVPR 2018), section 3.3, second stage.

    Args:
        iou_threshold (float): a prediction is carried on if its IoU with the truth is above it; below 0: always.
        substitution (str): ``'mean'``: all objects are judged by their mean IoU; ``'per_object'``: each by its own.
        first_predicted (int): index of the first frame of a clip that is predicted. 2: frame 1 has its true masks, and the
            reference is a frame apart; 1: the clip follows its reference frame. (Of two frames, the second is predicted.)
        through_time (bool): learn from the whole clip at once, with gradients across frames.
        kwargs (dict): keyword arguments of :class:`CausalVOSModel`.
    """

    def __init__(
        self,
        iou_threshold: float = 0.5,
        substitution: str = 'mean',
        first_predicted: int = 2,
        through_time: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if substitution not in ('mean', 'per_object'):
            raise InputError(f"{type(self).__name__}: substitution is {substitution!r}; expected 'mean' or 'per_object'.")
        if first_predicted not in (1, 2):
            raise InputError(f'{type(self).__name__}: first_predicted is {first_predicted!r}; expected 1 or 2.')
        self.iou_threshold, self.substitution = iou_threshold, substitution
        self.first_predicted, self.through_time = first_predicted, through_time

    @abstractmethod
    def frame_loss(
        self, clip: Tensor, index: int, masks: Tensor, previous: Tensor, valid: Tensor, sample: VOSDataSample
    ) -> tuple[Losses, Tensor]:
        """Losses of one frame.

        Args:
            clip (Tensor): images ``(T, 3, H, W)``, normalised.
            index (int): the frame to predict.
            masks (Tensor): true masks 0/1 ``(T, N, H, W)``.
            previous (Tensor): masks of frame ``index - 1``, 0..1 ``(N, H, W)``; with a gradient if trained through
                time.
            valid (Tensor): bool ``(T, H, W)``, pixels with a known label.
            sample (VOSDataSample): the clip's sample.

        Returns:
            Losses, and the objects' probabilities ``(N, H, W)``, which are carried on.
        """

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> Losses:
        """Mean over the frames and clips of a batch; see :class:`BaseVOSModel`.

        Raises:
            InputError: several processes train frame by frame, but not by :meth:`train_step`.
        """
        if self.training and not self.through_time and number_of_ranks() > 1:
            raise InputError(
                f"{type(self).__name__}: model_wrapper_cfg is not 'StepwiseDistributed', without which several processes would "
                "step once per clip; expected mmvos's runner, which chooses it, or model_wrapper_cfg = "
                "dict(type='StepwiseDistributed')."
            )
        frames = [losses for pair in zip(inputs, data_samples, strict=True) for losses in self.clip_losses(*pair)]
        share = mean_of_batch(torch.tensor(float(len(frames))), len(frames)).to(inputs.device)
        return {name: share * value for name, value in _mean(frames).items()}

    def train_step(self, data: dict[str, Any], optim_wrapper: OptimWrapper) -> Losses:
        """One optimiser step per predicted frame; the frames of a batch's clips are taken side by side.

        Through time: one step.

        Returns:
            Losses for the log, averaged over the steps.
        """
        if self.through_time:
            return super().train_step(data, optim_wrapper)
        with optim_wrapper.optim_context(self):
            data = self.data_preprocessor(data, True)
        clips = [self.clip_losses(*pair) for pair in zip(data['inputs'], data['data_samples'], strict=True)]
        logged: list[Losses] = []
        while True:
            with optim_wrapper.optim_context(self):
                losses = [loss for loss in (next(clip, None) for clip in clips) if loss is not None]
                # a process whose clips have ended goes on, with a loss of 0, while others have frames
                mean_count = float(mean_over_ranks(len(losses)))
                if not mean_count:
                    return _mean(logged)
                if losses:
                    loss, log_vars = self.parse_losses(_mean(losses))
                    logged.append({name: value.detach() for name, value in log_vars.items()})
                else:
                    loss = torch.stack([p.sum() for p in self.parameters() if p.requires_grad]).sum() * 0
            self._update(loss * (len(losses) / mean_count), optim_wrapper)

    def _update(self, loss: Tensor, optim_wrapper: OptimWrapper) -> None:
        """``optim_wrapper.update_params``, with the mean of all processes' gradients."""
        if number_of_ranks() == 1:
            optim_wrapper.update_params(loss)
            return
        optim_wrapper.backward(optim_wrapper.scale_loss(loss))
        if optim_wrapper.should_update():
            average_gradients(self.parameters())
            optim_wrapper.step()
            optim_wrapper.zero_grad()

    def clip_losses(self, clip: Tensor, sample: VOSDataSample) -> Iterator[Losses]:
        """Losses ``{name: scalar}`` of frame after frame; the network may be updated between two frames.

        Args:
            clip (Tensor): ``(T, 3, H, W)``, normalised.
            sample (VOSDataSample): its annotation, with ``gt_label_maps`` uint8 ``(T, H, W)``.

        Raises:
            InputError: fewer than two frames, or no object in the first.
        """
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
        first = min(self.first_predicted, count - 1)
        previous = masks[first - 1]
        for index in range(first, count):
            losses, probabilities = self.frame_loss(clip, index, masks, previous, valid, sample)
            yield losses
            carried = probabilities if self.through_time else probabilities.detach()
            previous = self.carry_on(carried, masks[index], valid[index])

    def carry_on(self, probabilities: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        """The prediction ``(N, H, W)`` where it is good enough, else the true masks.

        Args:
            probabilities (Tensor): ``(N, H, W)``.
            masks (Tensor): true masks ``(N, H, W)``.
            valid (Tensor): bool ``(H, W)``, pixels that count.
        """
        iou = hard_iou(probabilities.detach(), masks, valid)
        if self.substitution == 'mean':
            iou = iou.mean(0, keepdim=True)
        return torch.where((iou > self.iou_threshold)[:, None, None], probabilities.float(), masks)


def members_of(groups: Sequence[int]) -> dict[int, list[int]]:
    """For each group, in the order of the first object of each, the places of its objects.

    Args:
        groups (Sequence[int]): number of each object's group.
    """
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    return members


def new_group(frame_index: int, groups: Sequence[int]) -> int:
    """Number of a group of objects that are given in a frame: the frame's index, or the next number that is free where
    other objects were given in that frame already."""
    return max([frame_index, *(group + 1 for group in groups)])


def _mean(losses: list[Losses]) -> Losses:
    return {name: torch.stack([entry[name] for entry in losses]).mean(0) for name in losses[0]}
