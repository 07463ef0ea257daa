"""RGMP: references and masks, each as one graph over all scales."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.segmentors.rgmp import RGMP, RGMPState

from .exported_model import ExportedModel
from .graphs import Graph, Wrapped


class ExportedRGMP(ExportedModel, RGMP):
    """RGMP as two graphs for any number of objects:

    - ``reference``: features of objects in the frame in which they are given, at every scale;
    - ``segment``: their probabilities in a frame, the mean over the scales.

    Groups and the aggregation of objects are torch.
    """

    GRAPHS = ('reference', 'segment')

    def init_state(self, frame: Frame, masks: Tensor) -> RGMPState:
        self.image_of(frame)
        return super().init_state(frame, masks)

    def _references(self, image: Tensor, masks: Tensor) -> list[Tensor]:
        return list(self.run('reference', image=image, masks=masks).values())

    def segment(self, image: Tensor, masks: Tensor, references: Sequence[Tensor]) -> Tensor:
        named = {f'reference_{i}': reference for i, reference in enumerate(references)}
        return self.run('segment', image=image, masks=masks, **named)['probabilities']

    @classmethod
    def graphs_of(cls, model: Any, size: tuple[int, int]) -> list[Graph]:
        def reference(image: Tensor, masks: Tensor) -> tuple[Tensor, ...]:
            return tuple(model._references(image, masks))

        def segment(image: Tensor, masks: Tensor, *references: Tensor) -> Tensor:
            return model.segment(image, masks, references)

        inputs = dict(image=torch.zeros(1, 3, *size), masks=torch.zeros(3, *size))
        names = [f'reference_{i}' for i in range(len(model.scales))]
        references = dict(zip(names, reference(**inputs), strict=True))
        dynamic = {name: {0: 'objects'} for name in ('masks', *names)}
        parts = (model.encoder, model.decoder)
        return [
            Graph('reference', Wrapped(reference, model.encoder), inputs, names, {'masks': dynamic['masks']}),
            Graph('segment', Wrapped(segment, *parts), {**inputs, **references}, ('probabilities',), dynamic),
        ]
