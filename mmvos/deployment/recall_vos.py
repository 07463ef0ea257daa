"""RecallVOS: what a frame gives, what the memory says of it, and the refinement within boxes, as graphs."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmvos.inference import Frame
from mmvos.models.heads.recall_head import Boxes, ObjectRows, within_reach
from mmvos.models.matching.label_ridge import LabelRidge
from mmvos.models.matching.ridge_target import Moments
from mmvos.models.necks.recall_neck import RecallMaps
from mmvos.models.segmentors.recall_vos import RecallMemory, RecallVOS
from mmvos.structures import InputError

from .exported_model import ExportedModel
from .graphs import Graph, Wrapped
from .object_rows import RowsOfOneVideo

#: side of the coarsest cells
STRIDE = 16
#: moments, which no graph reads
_NOTHING = Moments(torch.zeros(0), torch.zeros(0))


class ExportedRecallVOS(ExportedModel, RecallVOS):
    """RecallVOS as three graphs:

    - ``encode``: the maps of a frame;
    - ``decode``: reads from the memory and from the target model, and the part of the head at stride 8;
    - ``refine``: the head's part at strides 4 and 2, for boxes of any size.

    The target model is fitted, and the memory is kept, in torch.
    """

    GRAPHS = ('encode', 'decode', 'refine')
    NUMBERS = ('log_ridge', 'certain', 'margin')

    def build_parts(self, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.target = LabelRidge(numbers['log_ridge'])
        self.certain, self.margin = numbers['certain'], int(numbers['margin'])

    @classmethod
    def numbers_of(cls, model: RecallVOS) -> dict[str, float]:
        return dict(log_ridge=model.target.log_ridge.item(), certain=model.head.certain, margin=model.head.margin)

    def _extract_from_frame(self, frame: Frame) -> RecallMaps:
        fine_keys, keys, target, context, *skips = self.run('encode', image=self.image_of(frame)).values()
        return RecallMaps(fine_keys, keys, target, context, (skips[0], skips[1]))

    def segment(self, maps: RecallMaps, memory: RecallMemory, rows: ObjectRows) -> Tensor:
        x, coarse = self.run(
            'decode',
            fine_keys=maps.fine_keys,
            keys=maps.keys,
            target=maps.target,
            context=maps.context,
            last_keys=memory.maps.fine_keys,
            last_labels=memory.fine_labels,
            prompt_keys=memory.prompt_keys,
            prompt_labels=memory.prompt_labels,
            bank_keys=memory.bank_keys,
            bank_labels=memory.bank_labels,
            weights=memory.weights,
        ).values()
        coarse = within_reach(coarse, rows.own(memory.fine_labels), self.test_cfg.reach)
        boxes = Boxes.around(coarse[:, 0], self.certain, self.margin)
        return boxes.refined(self._refine, x, coarse, maps.skips, rows.videos)[:, 0]

    def _refine(self, x: Tensor, at_4: Tensor, at_2: Tensor) -> Tensor:
        return self.run('refine', x=x, at_4=at_4, at_2=at_2)['added']

    @classmethod
    def graphs_of(cls, model: RecallVOS, size: tuple[int, int]) -> list[Graph]:
        if any(side % STRIDE for side in size):
            raise InputError(
                f"{type(model).__name__}: the network's size {size[1]}x{size[0]} is no multiple of {STRIDE}; give "
                f'test_cfg.resize a divisor of {STRIDE}.'
            )
        image = torch.zeros(1, 3, *size)
        with torch.no_grad():
            maps = model.extract_feat(image)
        return [_encode(model, image), _decode(model, maps), _refine(model, maps)]


def _encode(model: RecallVOS, image: Tensor) -> Graph:
    def encode(image: Tensor) -> tuple[Tensor, ...]:
        maps = model.extract_feat(image)
        return (*maps[:4], *maps.skips)

    outputs = ('fine_keys', 'keys', 'target', 'context', 'skip_4', 'skip_2')
    return Graph('encode', Wrapped(encode, model.backbone, model.neck), dict(image=image), outputs)


def _decode(model: RecallVOS, maps: RecallMaps) -> Graph:
    fine, coarse = maps.fine_keys.shape[-2:], maps.keys.shape[-2:]
    channels, labels, prompts, bank = maps.keys.shape[1], 4, 3, 2
    inputs = dict(
        fine_keys=maps.fine_keys,
        keys=maps.keys,
        target=maps.target,
        context=maps.context,
        last_keys=maps.fine_keys,
        last_labels=torch.zeros(1, labels, *fine),
        prompt_keys=torch.zeros(1, channels, prompts, *coarse),
        prompt_labels=torch.zeros(1, labels, prompts, *coarse),
        bank_keys=torch.zeros(1, channels, bank, *coarse),
        bank_labels=torch.zeros(1, labels, bank, *coarse),
        weights=torch.zeros(1, maps.target.shape[1] + 1, labels),
    )
    dynamic = dict(
        last_labels={1: 'labels'},
        prompt_keys={2: 'prompts'},
        prompt_labels={1: 'labels', 2: 'prompts'},
        bank_keys={2: 'frames'},
        bank_labels={1: 'labels', 2: 'frames'},
        weights={2: 'labels'},
    )

    def decode(*values: Tensor) -> tuple[Tensor, Tensor]:
        given: dict[str, Any] = dict(zip(inputs, values, strict=True))
        skips = maps.skips  # not read
        now = RecallMaps(given['fine_keys'], given['keys'], given['target'], given['context'], skips)
        memory = RecallMemory(
            given['prompt_keys'],
            given['prompt_labels'],
            given['bank_keys'],
            given['bank_labels'],
            maps=now._replace(fine_keys=given['last_keys']),
            labels=given['last_labels'],  # not read
            fine_labels=given['last_labels'],
            prompt_moments=_NOTHING,
            recent_moments=_NOTHING,
            weights=given['weights'],
        )
        rows: Any = RowsOfOneVideo(given['last_labels'][0, 1:])
        return model.head.decode(now.context, model.recall(now, memory), rows)

    parts: list[nn.Module] = [model.local_read, model.prompt_read, model.bank_read, model.head]
    return Graph('decode', Wrapped(decode, *parts), inputs, ('x', 'coarse'), dynamic)


def _refine(model: RecallVOS, maps: RecallMaps) -> Graph:
    count, height, width = 3, 5, 6
    x = torch.zeros(count, model.head.narrow.out_channels, height, width)
    at_4, at_2 = (
        torch.zeros(count, skip.shape[1], factor * height, factor * width)
        for skip, factor in zip(maps.skips, (2, 4), strict=True)
    )
    inputs = dict(x=x, at_4=at_4, at_2=at_2)
    dynamic = {name: {0: 'objects', 2: f'height_{name}', 3: f'width_{name}'} for name in inputs}
    return Graph('refine', Wrapped(model.head.refine, model.head), inputs, ('added',), dynamic)
