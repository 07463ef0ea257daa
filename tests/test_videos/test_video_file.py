import pickle
from pathlib import Path

import numpy as np
import pytest

from mmvos.structures import InputError
from mmvos.videos import VideoFile, open_video, write_image
from mmvos.visualization import VideoWriter

CLIPS = Path(__file__).parents[1] / 'data' / 'videos'


@pytest.mark.parametrize(
    ('name', 'count'),
    [
        ('recorded.webm', 12),  # a browser's recording: no duration
        ('clip.h264', 12),  # a raw stream: no time stamps
        ('clip.ts', 12),  # seeking lands behind the frame that is asked for
        ('cut.mp4', 27),  # cut by an edit list: the container says 40
        ('vfr.webm', 12),  # a variable rate: the container says 87
        ('iphone_slowmo.mov', 20),  # 169.01 frames per second
        ('clip_av1.mp4', 12),
        ('cut_short.mp4', 38),  # the file ends in the middle; 41 frames are promised
    ],
)
def test_all_frames_that_decode_are_there_and_any_can_be_read(name, count):
    video = open_video(CLIPS / name)
    frames, lengths = [], []
    for _, frame in video:
        frames.append(frame)
        lengths.append(len(video))
    assert len(frames) == count == len(video)
    assert [length == i + 1 for i, length in enumerate(lengths)] == [False] * (count - 1) + [True]
    assert all(frame.shape == (90, 160, 3) and frame.dtype == np.uint8 for frame in frames)
    for index in (3, count - 1, 0, count // 2, count // 2 + 1):
        assert np.array_equal(video.read(index), frames[index])
    assert video.frame_names[count - 1] == f'{count - 1:05d}'


def moving_square(count: int = 8) -> list[np.ndarray]:
    frames = []
    for i in range(count):
        frame = np.full((64, 96, 3), 60, np.uint8)
        frame[10:30, 10 + 4 * i : 30 + 4 * i] = (40, 80, 220)
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    ('suffix', 'fps'), [('.mp4', 29.97), ('.mov', 169.0140845), ('.webm', 12.0), ('.avi', 25.0), ('.gif', 10.0)]
)
def test_what_is_written_is_read_back(tmp_path, suffix, fps):
    frames = moving_square()
    with VideoWriter(tmp_path / f'v{suffix}', fps) as writer:
        for frame in frames:
            writer.write(frame)
    video = open_video(tmp_path / f'v{suffix}')
    read = [frame for _, frame in video]
    assert len(read) == 8
    assert video.fps == pytest.approx(fps, rel=1e-3)
    for wanted, found in zip(frames, read, strict=True):
        assert np.abs(wanted.astype(int) - found).mean() < 4
    assert [path.name for path in tmp_path.iterdir()] == [f'v{suffix}']


def test_a_rate_that_no_format_holds_is_rounded_and_odd_sizes_are_filled_up(tmp_path):
    with VideoWriter(tmp_path / 'v.mp4', 70000.3) as writer:
        writer.write(np.zeros((33, 47, 3), np.uint8))
    assert VideoFile(tmp_path / 'v.mp4').read(0).shape == (34, 48, 3)


def test_transparency_survives_in_webm(tmp_path):
    import av

    frame = np.zeros((32, 32, 4), np.uint8)
    frame[8:24, 8:24] = (0, 0, 255, 255)
    with VideoWriter(tmp_path / 'v.webm') as writer:
        writer.write(frame)
    with av.open(str(tmp_path / 'v.webm')) as container:
        assert container.streams.video[0].metadata.get('alpha_mode') == '1'


def test_an_error_leaves_nothing_and_what_a_dead_process_left_is_removed(tmp_path):
    (tmp_path / '.v.999999999.partial.mp4').write_bytes(b'half')
    with pytest.raises(RuntimeError, match='stop'), VideoWriter(tmp_path / 'v.mp4') as writer:
        writer.write(moving_square(1)[0])
        raise RuntimeError('stop')
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_videos_are_named(tmp_path):
    (tmp_path / 'text.mp4').write_text('hello')
    (tmp_path / 'empty.mp4').write_bytes(b'')
    for name in ('text.mp4', 'empty.mp4'):
        with pytest.raises(InputError, match=name):
            VideoFile(tmp_path / name)
    with pytest.raises(FileNotFoundError, match='none.mp4'):
        VideoFile(tmp_path / 'none.mp4')
    with pytest.raises(InputError, match='v.xyz'):
        VideoWriter(tmp_path / 'v.xyz')


def test_a_prompt_behind_the_true_end_is_an_error():
    video = VideoFile(CLIPS / 'cut_short.mp4', prompts={39: np.ones((90, 160), np.uint8)})
    with pytest.raises(InputError, match='prompt at frame 39, but the video has 38 frames'):
        list(video)


def test_a_video_travels_to_another_process():
    video = VideoFile(CLIPS / 'cut.mp4')
    again = pickle.loads(pickle.dumps(video))
    assert np.array_equal(again.read(5), video.read(5))


def test_a_picture_is_a_video_of_one_frame_which_is_said_once(tmp_path, caplog):
    picture = np.random.default_rng(0).integers(0, 255, (8, 12, 3), np.uint8)
    write_image(tmp_path / 'frames' / '00000.PNG', picture)
    for _ in range(2):
        video = open_video(tmp_path / 'frames' / '00000.PNG')
        assert (len(video), video.fps) == (1, 25)
        assert np.array_equal(video.read(0), picture)
    (said,) = caplog.messages
    assert '00000.PNG: a picture, taken as a video of one frame. For more frames, name their folder' in said
    assert len(open_video(tmp_path / 'frames')) == 1  # a folder of one frame was meant as it is
    assert len(caplog.messages) == 1
