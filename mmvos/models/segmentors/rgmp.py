"""RGMP: fast video object segmentation by reference-guided mask propagation (Oh et al., CVPR 2018).

A Siamese encoder sees the frame with the previous mask, and the reference frame with the mask that is given in it; a
decoder matches them::

    reference frame, its mask ---- encoder --+
                                   (shared)  +-- global convolution -- refinement -- refinement -- mask
    frame, previous mask --------- encoder --+                            ^              ^
                                      +------------ finer features -------+--------------+

The original runs once per object; here the objects are one batch, and the image's first convolution is shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from mmvos.inference import Frame
from mmvos.models.segmentors.stepwise_training import Losses, StepwiseTrainedModel, members_of, new_group
from mmvos.registry import MODELS
from mmvos.structures import PER_OBJECT, VOSDataSample, per_object

from ..heads import aggregate_objects


@dataclass
class RGMPState:
    """What goes from frame to frame. Objects that were given together are a group.

    Args:
        probabilities (Tensor): probabilities of the objects in the last frame, float ``(N, h, w)``.
        groups (list[int]): number of each object's group (:func:`new_group`).
        given (Tensor): for each object the mask in the frame in which it was given ``(N, h, w)``.
        references (list[Tensor]): per scale, what the decoder needs of the objects in that frame ``(N, C, h', w')``.
        images (dict[int, Tensor]): that frame of each group ``(1, 3, h, w)``, normalised.
        unions (dict[int, list[Tensor]]): for each group of several objects, and per scale, the same ``(1, C, h', w')`` of
            all its objects as one.
    """

    probabilities: Tensor = field(metadata=PER_OBJECT)
    groups: list[int] = field(metadata=PER_OBJECT)
    given: Tensor = field(metadata=PER_OBJECT)
    references: list[Tensor] = field(metadata=per_object(each=True))
    images: dict[int, Tensor]
    unions: dict[int, list[Tensor]]


@MODELS.register_module()
class RGMP(StepwiseTrainedModel):
    """Every object is segmented against everything else; with several, the background is predicted as well, in one more
    sample of the batch that holds all objects of a group as one.

    Objects given in different frames are different groups (the original knows one); where every group sees background,
    it is background.

    Args:
        encoder (dict): config of a :class:`MaskedResNet`.
        decoder (dict): config of a :class:`PropagationDecoder`.
        scales (Sequence[float]): factors of the input's size; probabilities are averaged over them.
        scale_divisor (int): sides of a scaled frame are enlarged to the next multiple of it, always.
        align_corners (bool): how frames are resized between scales (the decoder has an option of its own).
        loss_weights (Sequence[float]): weights of the binary cross entropy of the decoder's predictions, from fine to
            coarse.
        loss_mask (dict | None): config of a further loss of the finest masks, such as :class:`InstanceIoULoss`. Cross
            entropy alone is slow to find small objects from scratch.
        kwargs (dict): keyword arguments of :class:`StepwiseTrainedModel`.
    """

    compiled_parts = ('segment',)

    def __init__(
        self,
        encoder: dict[str, Any],
        decoder: dict[str, Any],
        scales: Sequence[float] = (0.5, 0.75, 1.0),
        scale_divisor: int = 32,
        align_corners: bool = False,
        loss_weights: Sequence[float] = (1.0, 0.5, 0.25, 0.125),
        loss_mask: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder, self.decoder = MODELS.build(encoder), MODELS.build(decoder)
        self.scales, self.scale_divisor, self.align_corners = tuple(scales), scale_divisor, align_corners
        self.loss_weights = tuple(loss_weights)
        self.mask_losses = nn.ModuleList(MODELS.build(config) for config in [loss_mask] if config)

    def encode_reference(self, image: Tensor, masks: Tensor) -> Tensor:
        """Features ``(N, C, h/32, w/32)`` of a frame, once for each object given in it.

        Args:
            image (Tensor): ``(1, 3, h, w)``, normalised.
            masks (Tensor): float 0/1 ``(N, h, w)``.
        """
        return self.encoder(image, masks[:, None])[-1]

    def segment(self, image: Tensor, masks: Tensor, references: Sequence[Tensor]) -> Tensor:
        """Probability ``(N, h, w)`` of every object against everything else, mean over the scales.

        Args:
            image (Tensor): ``(1, 3, h, w)``, normalised.
            masks (Tensor): previous masks, 0..1 ``(N, h, w)``.
            references (Sequence[Tensor]): per scale, what :meth:`_references` gave, ``(N, C, h', w')``.
        """
        probabilities = []
        for scale, reference in zip(self.scales, references, strict=True):
            features = self.encoder(self._scaled(image, scale), self._scaled(masks[:, None], scale))
            logits = self.decoder.predict(self.decoder.fine(features[0], self.decoder.coarse_with(features, reference)[0]))
            probabilities.append(self._resized(self.decoder.probability(logits)[None], image.shape[-2:])[0])
        return torch.stack(probabilities).mean(0)

    def _scaled(self, x: Tensor, scale: float) -> Tensor:
        if scale == 1:
            return x
        sides = (int(scale * side) for side in x.shape[-2:])
        return self._resized(x, [side + self.scale_divisor - side % self.scale_divisor for side in sides])

    def _resized(self, x: Tensor, size: Sequence[int]) -> Tensor:
        return F.interpolate(x, tuple(size), mode='bilinear', align_corners=self.align_corners)

    def _references(self, image: Tensor, masks: Tensor) -> list[Tensor]:
        """What the decoder needs of a frame ``(1, 3, h, w)`` and the masks ``(N, h, w)`` given in it, at every scale."""
        scaled = ((self._scaled(image, s), self._scaled(masks[:, None], s)[:, 0]) for s in self.scales)
        return [self.decoder.of_reference(self.encode_reference(*given)) for given in scaled]

    # Inference

    def init_state(self, frame: Frame, masks: Tensor) -> RGMPState:
        """One group of objects."""
        return self._start(frame, masks, frame.index)

    def _start(self, frame: Frame, masks: Tensor, group: int) -> RGMPState:
        """Objects and, where there are several, all of them as one are encoded as a single batch."""
        count = len(masks)
        with_union = torch.cat([masks, masks.sum(0, keepdim=True)]) if count > 1 else masks
        features = self._references(frame.image, with_union)
        unions = {group: [f[count:] for f in features]} if count > 1 else {}
        return RGMPState(masks, [group] * count, masks, [f[:count] for f in features], {group: frame.image}, unions)

    def step(self, frame: Frame, state: RGMPState) -> tuple[Tensor, RGMPState]:
        """Probabilities ``(N + 1, h, w)`` after aggregation, which are also carried on."""
        members = members_of(state.groups)
        several = [group for group, places in members.items() if len(places) > 1]
        unions = [state.probabilities[members[group]].sum(0, keepdim=True) for group in several]
        references = [
            torch.cat([objects, *(state.unions[group][scale] for group in several)])
            for scale, objects in enumerate(state.references)
        ]
        probabilities = self.segment(frame.image, torch.cat([state.probabilities, *unions]), references)
        count = len(state.groups)
        if count == 1:
            scores = torch.cat([1 - probabilities, probabilities])
        else:
            # a group of one object is its own union
            alone = [places[0] for places in members.values() if len(places) == 1]
            foreground = torch.cat([probabilities[count:], probabilities[alone]])
            scores = aggregate_objects(probabilities[:count], 1 - foreground.amax(0))
        return scores, replace(state, probabilities=scores[1:])

    def add_objects(self, frame: Frame, masks: Tensor, state: RGMPState) -> RGMPState:
        """The new objects are a group of their own."""
        new = self._start(frame, masks, new_group(frame.index, state.groups))
        return RGMPState(
            torch.cat([state.probabilities, masks]),
            state.groups + new.groups,
            torch.cat([state.given, masks]),
            [torch.cat(pair) for pair in zip(state.references, new.references, strict=True)],
            {**state.images, **new.images},
            {**state.unions, **new.unions},
        )

    def keep_objects(self, indices: list[int], state: RGMPState) -> RGMPState:
        """As declared; the union of a group that loses an object is encoded again, an empty group is forgotten."""
        before = members_of(state.groups)
        kept = super().keep_objects(indices, state)
        members, unions = members_of(kept.groups), {}
        for group, places in members.items():
            if 1 < len(places) == len(before[group]):
                unions[group] = kept.unions[group]
            elif len(places) > 1:
                unions[group] = self._references(kept.images[group], kept.given[places].sum(0, keepdim=True))
        return replace(kept, unions=unions, images={group: kept.images[group] for group in members})

    # Training

    @override
    def frame_loss(
        self, clip: Tensor, index: int, masks: Tensor, previous: Tensor, valid: Tensor, sample: VOSDataSample
    ) -> tuple[Losses, Tensor]:
        """Cross entropy at every stride of the decoder, and the further loss of the finest masks."""
        reference = self.encode_reference(clip[:1], masks[0])
        predictions = self.decoder(self.encoder(clip[index : index + 1], previous[:, None]), reference)
        losses = {}
        weighted = zip(predictions, self.loss_weights, strict=False)  # a decoder may predict at the finest levels alone
        for level, (logits, weight) in enumerate(weighted, start=2):
            loss = self._cross_entropy(logits, masks[index], valid[index], finest=level == 2)
            losses[f'loss_stride{2**level}'] = weight * loss
        probabilities = self.decoder.probability(predictions[0])
        for loss_mask in self.mask_losses:
            losses['loss_mask'] = loss_mask(probabilities, masks[index], valid[index])
        return losses, probabilities

    def _cross_entropy(self, logits: Tensor, masks: Tensor, valid: Tensor, finest: bool) -> Tensor:
        """Mean over the known pixels. The finest logits are enlarged to the labels; for the others, the labels are
        averaged down."""
        weight = valid.float().expand(len(masks), 1, -1, -1)
        target = masks[:, None] * weight
        if finest:
            logits = F.interpolate(logits.float(), masks.shape[-2:], mode='bilinear', align_corners=self.decoder.align_corners)
        else:
            height, width = logits.shape[-2:]
            target, weight = (F.adaptive_avg_pool2d(x, (height, width)) for x in (target, weight))
            target = target / weight.clamp(min=1e-6)
        margin = (logits[:, 1:] - logits[:, :1]).float()  # of a softmax over two channels
        loss = F.binary_cross_entropy_with_logits(margin, target, reduction='none')
        return (loss * weight).sum() / weight.sum().clamp(min=1e-6)
