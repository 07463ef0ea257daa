"""Videos that are open already, folders and files of frames in a session, and the memory of long ones."""

import gc

import cv2
import numpy as np
import psutil
import pytest
from colour_model import ColourModel, squares

from mmvos.apis import VOSInferencer
from mmvos.inference import VOSSession
from mmvos.models import VOSDataPreprocessor  # noqa: F401  (registers)
from mmvos.structures import InputError, write_label_map
from mmvos.videos import FrameArrays, open_video


def test_prompts_for_a_video_that_is_open_count(tmp_path):
    images, truth = squares()
    write_label_map(tmp_path / 'm.png', (truth[0] > 0).astype(np.uint8))
    video = FrameArrays(images)
    prompted = open_video(video, prompts={0: tmp_path / 'm.png'})
    assert list(prompted.prompts) == [0] and not video.prompts
    np.testing.assert_array_equal(prompted.prompt(0, truth[0].shape), truth[0] > 0)
    later = open_video(prompted, prompts={1: truth[1]}, prompt_options=dict(binary=True))
    assert sorted(later.prompts) == [0, 1] and set(np.unique(later.prompt(1, truth[1].shape))) == {0, 1}
    for prompts, options, message in (
        ({0: truth[0]}, {}, 'frame 0 has a prompt already'),
        ({len(images): truth[0]}, {}, 'prompt at frame'),
        ({}, dict(binary=True), 'prompt_options of a video that is open already'),
    ):
        with pytest.raises(InputError, match=message):
            open_video(prompted, prompts=prompts, prompt_options=options)


def test_the_inferencer_takes_prompts_for_an_open_video():
    images, truth = squares()
    inferencer = VOSInferencer('feature-propagation', device='cpu')
    (result, *_) = inferencer(FrameArrays(images), prompts=truth[0])
    np.testing.assert_array_equal(result.pred_label_map, truth[0])


def test_prompts_for_an_open_video_file_count(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / 'v.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 48))
    for t in range(3):
        writer.write(np.full((48, 64, 3), 40 * t, np.uint8))
    writer.release()
    prompted = open_video(open_video(tmp_path / 'v.avi'), prompts={1: np.ones((48, 64), np.uint8)})
    assert [round(float(f.mean()) / 40) for _, f in prompted] == [0, 1, 2]
    assert list(prompted.frame_names) == ['00000', '00001', '00002'] and list(prompted.prompts) == [1]


def test_frames_of_a_folder_are_in_numeric_order(tmp_path):
    for name in ('10', '2', '1'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.full((4, 4, 3), int(name), np.uint8))
    video = open_video(tmp_path)
    assert video.frame_names == ['1', '2', '10']
    assert [int(frame[0, 0, 0]) for _, frame in video] == [1, 2, 10]


def test_a_video_file_gives_its_frames_and_any_of_them(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / 'v.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 48))
    for t in range(6):
        writer.write(np.full((48, 64, 3), 40 * t, np.uint8))
    writer.release()
    video = open_video(tmp_path / 'v.avi')
    assert [round(float(f.mean()) / 40) for _, f in video] == list(range(6))
    assert round(float(video.read(2).mean()) / 40) == 2
    with pytest.raises(FileNotFoundError, match='nothing.mp4'):
        open_video(tmp_path / 'nothing.mp4')


def test_memory_is_flat_in_the_length_of_a_video():
    images, truth = squares(4, 240, 432)
    session, process = VOSSession(ColourModel()), psutil.Process()
    session.step(images[0], truth[0])
    for t in range(100):
        session.step(images[t % 4])
    gc.collect()
    before = process.memory_info().rss
    for t in range(300):
        session.step(images[t % 4])
    gc.collect()
    assert process.memory_info().rss - before < 20e6
