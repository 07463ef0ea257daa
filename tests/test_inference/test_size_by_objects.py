"""The size of the network's input, chosen by the objects of a video."""

import numpy as np
import pytest
from colour_model import ColourModel, squares

from mmvos.inference import VOSSession
from mmvos.inference.geometry import FrameGeometry, ShortSideByObjects
from mmvos.models import VOSDataPreprocessor  # noqa: F401  (registers)
from mmvos.models.segmentors import OfflineVOSModel
from mmvos.structures import InputError
from mmvos.videos import FrameArrays

RULE = dict(type='ShortSideByObjects', length=96, small=0.08, enlarge=5 / 3, divisor=8)


class Recorder(ColourModel):
    """Notes the height of every frame that it segments."""

    def __init__(self):
        super().__init__(test_cfg=dict(resize=RULE))
        self.heights = []

    def init_state(self, frame, masks):
        assert frame.image.shape[-2:] == masks.shape[-2:]
        return super().init_state(frame, masks)

    def step(self, frame, state):
        self.heights.append(frame.image.shape[-2])
        return super().step(frame, state)


class OfflineRecorder(OfflineVOSModel):
    def loss(self, inputs, data_samples):
        return dict(loss=inputs.sum())

    def segment(self, video):
        masks = next(iter(video.prompts.values()))
        for frame in video.frames():
            assert frame.image.shape[-2:] == masks.shape[-2:]
            yield frame.image.new_zeros(1 + len(masks), *frame.image.shape[-2:])


def prompt(shape, *sides):
    """A label map with a square object of each side."""
    labels = np.zeros(shape, np.uint8)
    left = 0
    for object_id, side in enumerate(sides, 1):
        labels[:side, left : left + side] = object_id
        left += side
    return labels


@pytest.mark.parametrize(
    ('sides', 'lines'),
    [
        ((), 96),  # nothing is known
        ((100,), 96),  # 12.5 % of the frame
        ((60,), 128),  # 4.5 %: 1.33 times as large
        ((100, 60), 128),  # the smallest object counts
        ((10,), 160),  # 1.67 times
    ],
)
def test_small_objects_have_larger_frames(sides, lines):
    rule = ShortSideByObjects(96, small=0.08, enlarge=5 / 3, divisor=8)
    areas = [side**2 for side in sides]
    assert rule.of_objects(200, 400, areas) == (lines, 2 * lines) and rule.of_objects(400, 200, areas) == (2 * lines, lines)
    assert rule(200, 400) == (96, 192)
    assert FrameGeometry((200, 400), RULE, areas=areas).input_shape == (lines, 2 * lines)
    assert FrameGeometry((200, 400), rule.without_objects(), areas=areas).input_shape == (96, 192)


@pytest.mark.parametrize('wrong', [dict(small=0), dict(small=1.1), dict(enlarge=0.9)])
def test_settings_are_checked(wrong):
    with pytest.raises(InputError, match='expected a share above 0, up to 1, and a factor from 1'):
        ShortSideByObjects(96, **dict(dict(small=0.03, enlarge=1.5), **wrong))


@pytest.mark.parametrize('first', [0, 3])
def test_a_session_takes_the_size_of_the_first_prompt(first):
    images, truth = squares()
    labels = np.where(truth[first] == 1, np.uint8(1), np.uint8(0))
    lines = FrameGeometry(truth[0].shape, RULE, areas=[int(labels.sum())]).input_shape[0]
    assert lines > 96
    model = Recorder()
    results = list(VOSSession(model).run(FrameArrays(images, prompts={first: labels})))
    assert model.heights == [lines] * (len(images) - 1 - first)
    for result, expected in zip(results[first:], truth[first:], strict=True):
        assert ((result.pred_label_map == 1) != (expected == 1)).mean() < 0.02

    live = VOSSession(Recorder())
    for i, image in enumerate(images):
        shown = live.step(image, labels if i == first else None)
        np.testing.assert_array_equal(shown.pred_label_map, results[i].pred_label_map)
    assert live.model.heights == model.heights


def test_the_size_stays_until_no_object_is_left():
    images, truth = squares()
    small, large = prompt(truth[0].shape, 4), np.zeros_like(truth[0])
    large[5:] = 2
    session = VOSSession(Recorder())
    session.step(images[0], large)
    session.step(images[1], small)  # a further object does not change it
    session.step(images[2])
    session.remove_objects([1, 2])
    session.step(images[3], prompt(truth[0].shape, 4))
    session.step(images[4])
    assert session.model.heights == [96, 96, 160]


def test_an_object_that_a_correction_begins_with_has_its_size_too():
    images, truth = squares()
    session = VOSSession(Recorder())
    session.step(images[0])
    shown = session.correct(images[0], prompt(truth[0].shape, 4))
    session.step(images[1])
    assert session.model.heights == [160] and shown.pred_label_map.sum() == 16


def test_an_offline_model_sees_one_size():
    images, truth = squares()
    video = FrameArrays(images, prompts={2: prompt(truth[0].shape, 4)})
    assert len(list(VOSSession(OfflineRecorder(test_cfg=dict(resize=RULE))).run(video))) == len(images)


def test_a_refused_prompt_changes_nothing():
    images, truth = squares()
    session = VOSSession(Recorder())
    session.step(images[0])
    before = session.view
    with pytest.raises(InputError, match='the prompt is empty'):
        session.step(images[1], np.zeros_like(truth[0]))
    assert session.view is before and session.frame_index == 0
