"""RVOS: what a frame gives, and a slot of the decoder, as graphs; the recurrences are torch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.heads.conv_lstm import CellState, MaskPyramid
from mmvos.models.segmentors.rvos import RVOS
from mmvos.structures import InputError

from .exported_model import ExportedModel
from .graphs import Graph, Wrapped


class ExportedRVOS(ExportedModel, RVOS):
    """RVOS with given masks as two graphs:

    - ``encode``: the skips of a frame, and a state of zeros for each of them;
    - ``slot``: the mask and the states of a slot, or of any number of slots that do not need each other.
    """

    GRAPHS = ('encode', 'slot')
    NUMBERS = ('finest', 'spatial_recurrence', 'temporal_recurrence', 'spatial_on_first_frame')
    one_shot = prompted = True

    def build_parts(self, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.finest = int(numbers['finest'])
        for name in self.NUMBERS[1:]:
            setattr(self, name, bool(numbers[name]))

    @classmethod
    def numbers_of(cls, model: Any) -> dict[str, float]:
        if not model.one_shot:
            raise InputError('RVOS: mask_pyramid is None; only a model whose slots are given masks can be exported.')
        return dict(finest=float(model.mask_pyramid.finest), **{name: float(getattr(model, name)) for name in cls.NUMBERS[1:]})

    def _extract_from_frame(self, frame: Frame) -> list[Tensor]:
        return list(self.run('encode', image=self.image_of(frame)).values())

    def decode(self, skips: list[Tensor], num_slots: int, hidden: list[Tensor], masks: Tensor) -> tuple[Tensor, list[Tensor]]:
        """As the method's, with what the graph ``encode`` gives: skips, then states of zeros."""
        levels = len(skips) // 2
        skips, zeros = skips[:levels], skips[levels:]
        in_turn = self.spatial_recurrence or (self.spatial_on_first_frame and not (hidden and self.temporal_recurrence))
        past = [state[0] for state in hidden] if hidden and self.temporal_recurrence else None
        past = past or [zero.expand(num_slots, -1, -1, -1) for zero in zeros]
        given = MaskPyramid(levels, self.finest)(masks[0, :, None])
        logits, states = [], []
        state = [*zeros, *zeros]  # hidden states, then memories, of the slot before
        for rows in [slice(i, i + 1) for i in range(num_slots)] if in_turn else [slice(0, num_slots)]:
            if not in_turn:
                state = [zero.expand(num_slots, -1, -1, -1) for zero in state]
            named = _named(skips, [*state, *(p[rows] for p in past), *(g[rows] for g in given)])
            mask, *state = self.run('slot', **{name: tensor.contiguous() for name, tensor in named.items()}).values()
            logits.append(mask)
            states.append(state[:levels])
        return torch.cat(logits)[None, :, 0], [torch.cat(level)[None] for level in zip(*states, strict=True)]

    @classmethod
    def graphs_of(cls, model: Any, size: tuple[int, int]) -> list[Graph]:
        cls.numbers_of(model)
        image, count = torch.zeros(1, 3, *size), 3

        def encode(image: Tensor) -> tuple[Tensor, ...]:
            skips = model.extract_feat(image)
            widths = model.decoder.hidden_channels
            return (*skips, *(s.new_zeros(1, c, *s.shape[-2:]) for s, c in zip(skips, widths, strict=True)))

        (*maps,) = encode(image)
        levels = len(maps) // 2
        skips, zeros = maps[:levels], maps[levels:]
        states = [zero.repeat(count, 1, 1, 1) for zero in zeros]
        given = model.mask_pyramid(torch.zeros(count, 1, *size))
        inputs = _named(skips, [*states, *states, *states, *given])
        per_slot = {name: {0: 'slots'} for name in inputs if not name.startswith('skip_')}

        def slot(*tensors: Tensor) -> tuple[Tensor, ...]:
            maps = [list(tensors[i * levels : (i + 1) * levels]) for i in range(5)]
            skips, before, memories, past, masks = maps
            skips = [s.expand(masks[0].shape[0], -1, -1, -1) for s in skips]
            cells = [CellState(h, c) for h, c in zip(before, memories, strict=True)]
            logits, new = model.decoder(skips, cells, past, masks)
            return (logits, *(cell.h for cell in new), *(cell.c for cell in new))

        outputs = [f'{kind}_{i}' for kind in ('new_state', 'new_memory') for i in range(levels)]
        names = [f'{kind}_{i}' for kind in ('skip', 'zero') for i in range(levels)]
        return [
            Graph('encode', Wrapped(encode, model.backbone, model.neck), dict(image=image), names),
            Graph('slot', Wrapped(slot, model.decoder), inputs, ['logits', *outputs], per_slot),
        ]


def _named(skips: list[Tensor], others: list[Tensor]) -> dict[str, Tensor]:
    """The inputs of the graph ``slot`` by their names: of every level the skip, the slot before, the frame before, the mask."""
    kinds = ('skip', 'state', 'memory', 'past', 'mask')
    names = [f'{kind}_{i}' for kind in kinds for i in range(len(skips))]
    return dict(zip(names, [*skips, *others], strict=True))
