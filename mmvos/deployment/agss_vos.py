"""AGSS-VOS: what is common to all objects of a group, and what is of each, as graphs; flow and aggregation in torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.flow import DISFlow, FarnebackFlow, FlowEstimator, ZeroFlow
from mmvos.models.segmentors.agss_vos import AGSSVOS, AGSSState
from mmvos.registry import MODELS
from mmvos.structures import InputError

from .exported_model import ExportedModel
from .graphs import Graph, Wrapped

#: estimators of optical flow without weights, and their settings
FLOWS: dict[type[FlowEstimator], tuple[str, ...]] = {
    DISFlow: ('preset', 'finest_scale'),
    FarnebackFlow: ('pyr_scale', 'levels', 'winsize', 'iterations', 'poly_n', 'poly_sigma'),
    ZeroFlow: (),
}
_BY_NAME = {cls.__name__: cls for cls in FLOWS}


class ExportedAGSSVOS(ExportedModel, AGSSVOS):
    """AGSS-VOS as four graphs for any number of objects and of groups of them:

    - ``reference``: what is used of a frame in which objects are given, with the mask of all of them;
    - ``agnostic``: the instance-agnostic module, once for each group;
    - ``specific``: features and attention of each object;
    - ``decode``: their probabilities.

    Optical flow is OpenCV's; carrying masks along it, groups and aggregation are torch.
    """

    GRAPHS = ('reference', 'agnostic', 'specific', 'decode')
    NUMBERS = ('half', 'drop_vanished', 'use_norm', 'use_flow', 'legacy', 'flow_bgr')
    PARTS = ('flow',)
    use_iam = True

    def build_parts(self, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> None:
        self.flow = _built(parts['flow'])
        self.label_rule = 'half' if numbers['half'] else 'argmax'
        self.warp_grid = 'legacy' if numbers['legacy'] else 'exact'
        for name in ('drop_vanished', 'use_norm', 'use_flow', 'flow_bgr'):
            setattr(self, name, bool(numbers[name]))

    @classmethod
    def numbers_of(cls, model: Any) -> dict[str, float]:
        found = dict(half=model.label_rule == 'half', legacy=model.warp_grid == 'legacy')
        return {name: float(found.get(name, getattr(model, name, False))) for name in cls.NUMBERS}

    @classmethod
    def parts_of(cls, model: Any) -> dict[str, dict[str, Any]]:
        kind = type(model.flow)
        if kind not in FLOWS:
            raise InputError(f'{kind.__name__} cannot be exported; expected a flow of {", ".join(_BY_NAME)}.')
        return dict(flow=dict({name: getattr(model.flow, name) for name in FLOWS[kind]}, type=kind.__name__))

    def init_state(self, frame: Frame, masks: Tensor) -> AGSSState:
        self.image_of(frame)
        return super().init_state(frame, masks)

    def encode_reference(self, image: Tensor, masks: Tensor) -> Tensor:
        return self.run('reference', image=image, mask=masks.amax(0)[None, None])['known']

    def _known(self, reference: Tensor) -> Tensor:
        return reference

    def agnostic_features(self, image: Tensor, groups: Sequence[Tensor], known: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        merged = torch.stack([group.amax(0) for group in groups])[:, None]
        found = self.run('agnostic', image=image, merged=merged, known=torch.cat(list(known)))
        return found['skip'], found['agnostic']

    def specific_features(self, image: Tensor, masks: Tensor, skips: Tensor, num_groups: int) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        found = self.run('specific', image=image, masks=masks)
        return found['visual'], found['attention']

    def decode(self, visual: Tensor, specific: Tensor) -> Tensor:
        return self.run('decode', visual=visual, specific=specific)['probabilities']

    @classmethod
    def graphs_of(cls, model: Any, size: tuple[int, int]) -> list[Graph]:
        if not (model.use_iam and model.use_ism):
            raise InputError('AGSSVOS: use_iam or use_ism is False; only the model with both modules can be exported.')

        def reference(image: Tensor, mask: Tensor) -> Tensor:
            return model.decoder.of_reference(model.encoder(image, mask)[-1])

        def agnostic(image: Tensor, merged: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
            skip = model.encoder(image, merged, num_stages=1)[0]
            return skip, model.decoder.coarse_with(model.encoder.later_stages(skip), known)[0]

        def specific(image: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
            encoder = model.instance_encoder if model.has_instance_encoder else model.encoder
            visual = encoder(image, masks[:, None], num_stages=1)[0]
            return visual, model.attention(visual, masks[:, None])

        image, masks = torch.zeros(1, 3, *size), torch.zeros(3, *size)
        known = reference(image, masks[:1, None])
        given = dict(image=image, merged=masks[:2, None], known=known.repeat(2, 1, 1, 1))
        shared = agnostic(**given)[1]
        visual, attention = specific(image, masks)
        objects, groups = {0: 'objects'}, {0: 'groups'}
        own = [model.instance_encoder] if model.has_instance_encoder else [model.encoder]
        decoded = dict(visual=visual, specific=attention * shared[:1])
        return [
            Graph(
                'reference',
                Wrapped(reference, model.encoder, model.decoder),
                dict(image=image, mask=masks[:1, None]),
                ('known',),
            ),
            Graph(
                'agnostic',
                Wrapped(agnostic, model.encoder, model.decoder),
                given,
                ('skip', 'agnostic'),
                dict(merged=groups, known=groups),
            ),
            Graph(
                'specific',
                Wrapped(specific, *own, model.attention),
                dict(image=image, masks=masks),
                ('visual', 'attention'),
                dict(masks=objects),
            ),
            Graph('decode', Wrapped(model.decode, model.decoder), decoded, ('probabilities',), dict.fromkeys(decoded, objects)),
        ]


def _built(config: Any) -> FlowEstimator:
    """The estimator of a config that comes from a file.

    Raises:
        InputError: another kind, or settings that it does not have.
    """
    kind = _BY_NAME.get(str(config.get('type'))) if isinstance(config, Mapping) else None
    if kind is None:
        raise InputError(f'parts.flow is {config!r}; expected the settings of one of {", ".join(_BY_NAME)}.')
    for name, value in config.items():
        good = value is None or isinstance(value, (int, float)) or name == 'preset' and value in DISFlow.PRESETS
        if name != 'type' and not (name in FLOWS[kind] and good):
            raise InputError(f'parts.flow.{name} is {value!r}; expected numbers for {", ".join(FLOWS[kind]) or "nothing"}.')
    try:
        estimator: FlowEstimator = MODELS.build(dict(config))
    except (TypeError, ValueError) as error:
        raise InputError(f'parts.flow: {error}') from error
    return estimator
