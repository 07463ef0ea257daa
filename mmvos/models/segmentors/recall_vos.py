"""RecallVOS: learned reads from a small memory, a target model, and a decoder that all objects share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from mmvos.inference import Frame, SessionSettings
from mmvos.registry import MODELS
from mmvos.structures import VOID, InputError, VOSDataSample

from ..heads.recall_head import ObjectRows, Recalled
from ..matching.ridge_target import Moments
from ..necks.recall_neck import RecallMaps, enlarge
from .base import CausalVOSModel, SharedFeatures

Losses = dict[str, Tensor]


@dataclass
class RecallMemory:
    """What is known of B videos after a frame. Bounded: it grows with the number of prompts only, not with the frames.

    ``prompt_keys`` ``(B, C, P, h, w)``, ``prompt_labels`` ``(B, L, P, h, w)``: of the frames with prompts, at stride 16;
    ``bank_keys``, ``bank_labels``: the same of the last few remembered frames (those of the prompts before there is one);
    ``maps``: of the latest frame; ``labels``, ``fine_labels``: its labels ``(B, L, h, w)`` at strides 16 and 8;
    ``prompt_moments``: sums that the target model is fitted to, over the frames with prompts; ``recent_moments``: over later
    frames; ``weights``: of the target model; ``age``: frames since the first prompt; ``banked``: number of frames in the
    bank.
    """

    prompt_keys: Tensor
    prompt_labels: Tensor
    bank_keys: Tensor
    bank_labels: Tensor
    maps: RecallMaps
    labels: Tensor
    fine_labels: Tensor
    prompt_moments: Moments
    recent_moments: Moments
    weights: Tensor
    age: int = 0
    banked: int = 0


@dataclass(frozen=True)
class RecallVOSTestSettings(SessionSettings):
    """Settings of :class:`RecallVOS` for inference.

    Args:
        reach (float): how far an object may be from its place in the previous frame, as a share of the frame's shorter side
            (0: anywhere). One that was not seen there may be anywhere.
        bank_size (int): number of recent frames that are kept.
        bank_interval (int): frames from one that is kept to the next (1 in training).
        target_interval (int): frames between two fits of the target model.
        target_share (float): weight of later frames against those of the prompts in the fit (0: it stays that of the
            prompts).
        target_rate (float): share of the newest of the later frames in their sums.
        target_trust (float): a cell counts in a later frame where one label has at least this share.
    """

    reach: float = 0.125
    bank_size: int = 3
    bank_interval: int = 4
    target_interval: int = 3
    target_share: float = 0.1
    target_rate: float = 0.2
    target_trust: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.reach <= 1:
            raise InputError(f"test_cfg.reach is {self.reach}; expected a share of the frame's shorter side, from 0 to 1.")


@MODELS.register_module()
class RecallVOS(SharedFeatures, CausalVOSModel):
    """Semi-supervised segmentation of several objects at nearly the cost of one; a method of MMVOS, not of a paper.

    Labels are read from memory three ways: from the previous frame around each cell, from the frames in which objects were
    given, and from a few recent ones. A target model scores the frame. A decoder weighs what these say of each object
    against what they say of its rivals, so that an error in memory is corrected instead of copied.

    Args:
        backbone (dict): config of a backbone with maps at strides 2, 4, 8, 16, 16, 32, 32.
        neck (dict): config of ``RecallNeck``.
        local_read (dict): config of ``WindowRead``, for the previous frame.
        prompt_read, bank_read (dict): configs of ``FrameRead``.
        target (dict): config of ``LabelRidge``.
        head (dict): config of ``RecallHead``.
        blots (dict): config of ``LabelBlots``, which disturb the memory in training.
        loss_final, loss_coarse, loss_reads (dict): configs of the losses: of the final label map (``LabelMapLoss``), of the
            coarse one and of everything that is read from memory (``BalancedLabelLoss``).
        kwargs (dict): see :class:`BaseVOSModel`.
    """

    compiled_parts = ('backbone', 'neck', 'head.refine')
    TestSettings = RecallVOSTestSettings
    test_cfg: RecallVOSTestSettings

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        local_read: dict,
        prompt_read: dict,
        bank_read: dict,
        target: dict,
        head: dict,
        blots: dict | None = None,
        loss_final: dict | None = None,
        loss_coarse: dict | None = None,
        loss_reads: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.local_read = MODELS.build(local_read)
        self.prompt_read = MODELS.build(prompt_read)
        self.bank_read = MODELS.build(bank_read)
        self.target = MODELS.build(target)
        self.head = MODELS.build(head)
        self.blots = MODELS.build(blots or dict(type='LabelBlots'))
        self.loss_final = MODELS.build(loss_final or dict(type='LabelMapLoss'))
        self.loss_coarse = MODELS.build(loss_coarse or dict(type='BalancedLabelLoss', loss_weight=0.3))
        self.loss_reads = MODELS.build(loss_reads or dict(type='BalancedLabelLoss', loss_weight=0.1))

    # Memory

    def extract_feat(self, images: Tensor) -> RecallMaps:
        """Maps of normalised images ``(B, 3, H, W)``."""
        return self.neck(self.backbone(images))

    def start(self, maps: RecallMaps, labels: Tensor) -> RecallMemory:
        """Memory of the first frame, from its features ``maps`` and ``labels`` ``(B, L, H, W)``, sum 1, background first."""
        fine, coarse = _pooled(labels, maps)
        keys, coarse_frames = maps.keys[:, :, None], coarse[:, :, None]
        moments = self.target.moments(maps.target, coarse)
        return RecallMemory(
            keys, coarse_frames, keys, coarse_frames, maps, coarse, fine, moments, moments, self.target.fit(moments)
        )

    def recall(self, maps: RecallMaps, memory: RecallMemory) -> Recalled:
        """What the ``memory`` says of a frame with the features ``maps``."""
        local = self.local_read(maps.fine_keys, memory.maps.fine_keys, memory.fine_labels)
        at16 = [
            self.prompt_read(maps.keys, memory.prompt_keys, memory.prompt_labels),
            self.bank_read(maps.keys, memory.bank_keys, memory.bank_labels),
            self.target.score(maps.target, memory.weights).clamp(-2, 2),
        ]
        prompt, bank, scores = enlarge(torch.cat(at16), maps.fine_keys).chunk(3)
        return Recalled(local, prompt, bank, scores, memory.fine_labels)

    def remember(self, maps: RecallMaps, labels: Tensor, memory: RecallMemory, interval: int) -> RecallMemory:
        """The memory after a frame.

        Args:
            maps (RecallMaps): features of the frame.
            labels (Tensor): ``(B, L, H, W)``, sum 1 over L, background first.
            memory (RecallMemory): the memory before it.
            interval (int): every so many frames, one is put into the bank.
        """
        fine, coarse = _pooled(labels, maps)
        memory = replace(memory, maps=maps, labels=coarse, fine_labels=fine, age=memory.age + 1)
        if memory.age % interval == 0:
            memory = self._bank(memory)
        if self.test_cfg.target_share and memory.age % self.test_cfg.target_interval == 0:
            memory = self._refit(memory)
        return memory

    def _bank(self, memory: RecallMemory) -> RecallMemory:
        keys, labels = memory.maps.keys[:, :, None], memory.labels[:, :, None]
        if memory.banked:
            keys = torch.cat([memory.bank_keys, keys], 2)[:, :, -self.test_cfg.bank_size :]
            labels = torch.cat([memory.bank_labels, labels], 2)[:, :, -self.test_cfg.bank_size :]
        return replace(memory, bank_keys=keys, bank_labels=labels, banked=keys.shape[2])

    @torch.no_grad()
    def _refit(self, memory: RecallMemory) -> RecallMemory:
        trusted = memory.labels.amax(1) > self.test_cfg.target_trust
        made = self.target.moments(memory.maps.target, memory.labels, trusted)
        first = memory.age == self.test_cfg.target_interval
        recent = made if first else memory.recent_moments.mix(made, self.test_cfg.target_rate)
        weights = self.target.fit(memory.prompt_moments.mix(recent, self.test_cfg.target_share))
        return replace(memory, recent_moments=recent, weights=weights)

    # Inference

    def init_state(self, frame: Frame, masks: Tensor) -> RecallMemory:
        background = 1 - masks.sum(0, keepdim=True).clamp(max=1)
        return self.start(self.features_of(frame), torch.cat([background, masks])[None])

    def step(self, frame: Frame, state: RecallMemory) -> tuple[Tensor, RecallMemory]:
        """Probabilities ``(N + 1, h, w)`` at half the network's input size, and the memory after the frame."""
        maps = self.features_of(frame)
        rows = ObjectRows([state.labels.shape[1] - 1], frame.image.device)
        probs = rows.as_labels(self.segment(maps, state, rows).float()).softmax(1)
        return probs[0], self.remember(maps, probs, state, self.test_cfg.bank_interval)

    def segment(self, maps: RecallMaps, memory: RecallMemory, rows: ObjectRows) -> Tensor:
        """Logits ``(M, h, w)`` at stride 2 of the objects ``rows`` of a frame, from its ``maps`` and the ``memory``."""
        return self.head(maps, self.recall(maps, memory), rows, self.test_cfg.reach)[0]

    @override
    def add_objects(self, frame: Frame, masks: Tensor, state: RecallMemory) -> RecallMemory:
        """As the base class; the frame has been through :meth:`step` already, so the memory holds its labels."""
        count = len(masks)

        def widened(labels: Tensor) -> Tensor:
            return torch.cat([labels, labels.new_zeros(labels.shape[0], count, *labels.shape[2:])], 1)

        state = replace(
            state,
            prompt_labels=widened(state.prompt_labels),
            bank_labels=widened(state.bank_labels),
            labels=widened(state.labels),
            fine_labels=widened(state.fine_labels),
            prompt_moments=state.prompt_moments.widen(count),
            recent_moments=state.recent_moments.widen(count),
        )
        total = state.labels.shape[1]
        return self._set_right(masks, list(range(total - count, total)), state)

    @override
    def correct_objects(
        self, frame: Frame, masks: Tensor, indices: list[int], num_objects: int, state: RecallMemory
    ) -> RecallMemory:
        """As the base class; all that is remembered stays, and the frame joins the frames with prompts."""
        return self._set_right(masks, [i + 1 for i in indices], state)

    def _set_right(self, masks: Tensor, rows: list[int], state: RecallMemory) -> RecallMemory:
        """The latest frame with the masks ``(K, h, w)`` in these rows of its labels, as a frame with a prompt."""
        fine, coarse = _pooled(masks[None], state.maps)

        def with_masks(labels: Tensor, new: Tensor) -> Tensor:
            labels = labels.clone()
            labels[:, 0] += labels[:, rows].sum(1)  # where they were found wrongly is background
            labels *= 1 - new.sum(1, keepdim=True).clamp(max=1)
            labels[:, rows] = new
            return labels

        labels = with_masks(state.labels, coarse)
        frames = state.prompt_keys.shape[2] + 1
        moments = state.prompt_moments.mix(self.target.moments(state.maps.target, labels), 1 / frames)
        state = replace(
            state,
            prompt_keys=torch.cat([state.prompt_keys, state.maps.keys[:, :, None]], 2),
            prompt_labels=torch.cat([state.prompt_labels, labels[:, :, None]], 2),
            labels=labels,
            fine_labels=with_masks(state.fine_labels, fine),
            prompt_moments=moments,
            weights=self.target.fit(moments),
        )
        return self._bank(state)  # what was set right is in the bank at once

    def keep_objects(self, indices: list[int], state: RecallMemory) -> RecallMemory:
        """As the base class; what the dropped objects covered becomes background."""
        objects = [i + 1 for i in indices]

        def kept(labels: Tensor) -> Tensor:
            chosen = labels[:, objects]
            return torch.cat([labels.sum(1, keepdim=True) - chosen.sum(1, keepdim=True), chosen], 1)

        prompt, recent = state.prompt_moments.keep(objects), state.recent_moments.keep(objects)
        return replace(
            state,
            prompt_labels=kept(state.prompt_labels),
            bank_labels=kept(state.bank_labels),
            labels=kept(state.labels),
            fine_labels=kept(state.fine_labels),
            prompt_moments=prompt,
            recent_moments=recent,
            weights=self.target.fit(prompt.mix(recent, self.test_cfg.target_share)),
        )

    # Training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> Losses:
        """Losses of clips ``(B, T, 3, H, W)`` with an even size; the labels of the first frame are given.

        Every frame is remembered as it was predicted, with blots; gradients go through keys, not through labels.
        """
        clips, length = inputs.shape[:2]
        images = inputs.flatten(0, 1).contiguous(memory_format=self.data_preprocessor.memory_format)
        feats = self.extract_feat(images)
        rows = ObjectRows([len(sample.object_ids) for sample in data_samples], inputs.device)
        if not any(rows.counts):
            raise InputError('no clip of the batch has an object; let the pipeline choose clips that have one.')
        first, shares, valid = _true_labels(data_samples, max(rows.counts) + 1)
        present = torch.zeros(shares.shape[0], shares.shape[2], dtype=torch.bool, device=inputs.device)
        present[rows.video, rows.label] = True
        memory = self.start(feats.at(0, clips), first)
        finals, losses = [], dict.fromkeys(('loss_coarse', 'loss_reads'), inputs.new_zeros(()))
        for t in range(1, length):
            maps = feats.at(t, clips)
            recalled = self.recall(maps, memory)
            fine, coarse = self.head(maps, recalled, rows)
            logits = rows.as_labels(fine)
            finals.append(self.loss_final.terms(logits.float(), shares[:, t], valid[:, t], present))
            found = self._frame_losses(rows.as_labels(coarse), recalled, shares[:, t], present)
            losses = {name: total + found[name] / (length - 1) for name, total in losses.items()}
            if t < length - 1:  # nothing is read after the last frame
                labels = self.blots(logits.detach().float().softmax(1), rows.counts)
                memory = self.remember(maps, labels, memory, interval=1)
        totals, counts = (torch.stack(values) for values in zip(*finals, strict=True))
        return dict(loss_final=self.loss_final.mean(totals, counts).mean(), **losses)

    def _frame_losses(self, coarse: Tensor, recalled: Recalled, shares: Tensor, present: Tensor) -> Losses:
        cells = _shares(shares, coarse)
        known = present.clone()
        known[:, 0] = True  # labels that only other clips of the batch have take no part
        scores = (3 * recalled.scores).masked_fill(~known[..., None, None], -20.0)
        reads = [self.loss_reads(read.clamp(min=0.02).log(), cells) for read in recalled[:3]]
        return dict(
            loss_coarse=self.loss_coarse(coarse.float().log_softmax(1), cells),
            loss_reads=torch.stack([*reads, self.loss_reads(scores.float().log_softmax(1), cells)]).sum(),
        )


def _pooled(labels: Tensor, maps: RecallMaps) -> tuple[Tensor, Tensor]:
    """Shares of labels ``(B, L, H, W)`` in the cells of stride 8 and of stride 16."""
    return _shares(labels, maps.fine_keys), _shares(labels, maps.keys)


def _shares(labels: Tensor, cells: Tensor) -> Tensor:
    """Labels ``(B, L, H, W)`` averaged over the cells of a map ``(..., h, w)``."""
    return F.adaptive_avg_pool2d(labels, (cells.shape[-2], cells.shape[-1]))


def _true_labels(data_samples: Sequence[VOSDataSample], count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Labels of clips that have at most ``count``: those of the first frames ``(B, L, H, W)``, the shares of all frames at half
    the size ``(B, T, L, h, w)``, and the share that is not void ``(B, T, h, w)``.
    """
    targets = []
    for sample in data_samples:
        label_maps = sample.gt_label_maps.long()
        target = torch.zeros_like(label_maps)
        for label, object_id in enumerate(sample.object_ids, 1):
            target[label_maps == object_id] = label
        targets.append(target.masked_fill(label_maps == VOID, count))
    one_hot = F.one_hot(torch.stack(targets), count + 1).movedim(-1, 2).float()
    shares = F.avg_pool2d(one_hot.flatten(0, 1), 2).unflatten(0, one_hot.shape[:2])
    first = one_hot[:, 0, :count]
    first[:, 0] += one_hot[:, 0, count]  # void counts as background where a memory begins
    return first, shares[:, :, :count], 1 - shares[:, :, count]
