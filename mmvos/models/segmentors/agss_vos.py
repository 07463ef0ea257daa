"""AGSS-VOS: attention-guided single-shot video object segmentation (Lin et al., ICCV 2019).

The previous masks are carried to the frame by optical flow. What is common to all objects is computed once
(instance-agnostic module, IAM); an attention map per object (instance-specific module, ISM) picks the object out of it::

    frame, all masks as one --- encoder ---- global convolution with the reference --- agnostic features
                                                                                            |
    frame, mask of object k --- first stage --- attention k -------------------------------(x)--- decoder --- mask k
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from mmvos.inference import Frame
from mmvos.models.segmentors.stepwise_training import Losses, StepwiseTrainedModel, members_of, new_group
from mmvos.registry import MODELS
from mmvos.structures import PER_OBJECT, InputError, VOSDataSample

from ..attention.attention_generator import MaskAsAttention
from ..flow import ZeroFlow, warp
from ..heads import aggregate_objects


@dataclass
class AGSSState:
    """What goes from frame to frame. Objects that were given together are a group: it has its own reference, merged mask
    and normalisation.

    Args:
        probabilities (Tensor): probabilities of the objects in the last frame, float ``(N, h, w)``.
        groups (list[int]): number of each object's group (:func:`new_group`).
        references (dict[int, Tensor]): for each group, what the decoder needs of its frame with its masks,
            ``(1, C, h/32, w/32)``.
        pixels (Tensor): the last frame ``(1, 3, h, w)``.
    """

    probabilities: Tensor = field(metadata=PER_OBJECT)
    groups: list[int] = field(metadata=PER_OBJECT)
    references: dict[int, Tensor]
    pixels: Tensor


@MODELS.register_module()
class AGSSVOS(StepwiseTrainedModel):
    """All objects in one pass.

    The switches of the paper's Table 4 change the network, which has to be trained with them.

    Args:
        encoder (dict): config of a :class:`MaskedResNet`.
        decoder (dict): config of a :class:`PropagationDecoder`.
        attention (dict): config of an :class:`AttentionGenerator` (unused without ``use_ism``).
        loss_mask (dict): config of the loss of masks.
        flow (dict | None): config of a flow estimator (unused without ``use_flow``; default: DIS). One with trainable
            parameters is trained with the rest.
        use_flow (bool): carry the previous masks along the flow; else they are used where they were.
        use_ism (bool): multiply the shared features by an object's attention; else by its mask.
        use_iam (bool): with shared features; else the attention itself is decoded.
        use_norm (bool): normalise the objects' probabilities against each other (equations 4 and 5).
        label_rule (str): ``'half'``: background has the score 0.5 (published code); ``'argmax'``: its own normalised
            probability (equation 6).
        drop_vanished (bool): an object whose carried mask nowhere exceeds 0.5 is given up (YouTube-VOS).
        instance_encoder (dict | None): config of an encoder of its own for the instance-specific features (the paper
            speaks of two residual blocks); default: the first stage of ``encoder``, as in the published code.
        warp_grid (str): see :func:`~mmvos.models.flow.warp`; ``'legacy'`` for the published weights.
        flow_bgr (bool): hand BGR to the flow estimator, as the published code does.
        kwargs (dict): keyword arguments of :class:`StepwiseTrainedModel`.

    Raises:
        InputError: neither ``use_ism`` nor ``use_iam``, or an unknown ``label_rule``.
    """

    def __init__(
        self,
        encoder: dict[str, Any],
        decoder: dict[str, Any],
        attention: dict[str, Any],
        loss_mask: dict[str, Any],
        flow: dict[str, Any] | None = None,
        use_flow: bool = True,
        use_ism: bool = True,
        use_iam: bool = True,
        use_norm: bool = True,
        label_rule: str = 'half',
        drop_vanished: bool = False,
        instance_encoder: dict[str, Any] | None = None,
        warp_grid: str = 'exact',
        flow_bgr: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not (use_ism or use_iam):
            raise InputError('AGSSVOS: use_ism and use_iam are both False; nothing is left to decode.')
        if label_rule not in ('half', 'argmax'):
            raise InputError(f"AGSSVOS: label_rule is {label_rule!r}; expected 'half' or 'argmax'.")
        if not use_iam:  # layers that would never run
            encoder = dict(encoder, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,))
            decoder = dict(decoder, with_coarse=False)
        self.encoder, self.decoder = MODELS.build(encoder), MODELS.build(decoder)
        self.attention = MODELS.build(attention) if use_ism else MaskAsAttention()
        self.has_instance_encoder = instance_encoder is not None
        if instance_encoder is not None:
            self.instance_encoder = MODELS.build(instance_encoder)
        self.flow = MODELS.build(flow or dict(type='DISFlow')) if use_flow else ZeroFlow()
        self.loss_mask = MODELS.build(loss_mask)
        self.use_flow, self.use_ism, self.use_iam, self.use_norm = use_flow, use_ism, use_iam, use_norm
        self.label_rule, self.drop_vanished = label_rule, drop_vanished
        self.warp_grid, self.flow_bgr = warp_grid, flow_bgr

    def encode_reference(self, image: Tensor, masks: Tensor) -> Tensor:
        """Features ``(1, C, h/32, w/32)`` of a frame in which objects are given; without channels where IAM is off.

        Args:
            image (Tensor): float ``(1, 3, h, w)``, normalised.
            masks (Tensor): float 0/1 ``(N, h, w)``.
        """
        return self.encoder(image, masks.amax(0)[None, None])[-1] if self.use_iam else image[:, :0]

    def estimate_flow(self, pixels: Tensor, previous_pixels: Tensor) -> Tensor:
        """Flow ``(1, 2, h, w)``, in pixels, from a frame to the one before.

        Args:
            pixels (Tensor): RGB ``(1, 3, h, w)``, 0..255.
            previous_pixels (Tensor): those of the frame before, ``(1, 3, h, w)``.
        """
        frames = (pixels, previous_pixels)
        return self.flow(*(f.flip(1) for f in frames) if self.flow_bgr else frames)

    def carry(self, masks: Tensor, flow: Tensor) -> Tensor:
        """Masks of the previous frame, brought to the frame along the flow: ``(N, h, w)``.

        Args:
            masks (Tensor): ``(N, h, w)``.
            flow (Tensor): ``(1, 2, h, w)``, of :meth:`estimate_flow`.
        """
        return warp(masks[None], flow, self.warp_grid)[0] if self.use_flow else masks

    def segment(self, image: Tensor, masks: Tensor, references: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
        """Probabilities ``(N, h, w)`` of all objects of a frame.

        Args:
            image (Tensor): ``(1, 3, h, w)``, normalised.
            masks (Tensor): the objects' carried masks, 0..1 ``(N, h, w)``.
            references (Sequence[Tensor]): ``(1, C, h/32, w/32)``, what :meth:`encode_reference` gave for each group.
            sizes (Sequence[int]): number of objects in each group, in the order of ``masks``.
        """
        return self._segment(image, masks, [self._known(reference) for reference in references], sizes)

    def _known(self, reference: Tensor) -> Tensor:
        """What can be computed of a reference frame once."""
        return self.decoder.of_reference(reference) if self.use_iam else reference

    def _segment(self, image: Tensor, masks: Tensor, known: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
        """:meth:`segment` with what :meth:`_known` gave for each reference."""
        group_of = torch.repeat_interleave(torch.tensor(sizes, device=image.device), output_size=len(masks))
        if self.use_iam:
            skip, agnostic = self.agnostic_features(image, masks.split(list(sizes)), known)
            visual, attention = self.specific_features(image, masks, skip[group_of], len(sizes))
            probabilities = self.decode(visual, agnostic[group_of] * attention)
        else:
            probabilities = self.decode(*self.specific_features(image, masks, image, len(sizes)))
        if not self.use_norm:
            return probabilities
        return torch.cat([aggregate_objects(group)[1:] for group in probabilities.split(list(sizes))])

    def agnostic_features(self, image: Tensor, groups: Sequence[Tensor], known: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Features of the instance-agnostic module, for each group: ``(G, C, h/4, w/4)`` and ``(G, C, h/8, w/8)``.

        Args:
            image (Tensor): float ``(1, 3, h, w)``, normalised.
            groups (Sequence[Tensor]): for each of G groups, carried masks ``(N, h, w)`` in [0, 1].
            known (Sequence[Tensor]): for each group, what the decoder keeps of its reference frame.
        """
        merged = torch.stack([group.amax(0) for group in groups])
        skip = self.encoder(image, merged[:, None], num_stages=1)[0]
        return skip, self.decoder.coarse_with(self.encoder.later_stages(skip), torch.cat(list(known)))[0]

    def specific_features(self, image: Tensor, masks: Tensor, skips: Tensor, num_groups: int) -> tuple[Tensor, Tensor]:
        """The instance-specific module: for each object features ``(N, C, h/4, w/4)`` and attention ``(N, C, h/8, w/8)``.

        With one object in each group, its features are those of its group, ``skips``.

        Args:
            image (Tensor): float ``(1, 3, h, w)``, normalised.
            masks (Tensor): carried masks ``(N, h, w)`` in [0, 1].
            skips (Tensor): features of the groups ``(G, C, h/4, w/4)``.
            num_groups (int): G.
        """
        shared = not self.has_instance_encoder and self.use_iam and len(masks) == num_groups
        visual = skips
        if self.use_ism and not shared:
            encoder = self.instance_encoder if self.has_instance_encoder else self.encoder
            visual = encoder(image, masks[:, None], num_stages=1)[0]
        return visual, self.attention(visual, masks[:, None])

    def decode(self, visual: Tensor, specific: Tensor) -> Tensor:
        """The attention-guided decoder: probabilities ``(N, h, w)``, each object on its own.

        Args:
            visual (Tensor): features ``(N, C, h/4, w/4)``.
            specific (Tensor): features at 1/8 after the attention, ``(N, C, h/8, w/8)``.
        """
        return self.decoder.probability(self.decoder.predict(self.decoder.fine(visual, specific)))

    # Inference

    def init_state(self, frame: Frame, masks: Tensor) -> AGSSState:
        """The given masks and the features of their frame."""
        references = {frame.index: self._known(self.encode_reference(frame.image, masks))}
        return AGSSState(masks, [frame.index] * len(masks), references, frame.pixels)

    def _flow_of(self, frame: Frame, last: Tensor) -> Tensor:
        return self.estimate_flow(frame.pixels, last)

    @override
    def look_ahead(self, frame: Frame, last: Frame) -> None:
        """The flow, where it is estimated on the CPU."""
        if self.flow.on_cpu:
            frame.once_with(self._flow_of, last.pixels)

    def step(self, frame: Frame, state: AGSSState) -> tuple[Tensor, AGSSState]:
        """Scores ``(N + 1, h, w)``, and the objects' probabilities, which are carried on."""
        members = members_of(state.groups)
        sizes = [len(places) for places in members.values()]
        order = torch.tensor(sum(members.values(), []), device=frame.image.device)  # group after group
        masks = self.carry(state.probabilities[order], frame.once_with(self._flow_of, state.pixels))
        probabilities = self._segment(frame.image, masks, [state.references[group] for group in members], sizes)
        if self.drop_vanished:
            probabilities = probabilities * (masks.flatten(1).amax(1) > 0.5)[:, None, None]
        background, objects = self.scores(probabilities, sizes).split([1, len(order)])
        places = order.argsort()
        scores = torch.cat([background, objects[places]])
        return scores, replace(state, probabilities=probabilities[places], pixels=frame.pixels)

    def scores(self, probabilities: Tensor, sizes: Sequence[int]) -> Tensor:
        """Scores ``(N + 1, h, w)``, background first, whose arg max is the label.

        ``'argmax'`` with several groups: a pixel is background if every group says so; else the best of the objects
        that beat their own group's background gets it.

        Args:
            probabilities (Tensor): normalised probabilities ``(N, h, w)``.
            sizes (Sequence[int]): number of objects in each group.
        """
        if self._background_is_half:
            return torch.cat([torch.full_like(probabilities[:1], 0.5), probabilities])
        groups = probabilities.split(list(sizes))
        backgrounds = [1 - group.sum(0, keepdim=True) for group in groups]
        voting = [group * (group > background) for group, background in zip(groups, backgrounds, strict=True)]
        return torch.cat([torch.cat(backgrounds).amin(0, keepdim=True), *voting])

    def probabilities(self, scores: Tensor) -> Tensor:
        """An object that is judged against 0.5 has its odds as its share."""
        return aggregate_objects(scores[1:], scores[0]) if self._background_is_half else super().probabilities(scores)

    @property
    def _background_is_half(self) -> bool:
        return self.label_rule == 'half' or not self.use_norm

    def add_objects(self, frame: Frame, masks: Tensor, state: AGSSState) -> AGSSState:
        """State in which the new objects are a group of their own.

        Args:
            frame (Frame): the frame in which they are given.
            masks (Tensor): ``(N, h, w)`` in [0, 1], at the network's size.
            state (AGSSState): state before.
        """
        group = new_group(frame.index, state.groups)
        return AGSSState(
            torch.cat([state.probabilities, masks]),
            state.groups + [group] * len(masks),
            {**state.references, group: self._known(self.encode_reference(frame.image, masks))},
            frame.pixels,
        )

    def keep_objects(self, indices: list[int], state: AGSSState) -> AGSSState:
        """As declared; the reference of an empty group is forgotten."""
        kept = super().keep_objects(indices, state)
        return replace(kept, references={g: kept.references[g] for g in set(kept.groups)})

    # Training

    def frame_loss(
        self, clip: Tensor, index: int, masks: Tensor, previous: Tensor, valid: Tensor, sample: VOSDataSample
    ) -> tuple[Losses, Tensor]:
        """Losses of one frame of a clip, and its masks' probabilities ``(N, H, W)``.

        Args:
            clip (Tensor): frames, float ``(T, 3, H, W)``, normalised; the first one is the reference.
            index (int): number of the frame in the clip, at least 1.
            masks (Tensor): true masks, ``(T, N, H, W)``, 0 or 1.
            previous (Tensor): masks of the frame before, ``(N, H, W)`` in [0, 1].
            valid (Tensor): ``(T, H, W)``, 0 where a pixel is void.
            sample (VOSDataSample): the clip's; its ``flow_bwd`` is used where it has one, else flow is estimated.
        """
        if 'flow_bwd' in sample:
            flow = sample.flow_bwd[index : index + 1]
        else:
            flow = self.estimate_flow(*(self.data_preprocessor.pixels(clip[i : i + 1]) for i in (index, index - 1)))
        carried = self.carry(previous, flow)
        reference = self.encode_reference(clip[:1], masks[0])
        probabilities = self.segment(clip[index : index + 1], carried, [reference], [len(carried)])
        return dict(loss_mask=self.loss_mask(probabilities, masks[index], valid[index])), probabilities
