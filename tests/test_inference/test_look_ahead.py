"""What is made of a frame before its turn, in another thread."""

import threading

import numpy as np
import pytest
import torch
from colour_model import ColourModel, squares

from mmvos.inference import VOSSession
from mmvos.models import VOSDataPreprocessor  # noqa: F401  (registers)
from mmvos.structures import InputError
from mmvos.videos import FrameArrays


class LookingAhead(ColourModel):
    """Writes down which frames were seen together, in which threads."""

    def __init__(self):
        super().__init__()
        self.pairs, self.steps = [], []

    def look_ahead(self, frame, last):
        assert not torch.is_grad_enabled()
        self.pairs.append((last.index, frame.index, threading.get_ident()))
        frame.once(self._sum)

    def _sum(self, frame):
        return frame.pixels.sum().item(), threading.get_ident()

    def step(self, frame, state):
        self.steps.append(frame.once(self._sum))
        return super().step(frame, state)


def test_what_the_network_sees_is_made_ahead_in_another_thread():
    images, truth = squares(8)
    expected = [r.pred_label_map for r in VOSSession(ColourModel()).run(FrameArrays(images, prompts={0: truth[0]}, prefetch=0))]
    model = LookingAhead()
    session = VOSSession(model)
    for _ in range(2):  # a second video begins anew
        model.pairs, model.steps = [], []
        found = [r.pred_label_map for r in session.run(FrameArrays(images, prompts={0: truth[0]}))]
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
        assert [pair[:2] for pair in model.pairs] == [(t, t + 1) for t in range(7)]
        threads = {pair[2] for pair in model.pairs} | {thread for _, thread in model.steps}
        assert len(threads) == 1 and threading.get_ident() not in threads
    session.reset()
    session.step(images[0], truth[0])
    session.step(images[1])
    assert model.steps[-1] == (model.steps[0][0], threading.get_ident())  # of a live source nothing is made ahead


def test_a_look_does_not_see_what_was_made_ahead_of_the_step():
    images, truth = squares(3)
    model = LookingAhead()
    session = VOSSession(model)
    made = []
    step = session.step

    def looking(frame, prompt=None):
        if session.frame_index >= 0:
            session.peek(frame)
            made.append(model.steps[-1][1])
        return step(frame, prompt)

    session.step = looking
    list(session.run(FrameArrays(images, prompts={0: truth[0]})))
    assert set(made) == {threading.get_ident()} and model.steps[-1][1] not in made


def test_a_frame_that_cannot_be_used_is_named_when_its_turn_comes():
    images, truth = squares(6)
    images[4] = images[4][:30]
    results = VOSSession(ColourModel()).run(FrameArrays(images, video_id='clip', prompts={0: truth[0]}))
    assert [next(results).frame_index for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(InputError, match='clip, frame 00004: frame 4 is 90x30, the frames before it are 90x60'):
        next(results)
