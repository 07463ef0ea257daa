"""One fine-tuned model for each object, run as one model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from typing_extensions import override

from mmvos.inference import Frame
from mmvos.models import CausalVOSModel
from mmvos.structures import PER_OBJECT


@dataclass
class PerObjectState:
    """``members``: number of each object's model. ``states``: its state. ``count``: how many objects there have been so far."""

    members: list[int] = field(metadata=PER_OBJECT)
    states: list[Any] = field(metadata=PER_OBJECT)
    count: int = 0


class PerObjectModel(CausalVOSModel):
    """K models of one object each as one model of K objects: the odds of the members are merged in every frame.

    Args:
        members (Sequence[CausalVOSModel]): one model for each object, in the order in which the session meets them: by the
            frame of their prompt, then by id.
    """

    def __init__(self, members: Sequence[CausalVOSModel]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        first = members[0]
        self.data_preprocessor, self.test_cfg = first.data_preprocessor, first.test_cfg
        self.step_on_first_frame = first.step_on_first_frame

    @override
    def loss(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError('the members of a PerObjectModel are trained one by one.')

    def init_state(self, frame: Frame, masks: Tensor) -> PerObjectState:
        return self._begin(frame, masks, PerObjectState([], []))

    def add_objects(self, frame: Frame, masks: Tensor, state: PerObjectState) -> PerObjectState:
        added = self._begin(frame, masks, state)
        for row in range(len(state.members), len(added.members)):
            member = self._member(added.members[row])
            if member.step_on_first_frame:  # it expects to have seen the frame of its prompt
                _, added.states[row] = member.step(frame, added.states[row])
        return added

    def _begin(self, frame: Frame, masks: Tensor, state: PerObjectState) -> PerObjectState:
        numbers = range(state.count, state.count + len(masks))
        states = [self._member(number).init_state(frame, mask[None]) for number, mask in zip(numbers, masks, strict=True)]
        return PerObjectState([*state.members, *numbers], [*state.states, *states], numbers.stop)

    def step(self, frame: Frame, state: PerObjectState) -> tuple[Tensor, PerObjectState]:
        """Shares of the background and the objects, each by its odds: an object wins where it has the highest probability,
        and more than 0.5."""
        odds, states = [], []
        for number, own in zip(state.members, state.states, strict=True):
            member = self._member(number)
            scores, own = member.step(frame, own)
            probability = member.probabilities(scores.float())[1].clamp(1e-7, 1 - 1e-7)
            odds.append(probability / (1 - probability))
            states.append(own)
        shares = torch.stack([torch.ones_like(odds[0]), *odds])
        return shares / shares.sum(0, keepdim=True), PerObjectState(state.members, states, state.count)

    def _member(self, number: int) -> CausalVOSModel:
        return self.members[number]  # type: ignore[return-value]  # members are causal models
