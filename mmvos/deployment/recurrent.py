"""A-GAME and MatchVOS: what a frame gives, how an object begins, and what is predicted of it, as graphs."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from mmengine.model import ModuleDict
from torch import Tensor, nn

from mmvos.inference import Frame
from mmvos.models.cues.gaussian_appearance import GaussianAppearance, GaussianMixture
from mmvos.models.cues.mask_propagation import MaskPropagation, PropagatedMask
from mmvos.models.segmentors.agame import AGAME, AGAMEState
from mmvos.models.segmentors.recurrent_training import FrameFeatures, MaskPrediction, RecurrentlyTrainedModel
from mmvos.structures import InputError

from .exported_model import ExportedModel
from .graphs import SEVERAL, Graph, Wrapped
from .runtime import OnnxGraph

#: the cues, by the names that models give them
CUES = dict(appearance=GaussianAppearance, mask_propagation=MaskPropagation)
#: names of the graphs and of the numbers beside them
GRAPHS = ('encode', 'appearance', 'reference', 'predict')
NUMBERS = ('update_rate', 'product')


class _ExportedAppearance(GaussianAppearance):
    """The Gaussians of objects, estimated by a graph."""

    def __init__(self, graph: OnnxGraph, update_rate: float) -> None:
        nn.Module.__init__(self)
        self.graph, self.update_rate = graph, update_rate

    def fit(self, features: Tensor, masks: Tensor) -> GaussianMixture:
        count = len(masks)
        several = masks if count > 1 else torch.cat([masks, masks])  # the graph is for two and more
        found = self.graph(dict(features=features, masks=several))
        return GaussianMixture(**{name: values[:count] for name, values in found.items()})


class _ExportedPropagation(MaskPropagation):
    """Masks of objects; the share of the frame in which they begin comes from a graph."""

    def __init__(self, graph: OnnxGraph) -> None:
        nn.Module.__init__(self)
        self.graph = graph

    def project_reference(self, x: Tensor) -> Tensor:
        return self.graph(dict(features=x))['reference']


class ExportedRecurrentModel(ExportedModel, RecurrentlyTrainedModel):
    """What the graphs of A-GAME and of MatchVOS have in common."""

    GRAPHS, NUMBERS = GRAPHS, NUMBERS
    with_cp = False

    @classmethod
    def numbers_of(cls, model: Any) -> dict[str, float]:
        return numbers_of(model)

    def renewing_masks(
        self, mode: str, prediction: MaskPrediction, foreground: Tensor, aggregated: Tensor, size: Sequence[int]
    ) -> Tensor:
        if mode == 'coarse':
            return prediction.fused  # the graph gives the coarse masks in its place
        return super().renewing_masks(mode, prediction, foreground, aggregated, size)


class ExportedAGAME(ExportedRecurrentModel, AGAME):
    """A-GAME as four graphs:

    - ``encode``: what a frame gives to the cues and the upsampler;
    - ``appearance``: the Gaussians of objects; ``reference``: the mask propagation's share of the frame in which they begin;
    - ``predict``: the masks of any number of objects, and the map that the coarse ones come from.

    Aggregation, and the states of the objects, are torch.
    """

    def build_parts(self, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.cues, self.background = exported_cues(self.graphs, numbers), background_of(numbers)

    def _extract_from_frame(self, frame: Frame) -> FrameFeatures:
        return features_from(self.run('encode', image=self.image_of(frame)), self.description.input_size)

    def _predict(self, features: FrameFeatures, state: AGAMEState) -> MaskPrediction:
        return MaskPrediction(**self.run('predict', **named_features(features), **named_state(state.cues)))

    @classmethod
    def graphs_of(cls, model: Any, size: tuple[int, int]) -> list[Graph]:
        image = torch.zeros(1, 3, *size)
        features = model.extract_feat(image)

        def encode(image: Tensor) -> tuple[Tensor, ...]:
            return tuple(named_features(model.extract_feat(image), deep=True).values())

        names = list(named_features(features, deep=True))
        parts = (model.backbone, model.neck, model.cues, model.upsampler)
        return [Graph('encode', Wrapped(encode, *parts), dict(image=image), names), *graphs_of_objects(model, features)]


def exported_cues(graphs: Mapping[str, OnnxGraph], numbers: Mapping[str, float]) -> ModuleDict:
    """The cues of a model whose networks are graphs."""
    appearance = _ExportedAppearance(graphs['appearance'], numbers['update_rate'])
    return ModuleDict(dict(appearance=appearance, mask_propagation=_ExportedPropagation(graphs['reference'])))


def background_of(numbers: Mapping[str, float]) -> str:
    """How the background's probability comes from the objects'."""
    return 'product' if numbers['product'] else 'min'


def numbers_of(model: Any) -> dict[str, float]:
    """Values of :data:`NUMBERS`."""
    check_cues(model)
    return dict(update_rate=model.cues['appearance'].update_rate, product=float(model.background == 'product'))


def features_from(maps: Mapping[str, Tensor], image_size: Sequence[int]) -> FrameFeatures:
    """The outputs of ``encode`` as the method holds them."""
    cues = dict(appearance=(maps['appearance'],), mask_propagation=(maps['current'], maps['deep']))
    skips = [tensor for name, tensor in maps.items() if name.startswith('skip_')]
    return FrameFeatures(cues, skips, maps['deep'].shape[-2:], image_size)


def check_cues(model: Any) -> None:
    """Raise InputError for a model without one of the two cues, or with others."""
    found = {name: type(cue) for name, cue in model.named_cues}
    if found != CUES:
        raise InputError(
            f'{type(model).__name__}: has the cues {", ".join(found)}; a model with {" and ".join(CUES)} can be exported.'
        )


def named_features(features: FrameFeatures, deep: bool = False) -> dict[str, Tensor]:
    """What a frame gives, by the names that graphs know it by.

    Args:
        features (FrameFeatures): features of a frame.
        deep (bool): with the map that objects begin from.
    """
    current, deepest = features.cues['mask_propagation']
    skips = {f'skip_{i}': skip for i, skip in enumerate(features.skips)}
    maps = dict(appearance=features.cues['appearance'][0], current=current)
    return {**maps, **(dict(deep=deepest) if deep else {}), **skips}


def named_state(cues: Mapping[str, Any]) -> dict[str, Tensor]:
    """What is known of objects, by the names that graphs know it by."""
    mixture, mask = cast(GaussianMixture, cues['appearance']), cast(PropagatedMask, cues['mask_propagation'])
    return dict(
        means=mixture.means,
        variances=mixture.variances,
        reference=mask.reference,
        first_mask=mask.first_mask,
        previous_mask=mask.previous_mask,
    )


def graphs_of_objects(model: Any, features: FrameFeatures, further: Mapping[str, Tensor] | None = None) -> list[Graph]:
    """The graphs ``appearance``, ``reference`` and ``predict`` of a model.

    Args:
        model (RecurrentlyTrainedModel): the model.
        features (FrameFeatures): features of a frame.
        further (Mapping[str, Tensor]): further cues of three objects, which ``predict`` takes.
    """
    further = further or {}
    appearance, propagation = model.cues['appearance'], model.cues['mask_propagation']
    masks = torch.full((3, 2, *features.size), 0.5)
    objects = {0: 'objects'}
    projected, deep = features.cues['appearance'][0], features.cues['mask_propagation'][1]

    def fit(features: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        mixture = appearance.fit(features, masks)
        return mixture.means, mixture.variances

    cues = {name: cue.start(features.cues[name], masks) for name, cue in model.named_cues}
    frame, state = named_features(features), {k: v.clone() for k, v in named_state(cues).items()}
    image_size = tuple(features.image_size)

    def predict(*values: Tensor) -> tuple[Tensor, Tensor]:
        given = dict(zip([*frame, *state, *further], values, strict=True))
        read = [
            appearance(given['appearance'], GaussianMixture(given['means'], given['variances'])),
            propagation(given['current'], given['reference'], given['previous_mask'], given['first_mask']),
        ]
        fused = model.fusion([*read, *(given[name] for name in further)])
        final = model.upsampler(fused, [given[name] for name in frame if name.startswith('skip_')], image_size)
        if model.test_cfg.update_mask == 'coarse':
            fused = model.fusion.predict(fused).float().softmax(1)
        return final, fused

    return [
        Graph(
            'appearance',
            Wrapped(fit, appearance),
            dict(features=projected, masks=masks),
            ('means', 'variances'),
            dict(masks={0: SEVERAL}),
        ),
        Graph('reference', Wrapped(propagation.project_reference, propagation), dict(features=deep), ('reference',)),
        Graph(
            'predict',
            Wrapped(predict, appearance, propagation, model.fusion, model.upsampler),
            {**frame, **state, **further},
            ('final', 'fused'),
            dict.fromkeys([*state, *further], objects),
        ),
    ]
