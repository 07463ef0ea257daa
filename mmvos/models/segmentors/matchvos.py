"""MatchVOS: labels matched with remembered frames, and a small network that corrects them.

Not from a paper. The labels are those of FeaturePropagation; the network has A-GAME's parts (Johnander et al., CVPR 2019)
with small layers, on the same frozen features. Before training, MatchVOS is FeaturePropagation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmvos.inference import Frame
from mmvos.registry import MODELS
from mmvos.structures import join_objects

from ..cues.object_cue import mask_pair, pool_masks
from ..matching.label_memory import FrameKeys, LabelMemory, ReadLabels
from .recurrent_training import FrameFeatures, MaskPrediction, MaskUpdateSettings, RecurrentlyTrainedModel


class MatchFeatures(NamedTuple):
    """What B frames give to all objects.

    ``keys``: for each frame, what is matched; ``pixels``: RGB 0..255 ``(B, 3, H, W)``; ``network``: what the correcting
    network sees, with a row for each frame, or each object after :meth:`of`.
    """

    keys: list[FrameKeys]
    pixels: Tensor
    network: FrameFeatures

    @property
    def size(self) -> Sequence[int]:
        """``(h, w)`` of the network's coarse map."""
        return self.network.size

    def of(self, owner: Tensor) -> 'MatchFeatures':
        return self._replace(network=self.network.of(owner))


class MatchedLabels(NamedTuple):
    """What the memories say of N objects: ``read``, the labels of each frame; ``prior`` ``(N, H, W)``, each object's own label
    at the image's size; ``cues`` ``(N, C, h, w)`` for the network.
    """

    read: list[ReadLabels]
    prior: Tensor
    cues: Tensor


@dataclass(frozen=True)
class MatchPrediction(MaskPrediction):
    """A :class:`MaskPrediction`, and ``read``: the labels of each frame that it begins with."""

    read: list[ReadLabels]


@dataclass
class MatchState:
    """The states of the cues, by their names, and a memory per video (one at inference)."""

    cues: dict[str, Any]
    memories: list[LabelMemory]


@dataclass(frozen=True)
class MatchTestSettings(MaskUpdateSettings):
    """Settings of inference.

    Args:
        correction (float): factor of the logits that the network adds to the matched labels'; 0: matching alone.
    """

    correction: float = 1.0


@MODELS.register_module()
class MatchVOS(RecurrentlyTrainedModel):
    """Every object's mask begins as the labels that matching reads from remembered frames; the network adds its logits.

    Labels are read for all objects together and brought to the image's size along its edges. The network knows each object
    by the cues of A-GAME, and sees what was read.

    In a frame in which objects are given, they are what the prompt shows, and known objects are segmented without them.

    Args:
        matching (dict): config of the memory and how labels are read from it (``LabelMatching``, ``TargetLabelMatching``).
        prior_upsampler (dict): config of the part that brings labels to the image's size, called with
            ``(labels (L, h, w), pixels (1, 3, H, W))``.
        appearance (dict): config of the appearance module (``GaussianAppearance``).
        mask_propagation (dict): config of the mask-propagation module (``MaskPropagation``).
        kwargs (dict): arguments of :class:`RecurrentlyTrainedModel`. The neck's last map is the coarse one, the others are
            skips; the matching sees the backbone's own maps. ``test_cfg`` is a :class:`MatchTestSettings`.
    """

    TestSettings = MatchTestSettings
    test_cfg: MatchTestSettings

    def __init__(
        self, *, matching: dict, prior_upsampler: dict, appearance: dict, mask_propagation: dict, **kwargs: Any
    ) -> None:
        super().__init__(cues=dict(appearance=appearance, mask_propagation=mask_propagation), **kwargs)
        self.matching = MODELS.build(matching)
        self.prior_upsampler = MODELS.build(prior_upsampler)

    # One frame

    def prepare(self, images: Tensor, maps: Sequence[Tensor]) -> MatchFeatures:
        keys = self.matching.embed([m.detach() for m in maps])
        *skips, deep = self.neck(maps)
        cues = {name: cue.prepare(deep) for name, cue in self.named_cues}
        network = FrameFeatures(cues, self.upsampler.prepare(skips[::-1]), deep.shape[-2:], images.shape[-2:])
        return MatchFeatures(keys, self.data_preprocessor.pixels(images), network)

    def start(self, features: MatchFeatures, masks: Tensor, counts: Sequence[int]) -> MatchState:
        memories = [self.matching.start(*one) for one in zip(features.keys, masks.split(list(counts)), strict=True)]
        return MatchState(self._start_cues(features, masks), memories)

    def _start_cues(self, features: MatchFeatures, masks: Tensor) -> dict[str, Any]:
        shares = pool_masks(masks, features.size)
        return {name: cue.start(features.network.cues[name], shares) for name, cue in self.named_cues}

    @torch.no_grad()
    def match(self, features: MatchFeatures, state: MatchState) -> MatchedLabels:
        """What the memories say of their frames; no gradient goes through a memory.

        Args:
            features (MatchFeatures): features of B frames.
            state (MatchState): holds a memory for each of them.
        """
        read = [self.matching.read(*one) for one in zip(features.keys, state.memories, strict=True)]
        priors = [self.prior_upsampler(r.labels, features.pixels[b : b + 1])[1:] for b, r in enumerate(read)]
        return MatchedLabels(read, torch.cat(priors), torch.cat([self.matching.cues(r) for r in read]))

    def predict(self, features: MatchFeatures, state: MatchState) -> MatchPrediction:
        matched = self.match(features, state)
        logits, fused = self.recomputed(self._correct, features.network, state, matched.cues)
        share = 1.0 if self.training else self.test_cfg.correction
        return MatchPrediction(share * logits + mask_pair(matched.prior).clamp(min=0.01).log(), fused, matched.read)

    def _correct(self, features: FrameFeatures, state: MatchState, matched: Tensor) -> tuple[Tensor, Tensor]:
        cues = [cue.read(features.cues[name], state.cues[name]) for name, cue in self.named_cues]
        fused = self.fusion([*cues, matched])
        return self.upsampler(fused, features.skips, features.image_size), fused

    def renew(
        self, features: MatchFeatures, prediction: MatchPrediction, masks: Tensor, scores: Sequence[Tensor], state: MatchState
    ) -> MatchState:
        cues = {name: cue.renew(features.network.cues[name], masks, state.cues[name]) for name, cue in self.named_cues}
        videos = zip(features.keys, prediction.read, scores, state.memories, strict=True)
        return MatchState(cues, [self.matching.remember(*video) for video in videos])

    # Inference

    def add_objects(self, frame: Frame, masks: Tensor, state: MatchState) -> MatchState:
        features = self.features_of(frame)
        new = self._start_cues(features, masks)
        cues = {name: join_objects(known, new[name]) for name, known in state.cues.items()}
        return MatchState(cues, [self.matching.add(features.keys[0], masks, state.memories[0])])
