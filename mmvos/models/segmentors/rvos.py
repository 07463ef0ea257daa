"""RVOS: end-to-end recurrent network for video object segmentation (Ventura et al., CVPR 2019).

The encoder sees a frame once; the decoder is called once per slot and gives one mask. Its cells carry two recurrences:
over the slots of a frame (hidden state and memory of the slot before) and over time (hidden state of the same slot in
the frame before). One-shot, a slot is given its previous mask; zero-shot, the slots find their own objects::

    frame t -- backbone, neck -- skips --+----------+----------+
                                         |          |          |
    previous masks (one-shot) -------> slot 1 --> slot 2 --> slot 3 --> masks
                                         ^          ^          ^
    hidden states of frame t - 1 --------+----------+----------+
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor
from typing_extensions import override

from mmvos.inference import Frame, SessionSettings
from mmvos.registry import MODELS, TASK_UTILS
from mmvos.structures import PER_OBJECT, InputError, VOSDataSample, one_hot
from mmvos.structures.slot_merging import choose_slots, jaccard_costs

from ..heads.conv_lstm import NoMaskPyramid, upsample
from ..heads.object_aggregation import aggregate_objects
from .base import CausalVOSModel, SharedFeatures


@dataclass
class RVOSState:
    """What goes from frame to frame: S slots, N objects.

    Args:
        num_slots (int): S.
        masks (Tensor): previous masks that the slots are given (one-shot), ``(1, S, H, W)``.
        prompts (Tensor): masks ``(M, H, W)`` of the M last objects, which begin in the frame to come.
        slots (list[int]): slot of each object.
        costs (list[float]): 1 - Jaccard of each object's prompt and what its slot showed in that frame.
        hidden (list[Tensor]): hidden states ``(1, S, C, h, w)`` of the decoder's levels; empty before the first frame and
            without temporal recurrence.
        hold_masks (bool): the frame to come is the first one, after which the slots are given the prompt once more.
    """

    num_slots: int
    masks: Tensor
    prompts: Tensor
    slots: list[int] = field(default_factory=list, metadata=PER_OBJECT)
    costs: list[float] = field(default_factory=list, metadata=PER_OBJECT)
    hidden: list[Tensor] = field(default_factory=list)
    hold_masks: bool = True


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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_slots < 0:
            raise InputError(f'num_slots is {self.num_slots}; expected at least 0.')


@MODELS.register_module()
class RVOS(SharedFeatures, CausalVOSModel):
    """Recurrent video object segmentation.

    Args:
        backbone (dict): config of the backbone, which gives feature maps, finest first.
        neck (dict): config of the skips (``SkipNeck``), which gives them coarsest first.
        decoder (dict): config of a ``RecurrentDecoder``; ``temporal`` and ``mask_input`` are set.
        mask_pyramid (dict | None): config of a ``MaskPyramid`` (one-shot); None: zero-shot, the slots are given no mask.
        loss_mask (dict | None): config of the loss over the masks of a frame (default: ``SoftIoULoss``); it has ``terms``
            and ``mean``, for the normalisation over all processes.
        assigner (dict | None): config of the assignment of objects to slots on a clip's first frame (zero-shot).
        prompted (bool | None): default: as one-shot or zero-shot is. A zero-shot model with ``prompted=True`` gives every
            prompted object the slot that shows it best in the frame of its prompt: the protocol of the zero-shot scores
            that the paper reports on YouTube-VOS.
        max_objects (int): slots that are trained; an object of id i belongs to slot i - 1, larger ids are left out.
        spatial_recurrence (bool): S of the paper's variants S, T, ST.
        temporal_recurrence (bool): T of the paper's variants.
        spatial_on_first_frame (bool): the spatial recurrence is kept on the first frame where it is otherwise off (T).
        valid (str): whose masks count in the loss: those of all objects of the sample (``'video'``), or of the objects
            that the frame shows (``'frame'``; DAVIS).
        inferred_mask_prob (float): one-shot training: how often the previous mask is the one that the network inferred,
            without a gradient, instead of the ground truth (0: stage 1; 1: stage 2, "+"). Hooks may raise it during
            training.
        train_all_slots (bool): run all slots in training, not only up to the last object's: needed where an assigner may
            choose any of them; else it costs time and changes nothing.
        kwargs (dict): keyword arguments of :class:`BaseVOSModel`; ``test_cfg`` is an :class:`RVOSTestSettings`.
    """

    TestSettings = RVOSTestSettings
    test_cfg: RVOSTestSettings
    step_on_first_frame = True
    add_objects_first = True

    def __init__(
        self,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        decoder: dict[str, Any],
        mask_pyramid: dict[str, Any] | None = None,
        loss_mask: dict[str, Any] | None = None,
        assigner: dict[str, Any] | None = None,
        prompted: bool | None = None,
        max_objects: int = 10,
        spatial_recurrence: bool = True,
        temporal_recurrence: bool = True,
        spatial_on_first_frame: bool = True,
        valid: str = 'video',
        inferred_mask_prob: float = 0.0,
        train_all_slots: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if valid not in ('video', 'frame'):
            raise InputError(f"RVOS: valid is {valid!r}; expected 'video' or 'frame'.")
        self.one_shot = mask_pyramid is not None
        if not self.one_shot and not self.test_cfg.num_slots:
            raise InputError('RVOS: zero-shot segmentation needs the number of slots: test_cfg=dict(num_slots=10, ...).')
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.decoder = MODELS.build(dict(decoder, mask_input=self.one_shot, temporal=True))
        self.mask_pyramid = MODELS.build(mask_pyramid) if mask_pyramid else NoMaskPyramid()
        self.loss_mask = MODELS.build(loss_mask or dict(type='SoftIoULoss'))
        self.assigner = TASK_UTILS.build(assigner or dict(type='FirstNHungarianAssigner'))
        self.prompted = self.one_shot if prompted is None else prompted
        self.max_objects, self.train_all_slots = max_objects, train_all_slots
        self.valid, self.inferred_mask_prob = valid, inferred_mask_prob
        self.spatial_recurrence, self.temporal_recurrence = spatial_recurrence, temporal_recurrence
        self.spatial_on_first_frame = spatial_on_first_frame

    def extract_feat(self, images: Tensor) -> list[Tensor]:
        """Images ``(B, 3, H, W)`` to skips ``(B, C, h, w)``, coarsest first."""
        return self.neck(self.backbone(images))

    def decode(self, skips: list[Tensor], num_slots: int, hidden: list[Tensor], masks: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The masks of all slots of a frame.

        Args:
            skips (list[Tensor]): what :meth:`extract_feat` gives, ``(B, C, h, w)`` per level.
            num_slots (int): S.
            hidden (list[Tensor]): hidden states ``(B, S, C, h, w)`` of each level after the frame before; none at first.
            masks (Tensor): previous masks ``(B, S, H, W)`` (one-shot).

        Returns:
            Logits ``(B, S, H / 2, W / 2)``, and the hidden states.
        """
        hidden = hidden if self.temporal_recurrence else []
        batch = (len(skips[0]), num_slots)
        pyramid = [m.unflatten(0, batch) for m in self.mask_pyramid(masks.flatten(0, 1)[:, None])]
        if self.spatial_recurrence or (self.spatial_on_first_frame and not hidden):
            return self._decode_in_turn(skips, num_slots, hidden, pyramid)
        # no slot needs another one: all of them as one batch
        skips = [s.repeat_interleave(num_slots, 0) for s in skips]
        past, given = ([m.flatten(0, 1) for m in maps] for maps in (hidden, pyramid))
        logits, states = self.decoder(skips, None, past or None, given or None)
        return logits.unflatten(0, batch)[:, :, 0], [s.h.unflatten(0, batch) for s in states]

    def _decode_in_turn(
        self, skips: list[Tensor], num_slots: int, hidden: list[Tensor], pyramid: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        logits, states, previous = [], [], None
        for slot in range(num_slots):
            past, given = ([m[:, slot] for m in maps] for maps in (hidden, pyramid))
            mask, previous = self.decoder(skips, previous, past or None, given or None)
            logits.append(mask[:, 0])
            states.append([level.h for level in previous])
        return torch.stack(logits, 1), [torch.stack(level, 1) for level in zip(*states, strict=True)]

    # Training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Soft IoU, **summed** over the frames of the clip (section "training" of the paper).

        Zero-shot, slots are assigned to objects on the first frame and keep them over the clip.
        """
        targets, valid = self.slot_targets(data_samples)
        loss, _ = self.clip_loss(inputs, targets, valid)
        return dict(loss_mask=loss)

    def slot_targets(self, data_samples: Sequence[VOSDataSample]) -> tuple[Tensor, Tensor]:
        """Masks ``(B, T, S, H, W)`` and which of them count ``(B, T, S)``; S reaches to the last slot that counts."""
        ids = [[i for i in sample.object_ids if i <= self.max_objects] for sample in data_samples]
        num_slots = self.max_objects if self.train_all_slots else max([i for sample in ids for i in sample], default=1)
        targets, valid = [], []
        for sample, known in zip(data_samples, ids, strict=True):
            masks = one_hot(sample.gt_label_maps, range(1, num_slots + 1)).transpose(0, 1)
            counts = torch.zeros(masks.shape[:2], dtype=torch.bool, device=masks.device)
            counts[:, [i - 1 for i in known]] = True
            if self.valid == 'frame':
                counts &= masks.any(-1).any(-1)
            targets.append(masks)
            valid.append(counts)
        return torch.stack(targets), torch.stack(valid)

    def clip_loss(self, inputs: Tensor, targets: Tensor, valid: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Loss of a clip, and the probabilities ``(B, S, H, W)`` of its frames.

        Args:
            inputs (Tensor): images ``(B, T, 3, H, W)``.
            targets (Tensor): masks ``(B, T, S, H, W)`` in {0, 1}.
            valid (Tensor): bool ``(B, T, S)``.
        """
        size, num_slots = inputs.shape[-2:], targets.shape[2]
        hidden: list[Tensor] = []
        frames: list[Tensor] = []
        terms, assigned = [], torch.empty(0)
        for t in range(inputs.shape[1]):
            given = self._previous_masks(targets, frames, t)
            logits, hidden = self.decode(self.extract_feat(inputs[:, t]), num_slots, hidden, given)
            logits = upsample(logits, size)
            frames.append(logits.sigmoid())
            target, counts = targets[:, t].flatten(2), valid[:, t]
            if not self.one_shot:
                if t == 0:
                    assigned, _ = self.assigner(frames[0].flatten(2), target, counts)
                index = assigned.clamp(min=0)
                target = target.gather(1, index[..., None].expand_as(target))
                counts = counts.gather(1, index) & (assigned >= 0)
            terms.append(self.loss_mask.terms(logits.flatten(2), target, counts))
        totals, numbers = (torch.stack(values) for values in zip(*terms, strict=True))
        return self.loss_mask.mean(totals, numbers).sum(), frames

    def _previous_masks(self, targets: Tensor, frames: list[Tensor], t: int) -> Tensor:
        """What the slots are given: the ground truth of the frame before, or the network's own probabilities there."""
        truth = targets[:, max(t - 1, 0)]
        if t == 0 or self.inferred_mask_prob <= 0:
            return truth
        inferred = torch.rand(len(truth), 1, 1, 1, device=truth.device) < self.inferred_mask_prob
        return torch.where(inferred, frames[-1].detach(), truth)

    # Inference

    def init_state(self, frame: Frame, masks: Tensor) -> RVOSState:
        """All slots run from the first frame on, those without an object are given an empty mask."""
        num_slots = self.test_cfg.num_slots
        state = RVOSState(num_slots, masks.new_zeros(1, num_slots, *frame.image.shape[-2:]), masks[:0])
        return self.add_objects(frame, masks, state) if len(masks) else state

    @override
    def add_objects(self, frame: Frame, masks: Tensor, state: RVOSState) -> RVOSState:
        """One-shot, objects take the next slots; zero-shot, their slots are chosen when the frame has been segmented."""
        if not self.one_shot:
            return replace(state, prompts=masks)
        first, last = len(state.slots), len(state.slots) + len(masks)
        more = max(last - state.num_slots, 0)  # slots that begin here, from nothing
        given, *hidden = (_widen(m, more) for m in (state.masks, *state.hidden))
        given = torch.cat([given[:, :first], masks[None].to(given.dtype), given[:, last:]], 1)
        slots = state.slots + list(range(first, last))
        return replace(state, num_slots=state.num_slots + more, hidden=hidden, masks=given, prompts=masks, slots=slots)

    def step(self, frame: Frame, state: RVOSState) -> tuple[Tensor, RVOSState]:
        """Scores of the objects (of all slots, without prompts), and the state that the frame leaves."""
        logits, hidden = self.decode(self.features_of(frame), state.num_slots, state.hidden, state.masks)
        probabilities = upsample(logits, frame.image.shape[-2:]).float().sigmoid()
        slots, costs = self._place(state, probabilities[0])
        shown = probabilities[0, slots] if self.prompted else probabilities[0]
        scores = self._scores(shown, costs, len(state.prompts))
        given = state.masks if state.hold_masks else probabilities
        hidden = hidden if self.temporal_recurrence else []
        return scores, RVOSState(state.num_slots, given, state.prompts[:0], slots, costs, hidden, hold_masks=False)

    def _place(self, state: RVOSState, probabilities: Tensor) -> tuple[list[int], list[float]]:
        """Slots and costs of all objects, those that begin in this frame included."""
        fresh = len(state.prompts)
        if not fresh:
            return state.slots, state.costs
        costs = jaccard_costs((state.prompts > 0.5).cpu().numpy(), (probabilities > 0.5).cpu().numpy())
        if self.one_shot:
            own = state.slots[-fresh:]
            return state.slots, state.costs + [float(costs[i, slot]) for i, slot in enumerate(own)]
        chosen, cost = choose_slots(state.slots, costs)
        return state.slots + chosen, state.costs + cost

    def _scores(self, probabilities: Tensor, costs: list[float], fresh: int) -> Tensor:
        """Probabilities ``(N, h, w)`` of objects to scores ``(N + 1, h, w)`` whose arg max is the merged label.

        Painting: of the slots above 0.5 in a pixel, the one that agrees best with its prompt keeps its probability; the
        ``fresh`` last objects begin in this frame and are not painted.
        """
        if self.prompted and self.test_cfg.merge == 'paint':
            rank = torch.tensor(costs).argsort(descending=True, stable=True).argsort() + 1.0
            known = torch.arange(len(costs)) < len(costs) - fresh
            painted = (probabilities > 0.5) * (rank * known).to(probabilities)[:, None, None]
            probabilities = probabilities * ((painted == painted.amax(0)) & (painted > 0))
        return torch.cat([torch.full_like(probabilities[:1], 0.5), probabilities])

    def probabilities(self, scores: Tensor) -> Tensor:
        """Every slot is judged alone, against 0.5: its odds are its share."""
        return aggregate_objects(scores[1:], scores[0])

    @override
    def correct_objects(self, frame: Frame, masks: Tensor, indices: list[int], num_objects: int, state: RVOSState) -> RVOSState:
        """Slots that see the masks before (one-shot) see the right ones in the next frame; others keep to themselves."""
        if not self.one_shot:
            return state
        seen = state.masks.clone()
        seen[0, [state.slots[i] for i in indices]] = masks.to(seen)
        return replace(state, masks=seen)

    def keep_objects(self, indices: list[int], state: RVOSState) -> RVOSState:
        """One-shot, the slots of removed objects go as well; slots without an object stay."""
        kept = super().keep_objects(indices, state)
        if not self.one_shot:
            return kept
        rows = indices + list(range(len(state.slots), state.num_slots))
        return replace(
            kept,
            num_slots=len(rows),
            hidden=[h[:, rows] for h in state.hidden],
            masks=state.masks[:, rows],
            slots=list(range(len(indices))),
        )


def _widen(maps: Tensor, more: int) -> Tensor:
    """Maps ``(1, S, ...)`` with ``more`` slots of zeros at the end."""
    return torch.cat([maps, maps.new_zeros(1, more, *maps.shape[2:])], 1) if more else maps
