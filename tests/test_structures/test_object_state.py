"""Dropping objects from a state by what the state declares."""

from dataclasses import dataclass, field

import numpy as np
import torch

from mmvos.structures import PER_OBJECT, join_objects, keep_objects, per_object


@dataclass(frozen=True)
class Inner:
    values: np.ndarray = field(metadata=PER_OBJECT)
    label: str = 'same'


class OwnRule:
    """What is dropped is added to the first entry, the background."""

    def __init__(self, values):
        self.values = values

    def keep_objects(self, indices):
        kept = [self.values[i + 1] for i in indices]
        return OwnRule([self.values[0] + sum(self.values[1:]) - sum(kept), *kept])


@dataclass
class State:
    masks: torch.Tensor = field(metadata=PER_OBJECT)
    names: tuple = field(metadata=PER_OBJECT)
    hidden: list = field(metadata=per_object(dim=1, each=True))
    by_scale: dict = field(metadata=per_object(each=True))
    inner: Inner
    several: list
    by_name: dict
    own: OwnRule
    frame: int = 3


def state():
    return State(
        masks=torch.arange(6.0).view(3, 2),
        names=('a', 'b', 'c'),
        hidden=[torch.arange(6.0).view(1, 3, 2), torch.arange(3.0).view(1, 3, 1)],
        by_scale={2: torch.arange(3.0)},
        inner=Inner(np.arange(3)),
        several=[Inner(np.arange(3) + 10), 'text'],
        by_name=dict(x=Inner(np.arange(3) + 20)),
        own=OwnRule([1, 2, 4, 8]),
    )


def test_every_declared_field_is_indexed_in_the_order_asked_for():
    before = state()
    kept = keep_objects([2, 0], before)
    assert kept.masks.tolist() == [[4, 5], [0, 1]] and kept.names == ('c', 'a') and kept.frame == 3
    assert kept.hidden[0].tolist() == [[[4, 5], [0, 1]]] and kept.hidden[1].tolist() == [[[2], [0]]]
    assert kept.by_scale[2].tolist() == [2, 0]
    assert before.masks.shape == (3, 2) and before.names == ('a', 'b', 'c')


def test_states_inside_a_state_are_reached():
    kept = keep_objects([1], state())
    assert kept.inner.values.tolist() == [1] and kept.inner.label == 'same'
    assert kept.several[0].values.tolist() == [11] and kept.several[1] == 'text'
    assert kept.by_name['x'].values.tolist() == [21]
    assert kept.own.values == [1 + 2 + 8, 4]


def test_no_object_may_be_left():
    kept = keep_objects([], state())
    assert kept.masks.shape == (0, 2) and kept.names == () and kept.inner.values.shape == (0,)


@dataclass
class Joinable:
    masks: torch.Tensor = field(metadata=PER_OBJECT)
    rows: np.ndarray = field(metadata=per_object(dim=1))
    names: tuple = field(metadata=PER_OBJECT)
    hidden: list = field(metadata=per_object(dim=1, each=True))
    by_scale: dict = field(metadata=per_object(each=True))
    inner: Inner
    by_name: dict
    frame: int = 0


def test_joining_is_the_inverse_of_keeping():
    whole = Joinable(
        torch.arange(6.0).view(3, 2),
        np.arange(6).reshape(2, 3),
        ('a', 'b', 'c'),
        [torch.arange(6.0).view(1, 3, 2)],
        {2: torch.arange(3.0)},
        Inner(np.arange(3)),
        dict(x=Inner(np.arange(3) + 20)),
        frame=7,
    )
    first, rest = keep_objects([0], whole), keep_objects([1, 2], whole)
    rest.frame = 9
    joined = join_objects(first, rest)
    for a, b in ((joined.masks, whole.masks), (joined.hidden[0], whole.hidden[0]), (joined.by_scale[2], whole.by_scale[2])):
        assert torch.equal(a, b)
    assert np.array_equal(joined.rows, whole.rows) and joined.names == whole.names and joined.frame == 7
    assert joined.inner.values.tolist() == [0, 1, 2] and joined.by_name['x'].values.tolist() == [20, 21, 22]
    assert first.masks.shape == (1, 2)
