"""RVOS: end-to-end recurrent network for video object segmentation (CVPR 2019).

The encoder sees a frame once; the decoder is called once per slot and gives one mask. Its cells carry two recurrences:
over the slots of a frame (hidden state and memory of the slot before) and over time (hidden state of the same slot in
the frame before). One-shot, slot i is told its previous mask; zero-shot, the slots find their own objects.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from mmvos.inference import Frame, SessionSettings
from mmvos.registry import MODELS, TASK_UTILS
from mmvos.structures import VOSDataSample, one_hot
from mmvos.structures.slot_merging import choose_slots, jaccard_costs

from ..heads.conv_lstm import upsample
from ..heads.object_aggregation import aggregate_objects
from .base import CausalVOSModel


@dataclass
class RVOSState:
    """What goes from frame to frame.

    ``num_slots``: S. ``hidden``: of each decoder level ``(1, S, C, h, w)``; None before the first frame, and without
    temporal recurrence. ``masks``: what the slots are told of the frame before, ``(1, S, H, W)``; None zero-shot.
    ``slots``, ``costs``: for each object its slot, and 1 - Jaccard with its prompt. ``prompts``: masks ``(M, H, W)`` of
    the M last objects, which begin in the frame to come. ``hold_masks``: the frame to come is the first one, after
    which the slots are told the prompt once more.
    """

    num_slots: int
    hidden: list[Tensor] | None = None
    masks: Tensor | None = None
    slots: list[int] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    prompts: Tensor | None = None
    hold_masks: bool = False


@dataclass(frozen=True)
class RVOSTestSettings(SessionSettings):
    """Settings of RVOS's inference.

    Args:
        num_slots (int): slots that run from the first frame on. An object that begins late gets one that has been running
            without an object, as in the original. 0: only slots of objects run, and a late object's slot begins with a
            zero state: cheaper, and the same for videos without late objects. A zero-shot model needs it.
        merge (str): ``'argmax'``: the most probable slot above 0.5; ``'paint'``: slots above 0.5 are painted in the order
            of their agreement with the prompt, the best last; in the frame of its prompt an object has no score, so that
            the prompt itself is the result (needs ``overlay_prompt``).
    """

    num_slots: int = 0
    merge: Literal['argmax', 'paint'] = 'argmax'


@MODELS.register_module()
class RVOS(CausalVOSModel):
    """Recurrent video object segmentation.

    Args:
        backbone: gives feature maps, finest first.
        neck: config of the skips (``SkipNeck``), which gives them coarsest first.
        decoder: config of a ``RecurrentDecoder`` with ``temporal=True``.
        mask_pyramid: config of a ``MaskPyramid`` (one-shot); None: zero-shot, the slots are not told a mask.
        loss_mask: config of the loss over the masks of a frame.
        assigner: config of the matching on a clip's first frame (zero-shot).
        prompted: default: as one-shot or zero-shot is. A zero-shot model with ``prompted=True`` gives every prompted
            object the slot that shows it best in the frame of its prompt: the protocol of the zero-shot scores that the
            paper reports on YouTube-VOS.
        max_objects: slots that are trained; an object of id i belongs to slot i - 1, larger ids are left out.
        spatial_recurrence, temporal_recurrence: S, T, ST of the paper.
        spatial_on_first_frame: whether the spatial recurrence is kept on the first frame where it is otherwise off (T).
        train_all_slots: run all slots in training, not only up to the last object's: needed where an assigner may match
            any of them; else it costs time and changes nothing.
        valid: whose masks count in the loss: of all objects of the sample (``'video'``), or of those that the frame
            shows (``'frame'``; DAVIS).
        inferred_mask_prob: one-shot training: how often the previous mask is the one that the network inferred,
            detached, instead of the ground truth (0: stage 1; 1: stage 2, "+"). Hooks may raise it during training.
        test_cfg: an :class:`RVOSTestSettings`.
    """

    TestSettings = RVOSTestSettings
    step_on_first_frame = True
    add_objects_first = True

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        decoder: dict,
        mask_pyramid: dict | None = None,
        loss_mask: dict | None = None,
        assigner: dict | None = None,
        prompted: bool | None = None,
        max_objects: int = 10,
        spatial_recurrence: bool = True,
        temporal_recurrence: bool = True,
        spatial_on_first_frame: bool = True,
        valid: str = 'video',
        inferred_mask_prob: float = 0.0,
        train_all_slots: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if valid not in ('video', 'frame'):
            raise ValueError(f"valid is {valid!r}; expected 'video' or 'frame'.")
        self.one_shot = mask_pyramid is not None
        if not self.one_shot and not self.test_cfg.num_slots:
            raise ValueError('zero-shot segmentation needs the number of slots: test_cfg=dict(num_slots=10, ...).')
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.decoder = MODELS.build(dict(decoder, mask_input=self.one_shot, temporal=True))
        self.mask_pyramid = MODELS.build(mask_pyramid) if self.one_shot else None
        self.loss_mask = MODELS.build(loss_mask or dict(type='SoftIoULoss'))
        self.assigner = TASK_UTILS.build(assigner or dict(type='FirstNHungarianAssigner'))
        self.prompted = self.one_shot if prompted is None else prompted
        self.max_objects, self.train_all_slots = max_objects, train_all_slots
        self.valid, self.inferred_mask_prob = valid, inferred_mask_prob
        self.spatial_recurrence, self.temporal_recurrence = spatial_recurrence, temporal_recurrence
        self.spatial_on_first_frame = spatial_on_first_frame

    # one frame

    def extract(self, images: Tensor) -> list[Tensor]:
        """Images ``(B, 3, H, W)`` to skips ``(B, C, h, w)``, coarsest first."""
        return self.neck(self.backbone(images))

    def decode(
        self, skips: list[Tensor], num_slots: int, hidden: list[Tensor] | None = None, masks: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """The masks of all slots of a frame.

        Args:
            skips: see :meth:`extract`.
            num_slots: S.
            hidden: of each level ``(B, S, C, h, w)``, from the frame before (None: the first frame).
            masks: previous masks ``(B, S, H, W)`` (one-shot).

        Returns:
            Logits ``(B, S, H / 2, W / 2)``, and the hidden states.
        """
        batch = len(skips[0])
        hidden = hidden if self.temporal_recurrence else None
        pyramid = None
        if self.one_shot:
            pyramid = [m.unflatten(0, (batch, num_slots)) for m in self.mask_pyramid(masks.flatten(0, 1)[:, None])]
        in_turn = self.spatial_recurrence or (self.spatial_on_first_frame and hidden is None)
        if not in_turn:  # no slot needs another one
            logits, states = self.decoder(
                [s.repeat_interleave(num_slots, 0) for s in skips],
                None,
                hidden and [h.flatten(0, 1) for h in hidden],
                pyramid and [m.flatten(0, 1) for m in pyramid],
            )
            return (logits.unflatten(0, (batch, num_slots))[:, :, 0], [s.h.unflatten(0, (batch, num_slots)) for s in states])
        logits, states, previous = [], [], None
        for slot in range(num_slots):
            mask, previous = self.decoder(
                skips, previous, hidden and [h[:, slot] for h in hidden], pyramid and [m[:, slot] for m in pyramid]
            )
            logits.append(mask[:, 0])
            states.append([level.h for level in previous])
        return torch.stack(logits, 1), [torch.stack(level, 1) for level in zip(*states)]

    # training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Soft IoU, **summed** over the frames of the clip (section "training" of the paper).

        Zero-shot, predictions are matched to objects on the first frame and keep their object over the clip.
        """
        targets, valid = self.slot_targets(data_samples)
        loss, _ = self.clip_loss(inputs, targets, valid)
        return dict(loss_mask=loss)

    def slot_targets(self, data_samples: list[VOSDataSample]) -> tuple[Tensor, Tensor]:
        """Masks ``(B, T, S, H, W)`` and which of them count ``(B, T, S)``; S reaches to the last slot that counts."""
        ids = [[i for i in sample.object_ids if i <= self.max_objects] for sample in data_samples]
        num_slots = self.max_objects if self.train_all_slots else max([i for sample in ids for i in sample], default=1)
        targets, valid = [], []
        for sample, known in zip(data_samples, ids):
            masks = one_hot(sample.gt_label_maps, range(1, num_slots + 1)).transpose(0, 1)
            counts = torch.zeros(masks.shape[:2], dtype=torch.bool, device=masks.device)
            counts[:, [i - 1 for i in known]] = True
            if self.valid == 'frame':
                counts &= masks.any(-1).any(-1)
            targets.append(masks)
            valid.append(counts)
        return torch.stack(targets), torch.stack(valid)

    def clip_loss(self, inputs: Tensor, targets: Tensor, valid: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Loss of a clip and the probabilities ``(B, S, H, W)`` of its frames.

        Args:
            inputs: ``(B, T, 3, H, W)``.
            targets: ``(B, T, S, H, W)`` in {0, 1}.
            valid: ``(B, T, S)``.
        """
        size, num_slots = inputs.shape[-2:], targets.shape[2]
        total, hidden, order, frames = inputs.new_zeros(()), None, None, []
        for t in range(inputs.shape[1]):
            masks = self._previous_masks(targets, frames, t) if self.one_shot else None
            logits, hidden = self.decode(self.extract(inputs[:, t]), num_slots, hidden, masks)
            logits = upsample(logits, size)
            frames.append(logits.sigmoid())
            target, counts = targets[:, t].flatten(2), valid[:, t]
            if not self.one_shot:
                if order is None:
                    order, _ = self.assigner(frames[0].flatten(2), target, counts)
                matched = order.clamp(min=0)
                target = target.gather(1, matched[..., None].expand_as(target))
                counts = counts.gather(1, matched) & (order >= 0)
            total = total + self.loss_mask(logits.flatten(2), target, counts)
        return total, frames

    def _previous_masks(self, targets: Tensor, frames: list[Tensor], t: int) -> Tensor:
        """What the slots are told: the ground truth of the frame before, or the network's own probabilities there."""
        truth = targets[:, max(t - 1, 0)]
        if t == 0 or self.inferred_mask_prob <= 0:
            return truth
        inferred = torch.rand(len(truth), 1, 1, 1, device=truth.device) < self.inferred_mask_prob
        return torch.where(inferred, frames[-1].detach(), truth)

    # inference

    def init_state(self, frame: Frame, masks: Tensor | None) -> RVOSState:
        state = RVOSState(num_slots=self.test_cfg.num_slots, hold_masks=True)
        return state if masks is None else self.add_objects(frame, masks, state)

    def add_objects(self, frame: Frame, masks: Tensor, state: RVOSState) -> RVOSState:
        if not self.one_shot:  # their slots are chosen when the frame has been segmented
            return replace(state, prompts=masks)
        first, last = len(state.slots), len(state.slots) + len(masks)
        told = state.masks if state.masks is not None else masks.new_zeros(1, state.num_slots, *masks.shape[-2:])
        hidden = state.hidden
        if last > state.num_slots:  # slots that begin here, from nothing
            more = last - state.num_slots
            told = torch.cat([told, told.new_zeros(1, more, *told.shape[-2:])], 1)
            hidden = hidden and [torch.cat([h, h.new_zeros(1, more, *h.shape[2:])], 1) for h in hidden]
        told = torch.cat([told[:, :first], masks[None].to(told.dtype), told[:, last:]], 1)
        return replace(
            state,
            num_slots=max(last, state.num_slots),
            hidden=hidden,
            masks=told,
            prompts=masks,
            slots=state.slots + list(range(first, last)),
        )

    def step(self, frame: Frame, state: RVOSState) -> tuple[Tensor, RVOSState]:
        logits, hidden = self.decode(self.extract(frame.image), state.num_slots, state.hidden, state.masks)
        probabilities = upsample(logits, frame.image.shape[-2:]).float().sigmoid()
        slots, costs, fresh = self._place(state, probabilities[0])
        told = None
        if self.one_shot:
            told = state.masks if state.hold_masks else probabilities
        hidden = hidden if self.temporal_recurrence else None
        state = replace(state, hidden=hidden, masks=told, slots=slots, costs=costs, prompts=None, hold_masks=False)
        shown = probabilities[0, slots] if self.prompted else probabilities[0]
        return self._scores(shown, costs, fresh), state

    def probabilities(self, scores: Tensor) -> Tensor:
        """Every slot is judged alone, against 0.5: its odds are its share."""
        return aggregate_objects(scores[1:], scores[0])

    def _place(self, state: RVOSState, probabilities: Tensor) -> tuple[list[int], list[float], int]:
        """Slots and costs of all objects, with those that begin in this frame, and how many these are."""
        if state.prompts is None:
            return state.slots, state.costs, 0
        fresh = len(state.prompts)
        costs = jaccard_costs((state.prompts > 0.5).cpu().numpy(), (probabilities > 0.5).cpu().numpy())
        if self.one_shot:
            own = state.slots[-fresh:]
            return state.slots, state.costs + [float(costs[i, slot]) for i, slot in enumerate(own)], fresh
        chosen, cost = choose_slots(state.slots, costs)
        return state.slots + chosen, state.costs + cost, fresh

    def _scores(self, probabilities: Tensor, costs: list[float], fresh: int) -> Tensor:
        """Probabilities ``(N, h, w)`` of objects to scores ``(N + 1, h, w)`` whose arg max is the merged label.

        Painting: of the slots above 0.5 in a pixel, the one that agrees best with its prompt keeps its probability.
        """
        if self.prompted and self.test_cfg.merge == 'paint':
            rank = torch.tensor(costs).argsort(descending=True, stable=True).argsort() + 1.0
            known = torch.arange(len(costs)) < len(costs) - fresh
            painted = (probabilities > 0.5) * (rank * known).to(probabilities)[:, None, None]
            on_top = (painted == painted.amax(0)) & (painted > 0)
            probabilities = probabilities * on_top
        return torch.cat([torch.full_like(probabilities[:1], 0.5), probabilities])

    def keep_objects(self, indices: list[int], state: RVOSState) -> RVOSState:
        costs = [state.costs[i] for i in indices]
        if not self.one_shot:
            return replace(state, slots=[state.slots[i] for i in indices], costs=costs)
        rows = indices + list(range(len(state.slots), state.num_slots))  # slots without an object stay
        return replace(
            state,
            num_slots=len(rows),
            hidden=state.hidden and [h[:, rows] for h in state.hidden],
            masks=state.masks[:, rows],
            slots=list(range(len(indices))),
            costs=costs,
        )
