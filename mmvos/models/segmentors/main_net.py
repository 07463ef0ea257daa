"""MAIN: Multi-Attention Instance Network for Video Segmentation (arXiv 1904.05847; CVIU 2021).

Colours, unit optical flow and, per object, two attention maps - its tracker's box and its previous mask carried on by
the flow - are stacked; one encoder-decoder turns the stack into one mask per object::

    frame ----------------------- colours (3) -------------+
      +-- flow estimator -------- unit flow (3) -----------+
      |         |                                          +-- encoder -- decoder -- N masks
      |   previous masks -- warp -- short-term (N) --------+                            |
      +-- tracker --------------- long-term (N) -----------+         next frame's previous masks
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from mmvos.inference import Frame
from mmvos.models.losses.instance_losses import slot_statistics
from mmvos.models.segmentors.base import CausalVOSModel
from mmvos.models.trackers import NoTracker, TrackerState
from mmvos.registry import MODELS, TRACKERS
from mmvos.structures import PER_OBJECT, InputError, InstanceSlots, VOSDataSample, boxes_of_masks, one_hot, shuffle_slots

from ..attention.attention_priors import NoLongTermAttention, NoShortTermAttention
from ..flow import ZeroFlow
from ..flow.unit_flow import NoFlowInput


@dataclass
class MAINState:
    """What goes from frame to frame.

    Args:
        slots (InstanceSlots): slots of the objects.
        masks (Tensor): previous masks of the objects, float ``(n, h, w)``.
        tracks (TrackerState): the tracker's state.
        pixels (Tensor): the last frame ``(1, 3, h, w)``, RGB 0..255.
    """

    slots: InstanceSlots
    masks: Tensor = field(metadata=PER_OBJECT)
    tracks: TrackerState
    pixels: Tensor


class TrainingInput(NamedTuple):
    """One frame per sample, as the network is trained on it: N slots, some of them without an object.

    ``image`` ``(B, 3, H, W)``; ``flow`` ``(B, 2, H, W)``; ``lta`` and ``sta``, the imitated attention of the slots, and
    ``masks``, their true masks, ``(B, N, H, W)``; ``valid`` bool ``(B, N)``: slots with an object.
    """

    image: Tensor
    flow: Tensor
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
    one (of two frames the second); a neighbour with the same ``frame_id`` takes the place of a missing one. Boxes come from the
    samples' ``track_boxes`` ``(T, O, 4)``, in the order of ``object_ids`` with NaN where an object has none, or else
    from the true masks; flow from ``flow_bwd`` or ``flow_fwd``, or else it is estimated between the clip's frames.

    Args:
        num_slots (int): N, instances per forward pass.
        backbone (dict): config of the encoder; its ``cues`` are set from the inputs that are in use.
        neck (dict): config of the decoder, to features at full resolution: a :class:`SeparablePyramid`.
        head (dict): config of the head; its ``num_slots`` is set: an :class:`InstanceMapHead`.
        loss_mask (dict | list[dict]): config of one or several losses called with (logits, masks, valid).
        flow_estimator (dict | None): config; None only where neither ``flow_input`` nor ``sta`` is used.
        flow_input (dict | None): config of the flow's input channels; None: the flow is not an input (Tables 3, 4).
        lta (dict | None): config of the long-term attention; None: without (Table 3).
        sta (dict | None): config of the short-term attention; None: without (Table 3).
        tracker (dict | None): config of the box tracker, needed with ``lta``.
        instance_shuffle (bool): permute the slots of every training sample. To be switched off without any attention.
        log_slots (bool): report mean probability and Dice of every slot.
        kwargs (dict): keyword arguments of :class:`BaseVOSModel`.

    Raises:
        InputError: a part without what it needs: flow without an estimator, long-term attention without a tracker.
    """

    def __init__(
        self,
        *,
        num_slots: int,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        head: dict[str, Any],
        loss_mask: dict[str, Any] | Sequence[dict[str, Any]],
        flow_estimator: dict[str, Any] | None = None,
        flow_input: dict[str, Any] | None = None,
        lta: dict[str, Any] | None = None,
        sta: dict[str, Any] | None = None,
        tracker: dict[str, Any] | None = None,
        instance_shuffle: bool = True,
        log_slots: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if flow_estimator is None and (flow_input or sta):
            raise InputError('MAIN: flow_input and sta need a flow_estimator (ZeroFlow: no motion).')
        if lta and tracker is None:
            raise InputError('MAIN: long-term attention needs a tracker.')
        self.num_slots, self.instance_shuffle, self.log_slots = num_slots, instance_shuffle, log_slots
        #: whether the network or the short-term attention uses flow; then the tracker is given it, too
        self.needs_flow = bool(flow_input or sta)
        self.flow_estimator = MODELS.build(flow_estimator) if flow_estimator else ZeroFlow()
        self.flow_estimator.requires_grad_(False)  # a given part: not trained with the method
        self.flow_input = MODELS.build(flow_input) if flow_input else NoFlowInput()
        self.lta = MODELS.build(lta) if lta else NoLongTermAttention()
        self.sta = MODELS.build(sta) if sta else NoShortTermAttention()
        self.tracker = TRACKERS.build(tracker) if lta and tracker else NoTracker()

        channels = dict(rgb=3, **self.flow_input.cues(), **self.lta.cues(num_slots), **self.sta.cues(num_slots))
        self.backbone = MODELS.build(dict(backbone, cues=channels))
        self.neck = MODELS.build(neck)
        self.head = MODELS.build(dict(head, num_slots=num_slots))
        losses = [loss_mask] if isinstance(loss_mask, dict) else loss_mask
        self.losses = torch.nn.ModuleList(MODELS.build(part) for part in losses)

    def train(self, mode: bool = True) -> 'MAIN':
        super().train(mode)
        self.flow_estimator.eval()
        return self

    def segment(self, image: Tensor, flow: Tensor, lta: Tensor, sta: Tensor) -> Tensor:
        """Logits of all slots.

        Args:
            image (Tensor): ``(B, 3, H, W)``, normalised.
            flow (Tensor): backward flow ``(B, 2, H, W)`` in pixels.
            lta (Tensor): long-term attention ``(B, N, H, W)``.
            sta (Tensor): short-term attention ``(B, N, H, W)``.

        Returns:
            Logits ``(B, N, H, W)``.
        """
        inputs = [image, self.flow_input(flow), self.lta.as_input(lta), self.sta.as_input(sta)]
        stack = torch.cat([maps.to(image.dtype) for maps in inputs], 1)
        if image.is_contiguous(memory_format=torch.channels_last):
            stack = stack.contiguous(memory_format=torch.channels_last)
        return self.head.after(self.neck.last, self.neck.enlarge(self.backbone(stack)))

    # Inference

    def init_state(self, frame: Frame, masks: Tensor) -> MAINState:
        """The objects of the first prompt take the first slots."""
        tracks = self.tracker.init(frame.original, np.zeros((0, 4)), np.zeros((0, *frame.ori_shape), bool))
        return self.add_objects(frame, masks, MAINState(InstanceSlots(self.num_slots), masks[:0], tracks, frame.pixels))

    def step(self, frame: Frame, state: MAINState) -> tuple[Tensor, MAINState]:
        """Scores are logits, 0 for the background: an object wins where its probability is above 0.5 and the largest."""
        flow = frame.pixels.new_zeros(1, 2, *frame.img_shape)
        if self.needs_flow:
            flow = frame.once_with(self._flow, state.pixels)
        sta = self.sta(state.masks, flow)
        # the tracker sees the frame before the network does, and as the video has it
        known_flow = _picture(frame, flow)[0] if self.needs_flow else None
        tracks, tracker_state = self.tracker.update(frame.original, state.tracks, known_flow, _picture(frame, sta))
        lta = self.lta(tracks._replace(boxes=_boxes_in_network(frame, tracks.boxes)), sta)

        passes = len(state.slots.passes)
        image, flow = (x.expand(passes, -1, -1, -1) for x in (frame.image, flow))
        logits = self.segment(image, flow, state.slots.scatter(lta), state.slots.scatter(sta))
        logits = state.slots.gather(logits).float()

        masks = self.sta.previous(logits, state.masks)
        scores = torch.cat((torch.zeros_like(logits[:1]), logits))
        return scores, replace(state, masks=masks, tracks=tracker_state, pixels=frame.pixels)

    def _flow(self, frame: Frame, last: Tensor) -> Tensor:
        """Backward flow ``(1, 2, h, w)`` of a frame, to the pixels of the one before."""
        return self.flow_estimator(frame.pixels, last)

    @override
    def look_ahead(self, frame: Frame, last: Frame) -> None:
        """The flow, where it is estimated on the CPU. The tracker sees what the network found and cannot go ahead."""
        if self.needs_flow and self.flow_estimator.on_cpu:
            frame.once_with(self._flow, last.pixels)

    def probabilities(self, scores: Tensor) -> Tensor:
        """The softmax of logits: an object above 0 and above all others is the most probable."""
        return scores.softmax(0)

    def add_objects(self, frame: Frame, masks: Tensor, state: MAINState) -> MAINState:
        """New objects take the lowest free slots. The prompt is exact: where it shows a new object, no old one is."""
        inside = F.interpolate(_picture(frame, masks)[None], frame.ori_shape, mode='nearest-exact')[0] > 0.5
        tracks = self.tracker.add(frame.original, boxes_of_masks(inside).cpu().numpy(), state.tracks, inside.cpu().numpy())
        old = state.masks * (1 - masks.amax(0))
        return MAINState(state.slots.add(len(masks)), torch.cat((old, masks)), tracks, frame.pixels)

    # Training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of one frame of every clip ``(B, T, 3, H, W)``."""
        data = self.prepare_training(inputs, data_samples)
        logits = self.segment(data.image, data.flow, data.lta, data.sta)
        losses = {f'loss_{i}' if i else 'loss_mask': part(logits, data.masks, data.valid) for i, part in enumerate(self.losses)}
        if self.log_slots:
            losses.update(slot_statistics(logits, data.masks))
        return losses

    @torch.no_grad()
    def prepare_training(self, inputs: Tensor, data_samples: Sequence[VOSDataSample]) -> TrainingInput:
        """Images, flow and imitated attention of the frames that are trained on, slots shuffled.

        Args:
            inputs (Tensor): clips ``(B, T, 3, H, W)``, normalised.
            data_samples (Sequence[VOSDataSample]): annotations of each clip.
        """
        samples = [self._prepare_sample(clip, sample) for clip, sample in zip(inputs, data_samples, strict=True)]
        data = TrainingInput(*(torch.stack(maps) for maps in zip(*samples, strict=True)))
        if self.instance_shuffle:
            lta, sta, masks, valid = shuffle_slots(data.lta, data.sta, data.masks, data.valid)
            data = data._replace(lta=lta, sta=sta, masks=masks, valid=valid)
        return data

    def _prepare_sample(self, clip: Tensor, sample: VOSDataSample) -> TrainingInput:
        """One sample, without the dimension of the batch."""
        target = len(clip) // 2
        height, width = clip.shape[-2:]
        ids = list(sample.object_ids)
        chosen = torch.randperm(len(ids))[: self.num_slots].sort().values.tolist()
        masks = one_hot(sample.gt_label_maps, [ids[i] for i in chosen])  # (n, T, H, W)
        neighbours = {n: target + n for n in (-1, 0, 1) if self._exists(sample, target, n, len(clip))}
        boxes = boxes_of_masks(masks[:, target])
        known = masks[:, : target + 1].flatten(1).any(1)
        if 'track_boxes' in sample:
            tracked = sample.track_boxes[target][chosen].to(boxes)
            known = tracked.isfinite().all(1) | known
            boxes = tracked.nan_to_num(0)

        def slots(values: Tensor) -> Tensor:
            full = values.new_zeros(self.num_slots, *values.shape[1:])
            full[: len(values)] = values
            return full

        lta, sta = self.lta.imitate(boxes, height, width), self._imitate_sta(masks, target, neighbours)
        flow = self._training_flow(clip, sample, target, neighbours)
        return TrainingInput(clip[target], flow, slots(lta), slots(sta), slots(masks[:, target]), slots(known))

    @staticmethod
    def _exists(sample: VOSDataSample, target: int, step: int, length: int) -> bool:
        """Whether the clip has that neighbour of the frame; at the ends of a video the frame itself is repeated."""
        frame_ids = sample.get('frame_ids', range(length))
        return step == 0 or (0 <= target + step < length and frame_ids[target + step] != frame_ids[target])

    def _imitate_sta(self, masks: Tensor, target: int, neighbours: dict[int, int]) -> Tensor:
        """For each object its mask in one of the neighbouring frames, or in the frame itself where it has none there;
        distorted."""
        there = [neighbours[n] for n in self.sta.neighbours if n in neighbours] or [target]
        drawn = torch.tensor(there)[torch.randint(len(there), (len(masks),))]
        previous = masks[torch.arange(len(masks)), drawn]
        absent = ~previous.flatten(1).any(1)
        previous[absent] = masks[absent, target]
        return self.sta.imitate(previous)

    def _training_flow(self, clip: Tensor, sample: VOSDataSample, target: int, neighbours: dict[int, int]) -> Tensor:
        """Backward or forward flow of the frame, one of those that exist at random; zero where there is none.

        Where the sample brings flow, no other is estimated.
        """
        brought = {-1: 'flow_bwd', 1: 'flow_fwd'}
        steps = [n for n in brought if brought[n] in sample] or [n for n in brought if n in neighbours]
        if not steps or not self.flow_input.channels:
            return clip.new_zeros(2, *clip.shape[-2:])
        step = steps[int(torch.randint(len(steps), ()))]
        if brought[step] in sample:
            return sample.get(brought[step])[target].to(clip)
        frames = self.data_preprocessor.pixels(clip[[target, neighbours[step]]])
        return self.flow_estimator(frames[:1], frames[1:])[0]


def _picture(frame: Frame, maps: Tensor) -> Tensor:
    """Maps ``(..., h, w)`` at the network's size without the padding."""
    left, top, right, bottom = frame.window
    return maps[..., top:bottom, left:right]


def _boxes_in_network(frame: Frame, boxes: np.ndarray) -> np.ndarray:
    """Boxes ``(N, 4)`` in pixels of the video's own frame, in pixels at the network's size."""
    (height, width), (left, top, right, bottom) = frame.ori_shape, frame.window
    return boxes * np.array(((right - left) / width, (bottom - top) / height) * 2) + np.array((left, top) * 2)
