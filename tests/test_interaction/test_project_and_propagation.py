import json

import numpy as np
import pytest
from drifting_session import SIZE, DriftingSession

from mmvos.interaction import Project, Propagation, prompt_from_json, prompt_to_json
from mmvos.structures import Box, Click, InputError, Polygon, Prompt, Scribble
from mmvos.videos import FrameArrays
from mmvos.visualization import VideoWriter


@pytest.fixture
def video(tmp_path):
    with VideoWriter(tmp_path / 'clip.mp4', 10) as writer:
        for i in range(6):
            writer.write(np.full((*SIZE, 3), 20 * i, np.uint8))
    return tmp_path / 'clip.mp4'


def labels(**squares):
    label_map = np.zeros(SIZE, np.uint8)
    for name, (top, left) in squares.items():
        label_map[top : top + 8, left : left + 8] = int(name[1:])
    return label_map


def test_a_project_is_there_again_when_it_is_opened(video, tmp_path):
    project = Project.create(tmp_path / 'p', video)
    first = project.add_object('dog')
    second = project.add_object()
    assert (first.id, second.id, second.name) == (1, 2, 'object 2')
    project.set_prompt(3, Prompt(1, clicks=[Click(5, 6), Click(1, 1, False)]), labels(o1=(2, 2)))
    again = Project(tmp_path / 'p')
    assert again.trusted == [3] and again.annotated() == [3]
    assert again.prompts_at(3) == project.prompts_at(3)
    assert again.objects[1].name == 'dog'
    assert np.array_equal(again.label_map(3), labels(o1=(2, 2)))
    assert again.label_map(0) is None


def test_undo_brings_back_what_was_propagated(video, tmp_path):
    project = Project.create(tmp_path / 'p', video)
    project.add_object()
    propagated = labels(o1=(10, 10))
    project.write_label_map(2, propagated)
    project.set_prompt(2, Prompt(1, clicks=[Click(5, 5)]), labels(o1=(2, 2)))
    project.set_prompt(4, Prompt(1, clicks=[Click(5, 5)]), labels(o1=(4, 4)))
    assert project.undo() == 4
    assert project.label_map(4) is None and project.trusted == [2]
    assert project.undo() == 2
    assert np.array_equal(project.label_map(2), propagated) and project.trusted == []
    assert project.undo() is None
    assert project.redo() == 2
    assert np.array_equal(project.label_map(2), labels(o1=(2, 2))) and project.trusted == [2]


def test_a_removed_object_leaves_all_masks(video, tmp_path):
    project = Project.create(tmp_path / 'p', video)
    project.add_object()
    project.add_object()
    project.write_label_map(0, labels(o1=(0, 0), o2=(16, 16)))
    project.remove_object(1)
    assert np.array_equal(project.label_map(0), labels(o2=(16, 16)))
    assert project.add_object().id == 1
    with pytest.raises(InputError, match='no object 9; there are'):
        project.change_object(9, 'x')


@pytest.mark.parametrize(
    'content',
    [
        *('', '{}', '[1]', '{"format": 2}', '[' * 100000),
        '{"format": 1, "video": 3, "name": "a", "objects": [], "prompts": {}}',
        '{"format": 1, "video": "v", "name": "a", "objects": [{"id": "x", "name": "", "colour": [1, 2, 3]}], "prompts": {}}',
    ],
)
def test_a_damaged_project_is_named(content, tmp_path):
    (tmp_path / 'project.json').write_text(content)
    with pytest.raises(InputError, match='project.json'):
        Project(tmp_path)


def test_prompts_survive_json():
    mask = np.zeros(SIZE, bool)
    mask[3:9, 4:20] = True
    for prompt in (
        Prompt(3, clicks=[Click(1, 2), Click(3, 4, False)], box=Box(0, 0, 5, 5)),
        Prompt(3, scribbles=[Scribble(((1, 2), (3, 4)), False)], polygon=Polygon(((0, 0), (4, 0), (4, 4)))),
    ):
        assert prompt_from_json(json.loads(json.dumps(prompt_to_json(prompt)))) == prompt
    assert np.array_equal(prompt_from_json(json.loads(json.dumps(prompt_to_json(Prompt(3, mask=mask))))).mask, mask)


@pytest.mark.parametrize(
    'content',
    [
        None,
        5,
        {},
        dict(object_id='x'),
        dict(object_id=1, clicks=[[1]]),
        dict(object_id=1, box=[1, 2]),
        dict(object_id=1, zap=1),
        dict(object_id=1, mask=dict(size=[4, 4], counts='')),
        dict(object_id=1, scribbles=[dict(points=5)]),
    ],
)
def test_what_is_no_prompt_is_refused(content):
    with pytest.raises(InputError):
        prompt_from_json(content)


def run(given, **limits):
    frames = [np.full((*SIZE, 3), i, np.uint8) for i in range(9)]
    sessions = []

    def make():
        sessions.append(DriftingSession())
        return sessions[-1]

    propagation = Propagation(make, FrameArrays(frames), given, **limits)
    items = list(propagation.run())
    assert len(items) <= len(propagation)
    return {index: label_map for index, label_map in items if label_map is not None}, sessions


def test_one_set_frame_reaches_both_ends():
    final, _ = run({3: labels(o1=(4, 20))})
    assert sorted(final) == list(range(9))
    assert np.array_equal(final[3], labels(o1=(4, 20)))
    assert np.array_equal(final[5], labels(o1=(4, 22)))
    assert np.array_equal(final[1], labels(o1=(4, 22)))


def test_between_set_frames_the_nearer_one_counts_more():
    final, sessions = run({2: labels(o1=(4, 10)), 6: labels(o1=(4, 30))})
    assert sorted(final) == list(range(9))
    assert np.array_equal(final[2], labels(o1=(4, 10))) and np.array_equal(final[6], labels(o1=(4, 30)))
    assert np.array_equal(final[3], labels(o1=(4, 11)))  # carried forward from 2
    assert np.array_equal(final[5], labels(o1=(4, 31)))  # carried backward from 6
    assert np.array_equal(final[8], labels(o1=(4, 32)))  # from 6 on, after the correction there
    assert sessions[0].corrected == [2, 6] and sessions[1].corrected == [6, 2]


def test_a_session_is_shown_the_set_frames_that_it_comes_to():
    given = {1: labels(o1=(4, 10)), 3: labels(o1=(4, 12)), 5: labels(o2=(20, 20)), 6: labels(o1=(4, 15)), 8: labels(o1=(4, 17))}
    final, sessions = run(given, shown=2)
    assert sessions[0].seen[:4] == [6, 3, 1, 2]  # the two nearest with its objects, the nearest last, then the way
    assert sessions[1].seen[:4] == [3, 6, 8, 7]
    assert all(np.array_equal(final[i] == 1, labels(o1=(4, x)) == 1) for i, x in ((1, 10), (3, 12), (6, 15), (8, 17)))
    _, unprepared = run(given, shown=0)
    assert unprepared[0].seen == list(range(1, 9))


def test_an_object_of_a_later_frame_goes_back_through_what_others_were_carried():
    final, _ = run({1: labels(o1=(0, 0)), 5: labels(o2=(20, 20))})
    assert np.array_equal(final[3], labels(o1=(0, 2), o2=(20, 22)))
    assert set(np.unique(final[0])) == {0, 1, 2}
    assert set(np.unique(final[8])) == {0, 1, 2}


def test_limits_are_kept_and_nothing_set_is_an_error():
    final, _ = run({4: labels(o1=(4, 10))}, first=3, last=6)
    assert sorted(final) == [3, 4, 5, 6]
    with pytest.raises(InputError, match='no frame is set'):
        run({})
    with pytest.raises(InputError, match='frame 12 is set, but the video has 9'):
        run({12: labels(o1=(0, 0))})
