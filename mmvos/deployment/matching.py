"""MatchVOS and FeaturePropagation: what a frame gives is a graph; labels are read from remembered frames in torch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.matching.label_memory import FrameKeys
from mmvos.models.segmentors.feature_propagation import FeaturePropagation
from mmvos.models.segmentors.matchvos import MatchFeatures, MatchState, MatchVOS
from mmvos.models.segmentors.recurrent_training import FrameFeatures

from .exported_model import ExportedModel
from .graphs import Graph, Wrapped
from .label_reading import built, settings_of
from .recurrent import (
    ExportedRecurrentModel,
    background_of,
    exported_cues,
    features_from,
    graphs_of_objects,
    named_features,
    named_state,
)


def _named_keys(frame: FrameKeys) -> dict[str, Tensor]:
    """What is matched of a frame, by the names that graphs know it by."""
    return dict(keys=frame.keys, **{f'map_{i}': m for i, m in enumerate(frame.maps)})


def _keys_from(maps: Mapping[str, Tensor]) -> FrameKeys:
    return FrameKeys(maps['keys'], tuple(tensor for name, tensor in maps.items() if name.startswith('map_')))


class ExportedFeaturePropagation(ExportedModel, FeaturePropagation):
    """FeaturePropagation as one graph, ``encode``: what is matched of a frame."""

    GRAPHS = ('encode',)
    PARTS = ('matching', 'refine')

    def build_parts(self, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.matching, self.refine = (built(parts[name], f'parts.{name}') for name in self.PARTS)

    @classmethod
    def parts_of(cls, model: Any) -> dict[str, Any]:
        return {name: settings_of(getattr(model, name)) for name in cls.PARTS}

    def _extract_from_frame(self, frame: Frame) -> list[FrameKeys]:
        return [_keys_from(self.run('encode', image=self.image_of(frame)))]

    @classmethod
    def graphs_of(cls, model: Any, size: tuple[int, int]) -> list[Graph]:
        def encode(image: Tensor) -> tuple[Tensor, ...]:
            return tuple(_named_keys(model.extract_feat(image)[0]).values())

        image = torch.zeros(1, 3, *size)
        names = list(_named_keys(model.extract_feat(image)[0]))
        return [Graph('encode', Wrapped(encode, model.backbone, model.matching), dict(image=image), names)]


class ExportedMatchVOS(ExportedRecurrentModel, MatchVOS):
    """MatchVOS as the graphs of A-GAME (:class:`~mmvos.deployment.recurrent.ExportedAGAME`); ``encode`` also gives what is
    matched, and ``predict`` takes what was read.
    """

    PARTS = ('matching', 'prior_upsampler')

    def build_parts(self, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> None:
        self.cues, self.background = exported_cues(self.graphs, numbers), background_of(numbers)
        self.matching, self.prior_upsampler = (built(parts[name], f'parts.{name}') for name in self.PARTS)

    @classmethod
    def parts_of(cls, model: Any) -> dict[str, Any]:
        return {name: settings_of(getattr(model, name)) for name in cls.PARTS}

    def _extract_from_frame(self, frame: Frame) -> MatchFeatures:
        maps = self.run('encode', image=self.image_of(frame))
        features = features_from(maps, self.description.input_size)
        return MatchFeatures([_keys_from(maps)], self.data_preprocessor.pixels(frame.image), features)

    def _correct(self, features: FrameFeatures, state: MatchState, matched: Tensor) -> tuple[Tensor, Tensor]:
        made = self.run('predict', **named_features(features), **named_state(state.cues), matched=matched)
        return made['final'], made['fused']

    @classmethod
    def graphs_of(cls, model: Any, size: tuple[int, int]) -> list[Graph]:
        def encode(image: Tensor) -> tuple[Tensor, ...]:
            return tuple(_named(model.extract_feat(image)).values())

        image = torch.zeros(1, 3, *size)
        features = model.extract_feat(image)
        matched = torch.zeros(3, model.matching.out_channels, *features.size)
        parts = (model.backbone, model.neck, model.cues, model.upsampler, model.matching)
        graph = Graph('encode', Wrapped(encode, *parts), dict(image=image), list(_named(features)))
        return [graph, *graphs_of_objects(model, features.network, dict(matched=matched))]


def _named(features: MatchFeatures) -> dict[str, Tensor]:
    return {**_named_keys(features.keys[0]), **named_features(features.network, deep=True)}
