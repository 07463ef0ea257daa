import numpy as np
import pytest
from drifting_session import SIZE, DriftingSession

from mmvos.evaluation.correction_robot import CorrectionRobot
from mmvos.structures import InputError
from mmvos.videos import FrameArrays

FRAMES = 7


class HalfSegmenter:
    """One click finds the left half of the object, two clicks all of it."""

    def __init__(self):
        self.asked = []

    def label_map(self, frame, prompts, key=None):
        (prompt,) = prompts
        self.asked.append((key, len(prompt.clicks)))
        found = still_object()[0] * prompt.object_id
        if len(prompt.clicks) == 1:
            found[:, 20:] = 0
        return found


@pytest.fixture
def video():
    return FrameArrays([np.full((*SIZE, 3), i, np.uint8) for i in range(FRAMES)])


def still_object():
    truth = np.zeros(SIZE, np.uint8)
    truth[8:16, 16:24] = 1
    return [truth] * FRAMES


def test_the_worst_frame_is_corrected_and_scores_rise(video):
    segmenter = HalfSegmenter()
    rounds = list(CorrectionRobot(segmenter, DriftingSession, max_clicks=3, good_enough=0.8).play(video, still_object(), 3))
    # masks drift by a pixel a frame: the last frame is the worst, then what lies farthest from both ends
    assert [one.corrected for one in rounds][:2] == [0, FRAMES - 1]
    assert 2 <= rounds[2].corrected <= 4
    means = [one.j.mean() for one in rounds]
    assert means == sorted(means) and means[1] > means[0] + 0.1
    assert [one.clicks for one in rounds] == [2, 2, 2, 2]
    assert rounds[0].j.shape == rounds[0].f.shape == (FRAMES, 1)
    assert {key[1] for key, _ in segmenter.asked} == {one.corrected for one in rounds}


def test_an_annotated_first_frame_costs_no_click(video):
    (first,) = CorrectionRobot(HalfSegmenter(), DriftingSession, first='mask').play(video, still_object(), 0)
    assert first.clicks == 0 and first.j[0, 0] == 1
    assert first.j[1, 0] == pytest.approx(7 * 8 / (9 * 8))  # drifted by one column


def test_a_click_that_makes_it_worse_is_taken_back(video):
    class Spoiler(HalfSegmenter):
        def label_map(self, frame, prompts, key=None):
            found = super().label_map(frame, prompts, key)
            return found if len(prompts[0].clicks) == 1 else np.zeros_like(found)

    (first,) = CorrectionRobot(Spoiler(), DriftingSession, max_clicks=4, good_enough=1.1).play(video, still_object(), 0)
    assert first.clicks == 4 and first.j[0, 0] == 0.5


def test_annotations_must_fit_the_video(video):
    robot = CorrectionRobot(HalfSegmenter(), DriftingSession)
    with pytest.raises(InputError, match='2 annotations for 7 frames'):
        next(robot.play(video, still_object()[:2], 1))
    with pytest.raises(InputError, match='no object is annotated in the first frame'):
        next(robot.play(video, [np.zeros(SIZE, np.uint8)] * FRAMES, 1))
    with pytest.raises(InputError, match="first is 'guess'"):
        CorrectionRobot(HalfSegmenter(), DriftingSession, first='guess')
