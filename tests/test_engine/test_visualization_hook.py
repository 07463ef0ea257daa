"""Drawings of a test: where they go, and what is left when a video is not finished."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmvos.engine.hooks import VOSVisualizationHook
from mmvos.structures import InputError, VOSDataSample
from mmvos.videos import FrameArrays


def result_of(index):
    sample = VOSDataSample(metainfo=dict(frame_index=index, frame_name=f'{index:05d}'))
    sample.pred_label_map = np.ones((48, 64), np.uint8)
    sample.frame = np.full((48, 64, 3), 90, np.uint8)
    return sample


def runner_in(folder):
    return SimpleNamespace(work_dir=str(folder), test_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo={})))


def draw(hook, runner, name, frames=2):
    video = FrameArrays([np.zeros((48, 64, 3), np.uint8)] * frames, video_id=name)
    hook.before_test_iter(runner, 0)
    for index in range(frames):
        hook.after_test_frame(runner, 0, video, result_of(index))


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())


def test_images_and_a_video_for_each_video(tmp_path):
    hook, runner = VOSVisualizationHook(draw=True), runner_in(tmp_path)
    for name in ('a', 'folder/b'):
        draw(hook, runner, name)
        hook.after_test_iter(runner, 0)
    expected = ['vis/a.mp4', 'vis/a/00000.jpg', 'vis/a/00001.jpg', 'vis/folder/b.mp4']
    assert files_in(tmp_path) == sorted([*expected, 'vis/folder/b/00000.jpg', 'vis/folder/b/00001.jpg'])


def test_nothing_is_written_where_it_is_off(tmp_path):
    hook, runner = VOSVisualizationHook(), runner_in(tmp_path)
    draw(hook, runner, 'a')
    hook.after_test_iter(runner, 0)
    assert not files_in(tmp_path)


@pytest.mark.parametrize('name', ['../../x', '/x', 'a/../../x'])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match='leads out of the folder'):
        draw(VOSVisualizationHook(draw=True, out_dir=str(tmp_path / 'out')), runner_in(tmp_path), name)
    assert not files_in(tmp_path)


@pytest.mark.parametrize('video', [True, False])
@pytest.mark.parametrize('told', [True, False])
def test_a_video_that_was_not_finished_leaves_no_file(video, told, tmp_path):
    hook, runner = VOSVisualizationHook(draw=True, video=video), runner_in(tmp_path)
    draw(hook, runner, 'broken/inner', frames=1)
    hook.after_test_iter(runner, 0)
    draw(hook, runner, 'broken')
    if told:
        hook.after_failed_video(runner, 0, None)
    draw(hook, runner, 'next', frames=1)
    hook.after_test_iter(runner, 1)
    expected = [
        'vis/broken/inner/00000.jpg',
        'vis/next/00000.jpg',
        *(['vis/broken/inner.mp4', 'vis/next.mp4'] if video else []),
    ]
    assert files_in(tmp_path) == sorted(expected)
