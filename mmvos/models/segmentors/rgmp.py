"""RGMP: fast video object segmentation by reference-guided mask propagation (Oh et al., CVPR 2018).

A Siamese encoder sees the frame with the previous mask and the reference frame with the given mask; a decoder matches
them. The original runs once per object; here the objects are one batch, and the image's first convolution is shared.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.segmentors.stepwise_training import Losses, StepwiseTrainedModel
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample

from ..heads import aggregate_objects
from .base import PER_OBJECT


@dataclass
class RGMPState:
    """Objects that were given in one frame are a group.

    ``probabilities``: of the last frame, float ``(N, h, w)``. ``groups``: per object, the frame in which it was given,
    ascending. ``given``: the masks of that frame ``(N, h, w)``. ``images``: per group, that frame. ``references``: per
    scale, features of the objects ``(N, C, h', w')``. ``unions``: per group of several objects, and per scale, features
    ``(1, C, h', w')`` of all its objects as one.
    """

    probabilities: Tensor = field(metadata=PER_OBJECT)
    groups: list[int] = field(metadata=PER_OBJECT)
    given: Tensor = field(metadata=PER_OBJECT)
    images: dict[int, Tensor]
    references: list[Tensor]
    unions: dict[int, list[Tensor]]


@MODELS.register_module()
class RGMP(StepwiseTrainedModel):
    """Every object is segmented against everything else; with several, the background is predicted as well, in one more
    sample of the batch that holds all objects of a group as one.

    Objects given in different frames are different groups (the original knows one); where every group sees background,
    it is background.

    Args:
        encoder: config of a :class:`MaskedResNet`.
        decoder: config of a :class:`PropagationDecoder`.
        scales: of the input; probabilities are averaged over them.
        scale_divisor: sides of a scaled frame are enlarged to the next multiple of it, always.
        align_corners: of the resizing between scales (the decoder has its own).
        loss_weights: of the binary cross entropy of the decoder's predictions, from fine to coarse.
        loss_mask: config of a further loss of the finest masks, such as :class:`InstanceIoULoss` (None: none). Cross
            entropy alone is slow to find small objects from scratch.
        kwargs: of :class:`StepwiseTrainedModel`.
    """

    def __init__(
        self,
        encoder: dict,
        decoder: dict,
        scales: Sequence[float] = (0.5, 0.75, 1.0),
        scale_divisor: int = 32,
        align_corners: bool = False,
        loss_weights: Sequence[float] = (1.0, 0.5, 0.25, 0.125),
        loss_mask: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder, self.decoder = MODELS.build(encoder), MODELS.build(decoder)
        self.scales, self.scale_divisor, self.align_corners = tuple(scales), scale_divisor, align_corners
        self.loss_weights = tuple(loss_weights)
        self.loss_mask = MODELS.build(loss_mask) if loss_mask else None

    # the network ------------------------------------------------------------------------------------------------------

    def reference(self, image: Tensor, masks: Tensor) -> Tensor:
        """Features ``(N, C, h/32, w/32)`` of a frame with each of the masks ``(N, h, w)`` that are given in it."""
        return self.encoder(image, masks[:, None])[-1]

    def segment(self, image: Tensor, masks: Tensor, references: list[Tensor]) -> Tensor:
        """Probability ``(N, h, w)`` of every object against everything else, mean over the scales.

        Args:
            image: ``(1, 3, h, w)``, normalised.
            masks: previous masks, 0..1 ``(N, h, w)``.
            references: per scale, ``(N, C, h', w')``.
        """
        size = image.shape[-2:]
        probabilities = []
        for scale, reference in zip(self.scales, references, strict=True):
            features = self.encoder(self._scaled(image, scale), self._scaled(masks[:, None], scale))
            logits = self.decoder.predict(self.decoder.fine(features[0], self.decoder.coarse(features, reference)[0]))
            probabilities.append(self._resized(self.decoder.probability(logits)[None], size)[0])
        return torch.stack(probabilities).mean(0)

    def _scaled(self, x: Tensor, scale: float) -> Tensor:
        if scale == 1:
            return x
        sides = (int(scale * side) for side in x.shape[-2:])
        return self._resized(x, [side + self.scale_divisor - side % self.scale_divisor for side in sides])

    def _resized(self, x: Tensor, size: Sequence[int]) -> Tensor:
        return F.interpolate(x, tuple(size), mode='bilinear', align_corners=self.align_corners)

    def _references(self, image: Tensor, masks: Tensor) -> list[Tensor]:
        """:meth:`reference` at every scale."""
        return [self.reference(self._scaled(image, s), self._scaled(masks[:, None], s)[:, 0]) for s in self.scales]

    # inference --------------------------------------------------------------------------------------------------------

    def init_state(self, frame: Frame, masks: Tensor) -> RGMPState:
        state = RGMPState(masks, [frame.index] * len(masks), masks, {frame.index: frame.image}, [], {})
        # objects and, where there are several, all of them as one: a single batch
        features = self._references(frame.image, torch.cat([masks, *self._union(masks)]))
        state.references = [f[: len(masks)] for f in features]
        if len(masks) > 1:
            state.unions = {frame.index: [f[len(masks) :] for f in features]}
        return state

    @staticmethod
    def _union(masks: Tensor) -> list[Tensor]:
        return [masks.sum(0, keepdim=True)] if len(masks) > 1 else []

    def step(self, frame: Frame, state: RGMPState) -> tuple[Tensor, RGMPState]:
        groups = state.probabilities.split(list(Counter(state.groups).values()))
        unions = [union for group in groups for union in self._union(group)]
        references = [
            torch.cat([objects, *(union[scale] for union in state.unions.values())])
            for scale, objects in enumerate(state.references)
        ]
        probabilities = self.segment(frame.image, torch.cat([state.probabilities, *unions]), references)
        count = len(state.groups)
        if count == 1:
            scores = torch.cat([1 - probabilities, probabilities])
        else:
            # a group of one object is its own union
            alone = [i for i, group in enumerate(state.groups) if group not in state.unions]
            foreground = torch.cat([probabilities[count:], probabilities[alone]])
            scores = aggregate_objects(probabilities[:count], 1 - foreground.amax(0))
        return scores, replace(state, probabilities=scores[1:])

    def add_objects(self, frame: Frame, masks: Tensor, state: RGMPState) -> RGMPState:
        new = self.init_state(frame, masks)
        return RGMPState(
            torch.cat([state.probabilities, masks]),
            state.groups + new.groups,
            torch.cat([state.given, masks]),
            {**state.images, **new.images},
            [torch.cat(pair) for pair in zip(state.references, new.references, strict=True)],
            {**state.unions, **new.unions},
        )

    def keep_objects(self, indices: list[int], state: RGMPState) -> RGMPState:
        before = Counter(state.groups)
        state = super().keep_objects(indices, state)
        unions = {}
        for group, count in Counter(state.groups).items():
            if count == before[group] and count > 1:
                unions[group] = state.unions[group]
            elif count > 1:  # the union has lost an object
                given = state.given[[i for i, g in enumerate(state.groups) if g == group]]
                unions[group] = self._references(state.images[group], given.sum(0, keepdim=True))
        return replace(
            state,
            references=[f[indices] for f in state.references],
            unions=unions,
            images={group: state.images[group] for group in set(state.groups)},
        )

    # training ---------------------------------------------------------------------------------------------------------

    def frame_loss(
        self, clip: Tensor, index: int, masks: Tensor, previous: Tensor, valid: Tensor, sample: VOSDataSample
    ) -> tuple[Losses, Tensor]:
        reference = self.reference(clip[:1], masks[0])
        predictions = self.decoder(self.encoder(clip[index : index + 1], previous[:, None]), reference)
        losses = {}
        for level, (logits, weight) in enumerate(zip(predictions, self.loss_weights, strict=False), start=2):
            loss = self._cross_entropy(logits, masks[index], valid[index], finest=level == 2)
            losses[f'loss_stride{2**level}'] = weight * loss
        probabilities = self.decoder.probability(predictions[0])
        if self.loss_mask is not None:
            losses['loss_mask'] = self.loss_mask(probabilities, masks[index], valid[index])
        return losses, probabilities

    def _cross_entropy(self, logits: Tensor, masks: Tensor, valid: Tensor, finest: bool) -> Tensor:
        """Mean over the known pixels. The finest logits are enlarged to the labels, for the others the labels are
        averaged down."""
        weight = valid.float().expand(len(masks), 1, -1, -1)
        target = masks[:, None] * weight
        if finest:
            logits = F.interpolate(logits.float(), masks.shape[-2:], mode='bilinear', align_corners=self.decoder.align_corners)
        else:
            target, weight = (F.adaptive_avg_pool2d(x, logits.shape[-2:]) for x in (target, weight))
            target = target / weight.clamp(min=1e-6)
        margin = (logits[:, 1:] - logits[:, :1]).float()  # of a softmax over two channels
        loss = F.binary_cross_entropy_with_logits(margin, target, reduction='none')
        return (loss * weight).sum() / weight.sum().clamp(min=1e-6)
