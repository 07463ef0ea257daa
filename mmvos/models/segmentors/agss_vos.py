"""AGSS-VOS: attention-guided single-shot video object segmentation (Lin et al., ICCV 2019).

The previous masks are carried to the frame by optical flow. What is common to all objects is computed once
(instance-agnostic module, IAM); an attention map per object (instance-specific module, ISM) picks the object out of it.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.segmentors.stepwise_training import Losses, StepwiseTrainedModel
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample

from ..flow import warp
from ..heads import aggregate_objects
from .base import PER_OBJECT


@dataclass
class AGSSState:
    """Objects that were given in one frame are a group: it has its own reference, merged mask and normalisation.

    ``probabilities``: of the last frame, float ``(N, h, w)``. ``groups``: per object, the frame in which it was given,
    ascending. ``references``: per group, features ``(1, C, h/32, w/32)`` of that frame with the group's masks.
    ``pixels``: the last frame.
    """

    probabilities: Tensor = field(metadata=PER_OBJECT)
    groups: list[int] = field(metadata=PER_OBJECT)
    references: dict[int, Tensor | None]
    pixels: Tensor


@MODELS.register_module()
class AGSSVOS(StepwiseTrainedModel):
    """All objects in one pass.

    The switches of the paper's Table 4 change the network, which has to be trained anew.

    Args:
        encoder: config of a :class:`MaskedResNet`.
        decoder: config of a :class:`PropagationDecoder`.
        attention: config of an :class:`AttentionGenerator` (unused without ``use_ism``).
        loss_mask: config of the loss of masks.
        flow: config of a flow estimator (unused without ``use_flow``; default: DIS). One with trainable parameters is
            trained with the rest.
        use_flow: carry the previous masks along the flow; else they are used where they were.
        use_ism: multiply the shared features by an object's attention; else by its mask.
        use_iam: with shared features; else the attention itself is decoded.
        use_norm: normalise the objects' probabilities against each other (equations 4 and 5).
        label_rule: ``'half'``: background has the score 0.5 (published code); ``'argmax'``: its own normalised
            probability (equation 6).
        drop_vanished: an object whose carried mask nowhere exceeds 0.5 is given up (YouTube-VOS).
        instance_encoder: config of an encoder of its own for the instance-specific features (the paper speaks of two
            residual blocks); default: the first stage of ``encoder``, as in the published code.
        warp_grid: see :func:`~mmvos.models.flow.warp`; ``'legacy'`` for the published weights.
        flow_bgr: hand BGR to the flow estimator, as the published code does.
        kwargs: of :class:`StepwiseTrainedModel`.
    """

    def __init__(
        self,
        encoder: dict,
        decoder: dict,
        attention: dict,
        loss_mask: dict,
        flow: dict | None = None,
        use_flow: bool = True,
        use_ism: bool = True,
        use_iam: bool = True,
        use_norm: bool = True,
        label_rule: str = 'half',
        drop_vanished: bool = False,
        instance_encoder: dict | None = None,
        warp_grid: str = 'exact',
        flow_bgr: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not (use_ism or use_iam):
            raise ValueError('use_ism and use_iam are both False: nothing is left to decode.')
        if label_rule not in ('half', 'argmax'):
            raise ValueError(f"label_rule is {label_rule!r}; expected 'half' or 'argmax'.")
        if not use_iam:  # layers that would never run
            encoder = dict(encoder, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,))
            decoder = dict(decoder, with_coarse=False)
        self.encoder, self.decoder = MODELS.build(encoder), MODELS.build(decoder)
        self.attention = MODELS.build(attention) if use_ism else None
        self.instance_encoder = MODELS.build(instance_encoder) if instance_encoder else None
        self.flow = MODELS.build(flow or dict(type='DISFlow')) if use_flow else None
        self.loss_mask = MODELS.build(loss_mask)
        self.use_iam, self.use_norm, self.label_rule = use_iam, use_norm, label_rule
        self.drop_vanished, self.warp_grid, self.flow_bgr = drop_vanished, warp_grid, flow_bgr

    # the network ------------------------------------------------------------------------------------------------------

    def reference(self, image: Tensor, masks: Tensor) -> Tensor | None:
        """Features ``(1, C, h/32, w/32)`` of a frame in which objects ``(N, h, w)`` are given."""
        return self.encoder(image, masks.amax(0)[None, None])[-1] if self.use_iam else None

    def carry(self, masks: Tensor, pixels: Tensor, previous_pixels: Tensor, flow: Tensor | None = None) -> Tensor:
        """Masks ``(N, h, w)`` of the previous frame, brought to the frame along ``flow`` (estimated if None)."""
        if self.flow is None:
            return masks
        if flow is None:
            frames = (pixels, previous_pixels)
            flow = self.flow(*(f.flip(1) for f in frames) if self.flow_bgr else frames)
        return warp(masks[None], flow, self.warp_grid)[0]

    def segment(self, image: Tensor, masks: Tensor, references: list[Tensor | None], sizes: list[int]) -> Tensor:
        """Probabilities ``(N, h, w)`` of all objects of a frame.

        Args:
            image: ``(1, 3, h, w)``, normalised.
            masks: the objects' carried masks, 0..1 ``(N, h, w)``.
            references: of the groups.
            sizes: number of objects in each group, in the order of ``masks``.
        """
        merged = torch.stack([group.amax(0) for group in masks.split(sizes)])
        if self.use_iam:
            skip, *features = self.encoder(image, merged[:, None])
            agnostic = self.decoder.coarse(features, torch.cat(references))[0]
            of_group = torch.repeat_interleave(torch.tensor(sizes, device=image.device))
        if self.attention is not None:
            visual = (self.instance_encoder or self.encoder)(image, masks[:, None], num_stages=1)[0]
            specific = self.attention(visual, masks[:, None])
            if self.use_iam:
                specific = agnostic[of_group] * specific
        else:
            visual = skip[of_group]
            shrunk = F.interpolate(masks[:, None], agnostic.shape[-2:], mode='bilinear', align_corners=False)
            specific = agnostic[of_group] * shrunk
        probabilities = self.decoder.probability(self.decoder.predict(self.decoder.fine(visual, specific)))
        if not self.use_norm:
            return probabilities
        return torch.cat([aggregate_objects(group)[1:] for group in probabilities.split(sizes)])

    # inference --------------------------------------------------------------------------------------------------------

    def init_state(self, frame: Frame, masks: Tensor) -> AGSSState:
        return AGSSState(masks, [frame.index] * len(masks), {frame.index: self.reference(frame.image, masks)}, frame.pixels)

    def step(self, frame: Frame, state: AGSSState) -> tuple[Tensor, AGSSState]:
        masks = self.carry(state.probabilities, frame.pixels, state.pixels)
        sizes = Counter(state.groups)  # in the order of the objects
        probabilities = self.segment(frame.image, masks, [state.references[g] for g in sizes], list(sizes.values()))
        if self.drop_vanished:
            probabilities = probabilities * (masks.flatten(1).amax(1) > 0.5)[:, None, None]
        scores = self.scores(probabilities, list(sizes.values()))
        return scores, replace(state, probabilities=probabilities, pixels=frame.pixels)

    def scores(self, probabilities: Tensor, sizes: list[int]) -> Tensor:
        """Normalised probabilities ``(N, h, w)`` to scores ``(N + 1, h, w)`` whose arg max is the label.

        ``'argmax'`` with several groups: a pixel is background if every group says so; else the best of the objects
        that beat their own group's background gets it.
        """
        if self.label_rule == 'half' or not self.use_norm:
            return torch.cat([torch.full_like(probabilities[:1], 0.5), probabilities])
        groups = probabilities.split(sizes)
        backgrounds = [1 - group.sum(0, keepdim=True) for group in groups]
        voting = [group * (group > background) for group, background in zip(groups, backgrounds, strict=True)]
        return torch.cat([torch.cat(backgrounds).amin(0, keepdim=True), *voting])

    def probabilities(self, scores: Tensor) -> Tensor:
        """An object that is judged against 0.5 has its odds as its share."""
        if self.label_rule == 'half' or not self.use_norm:
            return aggregate_objects(scores[1:], scores[0])
        return super().probabilities(scores)

    def add_objects(self, frame: Frame, masks: Tensor, state: AGSSState) -> AGSSState:
        new = self.init_state(frame, masks)
        return AGSSState(
            torch.cat([state.probabilities, masks]),
            state.groups + new.groups,
            {**state.references, **new.references},
            frame.pixels,
        )

    def keep_objects(self, indices: list[int], state: AGSSState) -> AGSSState:
        state = super().keep_objects(indices, state)
        return replace(state, references={g: state.references[g] for g in set(state.groups)})

    # training ---------------------------------------------------------------------------------------------------------

    def frame_loss(
        self, clip: Tensor, index: int, masks: Tensor, previous: Tensor, valid: Tensor, sample: VOSDataSample
    ) -> tuple[Losses, Tensor]:
        cached = sample.get('flow_bwd')
        pixels, previous_pixels = (self.data_preprocessor.pixels(clip[i : i + 1]) for i in (index, index - 1))
        carried = self.carry(previous, pixels, previous_pixels, None if cached is None else cached[index : index + 1])
        reference = self.reference(clip[:1], masks[0])
        probabilities = self.segment(clip[index : index + 1], carried, [reference], [len(carried)])
        return dict(loss_mask=self.loss_mask(probabilities, masks[index], valid[index])), probabilities
