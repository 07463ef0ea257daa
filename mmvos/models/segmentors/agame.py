"""A-GAME: a generative appearance model inside a causal segmentation network."""

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mmvos.inference import Frame, SessionSettings
from mmvos.models.matching.label_matching import FrameKeys, LabelMemory, ReadLabels
from mmvos.registry import MODELS
from mmvos.structures import VOID, InputError, VOSDataSample
from mmvos.utils.ranks import mean_over_ranks

from ..heads.gaussian_appearance import GaussianMixture, mask_pair, pool_masks
from ..heads.object_aggregation import aggregate_objects
from .base import PER_OBJECT, CausalVOSModel


class FrameFeatures(NamedTuple):
    """What a frame gives to all objects; batch 1 at inference, one row per object in training.

    ``deep``: the backbone's coarsest map ``(B, C, h, w)``; ``appearance``: its projection for the Gaussians (or None);
    ``current``: its part of the mask propagation (or None); ``skips``: the finer maps, ready for the upsampler;
    ``matching``: per image what the matching sees (or None).
    """

    deep: Tensor
    appearance: Tensor | None
    current: Tensor | None
    skips: list[Tensor]
    matching: list[FrameKeys] | None = None

    def of(self, owner: Tensor) -> 'FrameFeatures':
        """One row per object; ``owner``: row of each object's clip."""
        rows = [None if t is None else t[owner] for t in self[:3]]
        return FrameFeatures(*rows, [t[owner] for t in self.skips], self.matching)


class MatchedLabels(NamedTuple):
    """What the matching says of N objects: ``cues`` ``(N, C, h, w)`` for the fusion, ``prior`` ``(N, H, W)``, the own label
    at the image's size, and per video what was read.
    """

    cues: Tensor
    prior: Tensor
    read: tuple[ReadLabels, ...]


class MaskPrediction(NamedTuple):
    """Logits (background, object) of N objects: ``final`` ``(N, 2, H, W)``, ``coarse`` ``(N, 2, h, w)`` or None."""

    final: Tensor
    coarse: Tensor | None


@dataclass
class AGAMEState:
    """Constant in size: nothing here grows with the length of the video.

    ``means``, ``variances``: ``(N, K, C)`` (None without the appearance module); ``first_mask``, ``previous_mask``:
    (background, object) ``(N, 2, h, w)``; ``reference``: row of ``references`` for each object ``(N,)``;
    ``references``: what the mask propagation keeps of the frames in which objects were given, ``(P, channels, h, w)``
    (None without that module); ``memory``: of the matching (or None).
    """

    means: Tensor | None = field(metadata=PER_OBJECT)
    variances: Tensor | None = field(metadata=PER_OBJECT)
    first_mask: Tensor = field(metadata=PER_OBJECT)
    previous_mask: Tensor = field(metadata=PER_OBJECT)
    reference: Tensor = field(metadata=PER_OBJECT)
    references: Tensor | None = None
    memory: LabelMemory | None = None

    @property
    def mixture(self) -> GaussianMixture:
        return GaussianMixture(self.means, self.variances)


@dataclass(frozen=True)
class AGAMETestSettings(SessionSettings):
    """Settings of A-GAME's inference.

    Args:
        update_mask (str): mask that renews the state: ``'aggregated'`` (pooled, after objects have been aggregated),
            ``'fine'`` (pooled, before) or ``'coarse'``.
        correction (float): factor of the logits that the network adds to the matching's.
    """

    update_mask: Literal['aggregated', 'fine', 'coarse'] = 'aggregated'
    correction: float = 1.0


@MODELS.register_module()
class AGAME(CausalVOSModel):
    """Johnander et al., "A Generative Appearance Model for End-to-end Video Object Segmentation", CVPR 2019.

    Every object on its own, all as one batch: the appearance module scores the frame under four Gaussians of the
    object, the mask propagation encodes where the object was, both are fused to a coarse mask, and that is refined with
    finer features. Then the Gaussians and the previous mask are renewed from the mask. Objects meet only where their
    probabilities are aggregated.

    Args:
        backbone: gives feature maps finest first; the last is the coarse one, the others are skips.
        fusion: config of the part that merges the cues of an object and predicts its coarse mask (``CoarseMaskHead``).
        upsampler: config of the part that brings it to the image's size (``SkipUpsampler``).
        appearance: config of the appearance module (``GaussianAppearance``), or None.
        mask_propagation: config of the mask-propagation module (``MaskPropagation``), or None.
        neck: config of a part between the backbone and the rest (None: the maps are taken as they are).
        matching: config of a further cue that the paper does not have (``LabelMatching``): labels read from remembered
            frames. They are also where the final masks begin: the network adds its logits to theirs.
        matching_upsampler: config of the part that brings these labels to the image's size along its edges, called with
            ``(labels (L, h, w), pixels (1, 3, H, W))`` (None: bilinear).
        loss_final, loss_coarse: configs of the losses of the final and the coarse masks (None: no such loss).
        train_update_mask: which mask renews the state in training (``'coarse'``; ``'fine'``: the pooled final one).
        background: how the background's probability comes from the objects' (see :func:`aggregate_objects`).
        with_cp: recompute each frame's heads in the backward pass instead of keeping their activations.
        test_cfg: an :class:`AGAMETestSettings`.
    """

    TestSettings = AGAMETestSettings
    add_objects_first = True

    def __init__(
        self,
        backbone: dict,
        fusion: dict,
        upsampler: dict,
        appearance: dict | None = None,
        mask_propagation: dict | None = None,
        neck: dict | None = None,
        matching: dict | None = None,
        matching_upsampler: dict | None = None,
        loss_final: dict | None = None,
        loss_coarse: dict | None = None,
        train_update_mask: str = 'coarse',
        background: str = 'min',
        with_cp: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if appearance is None and mask_propagation is None:
            raise ValueError('A-GAME needs the appearance module, the mask propagation, or both.')
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.matching = MODELS.build(matching) if matching else None
        self.matching_upsampler = MODELS.build(matching_upsampler) if matching_upsampler else None
        self.appearance = MODELS.build(appearance) if appearance else None
        self.mask_propagation = MODELS.build(mask_propagation) if mask_propagation else None
        self.fusion = MODELS.build(fusion)
        self.upsampler = MODELS.build(upsampler)
        self.loss_final = MODELS.build(loss_final) if loss_final else None
        self.loss_coarse = MODELS.build(loss_coarse) if loss_coarse else None
        if train_update_mask not in ('coarse', 'fine'):
            raise InputError(f"AGAME: train_update_mask is {train_update_mask!r}; expected 'coarse' or 'fine'.")
        self.train_update_mask, self.background, self.with_cp = train_update_mask, background, with_cp

    # ---- one frame -------------------------------------------------------------------------------------------------

    def extract_feat(self, images: Tensor) -> FrameFeatures:
        return self.prepare(self.backbone(images))

    def prepare(self, maps: tuple[Tensor, ...]) -> FrameFeatures:
        """All that is computed once per frame, from the backbone's maps (finest first)."""
        keys = self.matching.embed([m.detach() for m in maps]) if self.matching is not None else None
        if self.neck is not None:
            maps = self.neck(maps)
        deep = maps[-1]
        return FrameFeatures(
            deep,
            self.appearance.project(deep) if self.appearance is not None else None,
            self.mask_propagation.project_current(deep) if self.mask_propagation is not None else None,
            self.upsampler.prepare(maps[-2::-1]),
            keys,
        )

    def start(self, features: FrameFeatures, masks: Tensor) -> AGAMEState:
        """The state of N objects with masks ``(N, H, W)`` that are given in a frame (features of batch 1 or N)."""
        first_mask = pool_masks(masks, features.deep.shape[-2:])
        mixture = self.appearance.fit(features.appearance, first_mask) if self.appearance is not None else (None, None)
        references = None
        if self.mask_propagation is not None:
            references = self.mask_propagation.project_reference(features.deep)
        rows = torch.arange(len(masks), device=masks.device).clamp(max=len(features.deep) - 1)
        return AGAMEState(*mixture, first_mask, first_mask, rows, references)

    def predict_masks(
        self,
        features: FrameFeatures,
        state: AGAMEState,
        size: tuple[int, int],
        matched: MatchedLabels | None = None,
        with_coarse: bool = True,
    ) -> MaskPrediction:
        """Every object's own masks.

        Args:
            features: of the frame.
            state: of the objects.
            size: ``(H, W)`` of the image.
            matched: of :meth:`match`, where there is matching.
            with_coarse: whether the coarse masks are wanted.
        """
        cues = []
        if self.appearance is not None:
            cues.append(self.appearance(features.appearance, state.mixture))
        if self.mask_propagation is not None:
            references = state.references[state.reference] if len(state.references) > 1 else state.references
            cues.append(self.mask_propagation(features.current, references, state.previous_mask, state.first_mask))
        if matched is not None:
            cues.append(matched.cues)
        fused = self.fusion(cues)
        final = self.upsampler(fused, features.skips, size)
        if matched is not None:
            share = 1.0 if self.training else self.test_cfg.correction
            final = share * final + mask_pair(matched.prior).clamp(min=0.01).log()
        return MaskPrediction(final, self.fusion.predict(fused) if with_coarse else None)

    @torch.no_grad()
    def match(self, frame: FrameKeys, memory: LabelMemory, pixels: Tensor, size: tuple[int, int]) -> MatchedLabels:
        """What one video's memory says of a frame with ``pixels`` ``(1, 3, H, W)`` in 0..255."""
        read = self.matching.read(frame, memory)
        if self.matching_upsampler is not None:
            prior = self.matching_upsampler(read.labels, pixels)[1:]
        else:
            prior = F.interpolate(read.labels[None, 1:], size, mode='bilinear', align_corners=False)[0]
        return MatchedLabels(self.matching.cues(read), prior, (read,))

    def renew(self, features: FrameFeatures, mask: Tensor, state: AGAMEState) -> AGAMEState:
        """The state after a frame in which the objects had the mask (background, object) ``(N, 2, h, w)``."""
        means, variances = state.mixture
        if self.appearance is not None:
            means, variances = self.appearance.update(features.appearance, mask, state.mixture)
        return replace(state, means=means, variances=variances, previous_mask=mask)

    # ---- inference -------------------------------------------------------------------------------------------------

    def init_state(self, frame: Frame, masks: Tensor) -> AGAMEState:
        features = self.features_of(frame)
        state = self.start(features, masks)
        if self.matching is not None:
            state.memory = self.matching.start(features.matching[0], masks)
        return state

    def add_objects(self, frame: Frame, masks: Tensor, state: AGAMEState) -> AGAMEState:
        features = self.features_of(frame)
        new = self.start(features, masks)
        if self.mask_propagation is not None:
            new.reference += len(state.references)
        joined = {
            name: None if getattr(state, name) is None else torch.cat([getattr(state, name), getattr(new, name)])
            for name in ('means', 'variances', 'first_mask', 'previous_mask', 'reference', 'references')
        }
        memory = self.matching.add(features.matching[0], masks, state.memory) if self.matching is not None else None
        return AGAMEState(**joined, memory=memory)

    def step(self, frame: Frame, state: AGAMEState) -> tuple[Tensor, AGAMEState]:
        """Probabilities ``(N + 1, h, w)`` after aggregation, and the renewed state."""
        features = self.features_of(frame)
        size, matched = frame.image.shape[-2:], None
        if self.matching is not None:
            matched = self.match(features.matching[0], state.memory, frame.pixels, size)
        mode = self.test_cfg.update_mask
        prediction = self.predict_masks(features, state, size, matched, with_coarse=mode == 'coarse')
        foreground = prediction.final.float().softmax(1)[:, 1]
        scores = aggregate_objects(foreground, self.background)
        if mode == 'coarse':
            mask = prediction.coarse.float().softmax(1)
        else:
            mask = pool_masks(scores[1:] if mode == 'aggregated' else foreground, features.deep.shape[-2:])
        state = self.renew(features, mask, state)
        if self.matching is not None:
            state.memory = self.matching.remember(features.matching[0], scores, matched.read[0], state.memory)
        return scores, state

    def keep_objects(self, indices: list[int], state: AGAMEState) -> AGAMEState:
        """As the base class; first frames that no object refers to any more are forgotten."""
        without = [name for name in ('means', 'variances') if getattr(state, name) is None]
        placeholder = {name: state.reference for name in without}
        kept = replace(super().keep_objects(indices, replace(state, **placeholder)), **dict.fromkeys(without))
        if self.matching is not None:
            kept.memory = self.matching.keep(indices, state.memory)
        if state.references is None:
            return kept
        used, reference = kept.reference.unique(return_inverse=True)
        return replace(kept, reference=reference, references=state.references[used])

    # ---- training --------------------------------------------------------------------------------------------------

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of the recurrence over clips ``(B, T, 3, H, W)``; the first frame's masks are given.

        Every id in a sample's ``object_ids`` is segmented on its own, in one batch over all clips. The given frame is
        part of the means, with the log of its true mask.
        """
        prompts, targets, owner = self._objects(data_samples)
        frames = self._clip_features(inputs)
        size = inputs.shape[-2:]
        known = mask_pair(prompts).clamp(1e-7, 1 - 1e-7).log()
        state, memories, final, coarse = None, None, [known], [known]
        for t, maps in enumerate(frames):
            features = self.prepare(maps)
            keys, features = features.matching, features.of(owner)
            if t == 0:
                state = self.start(features, prompts)
                memories = self._start_memories(keys, prompts, owner)
                continue
            matched = self._match(keys, memories, inputs[:, t])
            prediction = self._run(features, state, size, matched)
            final.append(prediction.final.float().log_softmax(1))
            coarse.append(F.interpolate(prediction.coarse.float().log_softmax(1), size, mode='bilinear', align_corners=False))
            foreground = final[-1][:, 1].exp()
            if self.train_update_mask == 'coarse':
                mask = prediction.coarse.float().softmax(1)
            else:
                mask = pool_masks(foreground, features.deep.shape[-2:])
            state = self.renew(features, mask, state)
            memories = self._renew_memories(keys, foreground, owner, matched, memories)
        # the mean over a rank's objects becomes the mean over those of all ranks, whose gradients are averaged
        count = targets.new_tensor(float(len(targets)), dtype=torch.float32)
        share = count / mean_over_ranks(count)
        losses = {}
        for name, log_probs in (('loss_final', final), ('loss_coarse', coarse)):
            loss = getattr(self, name)
            if loss is not None:
                losses[name] = share * loss(torch.stack(log_probs, 1).flatten(0, 1), targets.flatten(0, 1))
        return losses

    def _run(self, *args) -> MaskPrediction:
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(self.predict_masks, *args, use_reentrant=False)
        return self.predict_masks(*args)

    def _start_memories(self, keys: list[FrameKeys] | None, prompts: Tensor, owner: Tensor) -> list[LabelMemory] | None:
        """One memory per clip; None without matching. No gradient goes through a memory."""
        if self.matching is None:
            return None
        return [self.matching.start(clip, prompts[owner == b]) for b, clip in enumerate(keys)]

    def _match(self, keys: list[FrameKeys] | None, memories: list[LabelMemory] | None, images: Tensor) -> MatchedLabels | None:
        """Of all objects, in the order of their clips."""
        if self.matching is None:
            return None
        pixels = self.data_preprocessor.pixels(images)
        found = [
            self.match(key, memory, pixels[b : b + 1], images.shape[-2:])
            for b, (key, memory) in enumerate(zip(keys, memories, strict=True))
        ]
        cues, priors, read = zip(*found, strict=True)
        return MatchedLabels(torch.cat(cues), torch.cat(priors), sum(read, ()))

    def _renew_memories(
        self,
        keys: list[FrameKeys] | None,
        foreground: Tensor,
        owner: Tensor,
        matched: MatchedLabels | None,
        memories: list[LabelMemory] | None,
    ) -> list[LabelMemory] | None:
        if self.matching is None:
            return None
        foreground = foreground.detach()
        scores = [aggregate_objects(foreground[owner == b], self.background) for b in range(len(memories))]
        return [self.matching.remember(*one) for one in zip(keys, scores, matched.read, memories, strict=True)]

    def _clip_features(self, inputs: Tensor):
        """The backbone's maps of each time step, each ``(B, C, h, w)``.

        A backbone that learns sees one time step at a time, so that its batch norms do; a frozen one sees all at once.
        """
        if any(p.requires_grad for p in self.backbone.parameters()):
            for t in range(inputs.shape[1]):
                yield self.backbone(inputs[:, t])
            return
        with torch.no_grad():
            images = inputs.flatten(0, 1).contiguous(memory_format=self.data_preprocessor.memory_format)
            maps = [m.unflatten(0, inputs.shape[:2]) for m in self.backbone(images)]
        for t in range(inputs.shape[1]):
            yield tuple(m[:, t] for m in maps)

    @staticmethod
    def _objects(data_samples: list[VOSDataSample]) -> tuple[Tensor, Tensor, Tensor]:
        """First masks ``(N, H, W)`` 0/1, targets ``(N, T, H, W)`` 0/1/255 and the clip of each object ``(N,)``."""
        targets, owner = [], []
        for clip, sample in enumerate(data_samples):
            label_maps = sample.gt_label_maps.long()
            for object_id in sample.object_ids:
                targets.append((label_maps == object_id).long().masked_fill_(label_maps == VOID, VOID))
                owner.append(clip)
        if not targets:
            raise ValueError('no clip of the batch has an object; let the pipeline choose clips that have one.')
        targets = torch.stack(targets)
        prompts = (targets[:, 0] == 1).float()
        return prompts, targets, torch.tensor(owner, device=targets.device)
