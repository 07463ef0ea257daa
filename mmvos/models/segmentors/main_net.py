"""MAIN: Multi-Attention Instance Network for Video Segmentation (arXiv 1904.05847; CVIU 2021).

Colours, unit optical flow and, per object, two attention maps - its tracker's box and its previous mask carried on by
the flow - are stacked; one encoder-decoder turns the stack into one mask per object.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.losses.instance_losses import slot_statistics
from mmvos.models.segmentors.base import CausalVOSModel
from mmvos.models.trackers import TrackerState
from mmvos.registry import MODELS, TRACKERS
from mmvos.structures import InstanceSlots, VOSDataSample, boxes_of_masks, one_hot, shuffle_slots


@dataclass
class MAINState:
    """``slots`` of the objects, their ``masks`` in the last frame, float ``(n, h, w)``, its ``pixels``, and ``tracks``,
    the state of the tracker (None without long-term attention)."""

    slots: InstanceSlots
    masks: Tensor
    pixels: Tensor
    tracks: TrackerState | None


class TrainingCues(NamedTuple):
    """One frame per sample, as the network is trained: ``image`` and ``flow`` ``(B, C, H, W)`` (flow None without it),
    per slot ``lta``, ``sta`` and ``masks`` ``(B, N, H, W)``, and ``valid`` bool ``(B, N)``: slots with an object."""

    image: Tensor
    flow: Tensor | None
    lta: Tensor
    sta: Tensor
    masks: Tensor
    valid: Tensor


@MODELS.register_module()
class MAIN(CausalVOSModel):
    """All objects of a frame in one forward pass of an early-fusion encoder-decoder.

    More objects than ``num_slots`` are segmented in groups, each a further sample of the same batch: the encoder sees
    the attention, so groups cannot share it. ``num_slots=1`` is the paper's single-instance variant (Table 5).

    Training looks at one frame of each clip and its neighbours: nothing is unrolled in time. The frame is the middle
    one (of two frames the second); a neighbour with the same ``frame_id`` stands for a missing one. Boxes come from the
    samples' ``track_boxes`` ``(T, O, 4)``, in the order of ``object_ids`` with NaN where an object has none, or else
    from the true masks; flow from ``flow_bwd``, or else it is estimated between the clip's frames.

    Args:
        num_slots: N, instances per forward pass.
        backbone: config of the encoder; its ``cues`` are set from the cues that are in use.
        neck: config of the decoder, to features at full resolution.
        head: config of the head; its ``num_slots`` is set.
        loss_mask: config, or several, of losses called with (logits, masks, valid).
        flow_estimator: config; None only where neither ``flow_input`` nor ``sta`` is used.
        flow_input: config of the flow's input channels; None: the flow is no input (Table 3, 4).
        lta, sta: configs of the attention priors; None: without (Table 3).
        tracker: config of the box tracker, needed with ``lta``.
        instance_shuffle: permute the slots of every training sample. To be switched off without any attention.
        log_slots: report mean probability and Dice of every slot.
        kwargs: of :class:`BaseVOSModel`.
    """

    add_objects_first = False

    def __init__(
        self,
        *,
        num_slots: int,
        backbone: dict,
        neck: dict,
        head: dict,
        loss_mask: Any,
        flow_estimator: dict | None = None,
        flow_input: dict | None = None,
        lta: dict | None = None,
        sta: dict | None = None,
        tracker: dict | None = None,
        instance_shuffle: bool = True,
        log_slots: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if flow_estimator is None and (flow_input or sta):
            raise ValueError('flow_input and sta need a flow_estimator (ZeroFlow: no motion).')
        if lta and tracker is None:
            raise ValueError('long-term attention needs a tracker.')
        self.num_slots, self.instance_shuffle, self.log_slots = num_slots, instance_shuffle, log_slots
        self.flow_estimator = MODELS.build(flow_estimator) if flow_estimator else None
        if self.flow_estimator is not None:  # a given part: not trained with the method
            self.flow_estimator.requires_grad_(False)
        self.flow_input, self.lta, self.sta = (MODELS.build(part) if part else None for part in (flow_input, lta, sta))
        self.tracker = TRACKERS.build(tracker) if lta else None

        cues = dict(rgb=3)
        if self.flow_input is not None:
            cues[self.flow_input.cue] = self.flow_input.channels
        cues.update({part.cue: num_slots for part in (self.lta, self.sta) if part is not None})
        self.backbone = MODELS.build(dict(backbone, cues=cues))
        self.neck = MODELS.build(neck)
        self.head = MODELS.build(dict(head, num_slots=num_slots))
        losses = loss_mask if isinstance(loss_mask, (list, tuple)) else [loss_mask]
        self.losses = torch.nn.ModuleList(MODELS.build(part) for part in losses)

    def train(self, mode: bool = True) -> 'MAIN':
        super().train(mode)
        if self.flow_estimator is not None:
            self.flow_estimator.eval()
        return self

    @property
    def needs_flow(self) -> bool:
        """Whether the network or the short-term attention uses flow; then the tracker is given it too."""
        return self.flow_input is not None or self.sta is not None

    def extract(self, image: Tensor, flow: Tensor | None, lta: Tensor, sta: Tensor) -> Tensor:
        """Logits ``(B, N, H, W)``; ``image`` ``(B, 3, H, W)``, ``flow`` ``(B, 2, H, W)``, attention ``(B, N, H,
        W)``."""
        stack = [image]
        if self.flow_input is not None:
            stack.append(self.flow_input(flow))
        stack += [maps for part, maps in ((self.lta, lta), (self.sta, sta)) if part is not None]
        stack = torch.cat([maps.to(image.dtype) for maps in stack], 1)
        if image.is_contiguous(memory_format=torch.channels_last):
            stack = stack.contiguous(memory_format=torch.channels_last)
        return self.head(self.neck(self.backbone(stack)))

    # ---------------------------------------------------------------- inference

    def init_state(self, frame: Frame, masks: Tensor) -> MAINState:
        empty = MAINState(InstanceSlots(self.num_slots), masks[:0], frame.pixels, None)
        return self.add_objects(frame, masks, empty)

    def step(self, frame: Frame, state: MAINState) -> tuple[Tensor, MAINState]:
        """Scores are logits, 0 for the background: an object wins where its probability is above 0.5 and the
        largest."""
        flow = self.flow_estimator(frame.pixels, state.pixels) if self.needs_flow else None
        sta = self.sta(state.masks, flow) if self.sta is not None else state.masks
        lta, tracks = self._follow(frame, state, flow, sta)

        passes = len(state.slots.passes)
        image, flow = (x if x is None else x.expand(passes, -1, -1, -1) for x in (frame.image, flow))
        logits = self.extract(image, flow, state.slots.scatter(lta), state.slots.scatter(sta))
        logits = state.slots.gather(logits).float()

        masks = self.sta.previous(logits) if self.sta is not None else state.masks
        scores = torch.cat((torch.zeros_like(logits[:1]), logits))
        return scores, replace(state, masks=masks, pixels=frame.pixels, tracks=tracks)

    def probabilities(self, scores: Tensor) -> Tensor:
        """The softmax of logits: an object above 0 and above all others is the most probable."""
        return scores.softmax(0)

    def add_objects(self, frame: Frame, masks: Tensor, state: MAINState) -> MAINState:
        tracks = state.tracks
        if self.tracker is not None:
            boxes, inside = boxes_of_masks(masks).cpu().numpy(), masks.cpu().numpy() > 0.5
            image = _bgr(frame.pixels)
            if tracks is None:
                tracks = self.tracker.init(image, boxes, inside)
            else:
                tracks = self.tracker.add(image, boxes, tracks, inside)
        # the prompt is exact: where it says that a new object is, no old one is
        old = state.masks * (1 - masks.amax(0))
        return MAINState(state.slots.add(len(masks)), torch.cat((old, masks)), frame.pixels, tracks)

    def keep_objects(self, indices: list[int], state: MAINState) -> MAINState:
        tracks = state.tracks if state.tracks is None else self.tracker.keep(indices, state.tracks)
        return replace(state, slots=state.slots.keep(indices), masks=state.masks[indices], tracks=tracks)

    def _follow(self, frame: Frame, state: MAINState, flow: Tensor | None, sta: Tensor) -> tuple[Tensor, TrackerState | None]:
        """Long-term attention ``(n, h, w)`` of the frame itself: the tracker sees it before the network does."""
        if self.tracker is None:
            return sta, state.tracks
        flow = None if flow is None else flow[0]
        tracks, tracker_state = self.tracker.update(_bgr(frame.pixels), state.tracks, flow, sta)
        return self.lta(tracks, sta), tracker_state

    # ---------------------------------------------------------------- training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of one frame of every clip ``(B, T, 3, H, W)``."""
        cues = self.prepare_training(inputs, data_samples)
        logits = self.extract(cues.image, cues.flow, cues.lta, cues.sta)
        losses = {f'loss_{i}' if i else 'loss_mask': part(logits, cues.masks, cues.valid) for i, part in enumerate(self.losses)}
        if self.log_slots:
            losses.update(slot_statistics(logits, cues.masks))
        return losses

    @torch.no_grad()
    def prepare_training(self, inputs: Tensor, data_samples: Sequence[VOSDataSample]) -> TrainingCues:
        """Images, flow and imitated attention of the frames that are trained on, slots shuffled."""
        samples = [self._prepare_sample(clip, sample) for clip, sample in zip(inputs, data_samples)]
        image, flow, lta, sta, masks, valid = zip(*samples)
        lta, sta, masks, valid = (torch.stack(maps) for maps in (lta, sta, masks, valid))
        if self.instance_shuffle:
            lta, sta, masks, valid = shuffle_slots(lta, sta, masks, valid)
        return TrainingCues(
            torch.stack(image), torch.stack(flow) if self.flow_input is not None else None, lta, sta, masks, valid
        )

    def _prepare_sample(self, clip: Tensor, sample: VOSDataSample) -> tuple:
        target = len(clip) // 2
        height, width = clip.shape[-2:]
        ids = list(sample.object_ids)
        chosen = torch.randperm(len(ids))[: self.num_slots].sort().values.tolist()
        ids = [ids[i] for i in chosen]
        masks = one_hot(sample.gt_label_maps, ids)  # (n, T, H, W)
        neighbours = {n: target + n for n in (-1, 0, 1) if self._exists(sample, target, n, len(clip))}
        boxes = boxes_of_masks(masks[:, target])
        known = masks[:, : target + 1].flatten(1).any(1)
        if 'track_boxes' in sample:
            tracked = sample.track_boxes[target][chosen].to(boxes)
            known = tracked.isfinite().all(1) | known
            boxes = tracked.nan_to_num(0)
        lta = self.lta.imitate(boxes, height, width) if self.lta is not None else masks[:, target]
        sta = self._imitate_sta(masks, target, neighbours) if self.sta is not None else masks[:, target]

        def slots(values: Tensor) -> Tensor:
            full = values.new_zeros(self.num_slots, *values.shape[1:])
            full[: len(values)] = values
            return full

        flow = self._training_flow(clip, sample, target, neighbours)
        return clip[target], flow, slots(lta), slots(sta), slots(masks[:, target]), slots(known)

    @staticmethod
    def _exists(sample: VOSDataSample, target: int, step: int, length: int) -> bool:
        """Whether the clip has that neighbour of the frame; at the ends of a video the frame itself is repeated."""
        frame_ids = sample.get('frame_ids', range(length))
        return step == 0 or (0 <= target + step < length and frame_ids[target + step] != frame_ids[target])

    def _imitate_sta(self, masks: Tensor, target: int, neighbours: dict[int, int]) -> Tensor:
        """Of each object the mask in one of the neighbouring frames, or its own where it is not there; distorted."""
        there = [neighbours[n] for n in self.sta.neighbours if n in neighbours] or [target]
        drawn = torch.tensor(there)[torch.randint(len(there), (len(masks),))]
        previous = masks[torch.arange(len(masks)), drawn]
        absent = ~previous.flatten(1).any(1)
        previous[absent] = masks[absent, target]
        return self.sta.imitate(previous)

    def _training_flow(self, clip: Tensor, sample: VOSDataSample, target: int, neighbours: dict[int, int]) -> Tensor | None:
        """Backward or forward flow of the frame, one of those that exist at random; zero where there is none."""
        if self.flow_input is None:
            return None
        cached = {-1: 'flow_bwd', 1: 'flow_fwd'}
        steps = [n for n in (-1, 1) if n in neighbours or (n == 1 and cached[n] in sample)]
        if not steps:
            return clip.new_zeros(2, *clip.shape[-2:])
        step = steps[int(torch.randint(len(steps), ()))]
        if cached[step] in sample:
            return sample.get(cached[step])[target].to(clip)
        frames = self.data_preprocessor.pixels(clip[[target, neighbours[step]]])
        return self.flow_estimator(frames[:1], frames[1:])[0]


def _bgr(pixels: Tensor) -> np.ndarray:
    """RGB float ``(1, 3, h, w)``, 0..255, to BGR uint8 ``(h, w, 3)``."""
    return pixels[0].flip(0).permute(1, 2, 0).round().clamp(0, 255).byte().contiguous().cpu().numpy()
