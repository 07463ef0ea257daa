"""Live sources: the newest frame counts, what was dropped is counted."""

import threading
import time

import numpy as np
import pytest
from drifting_session import SIZE, DriftingSession

from mmvos.apis.live import segment_live
from mmvos.structures import InputError, read_label_map
from mmvos.videos import VideoFile
from mmvos.videos.live import LiveFrames, open_live


class FakeCamera:
    """Gives frames on a clock, whether anybody takes them or not; each frame's value is its number."""

    def __init__(self, count, interval):
        self.count, self.interval, self.given, self.closed = count, interval, 0, threading.Event()

    def __iter__(self):
        begin = time.perf_counter()
        for number in range(self.count):
            time.sleep(max(begin + number * self.interval - time.perf_counter(), 0))
            self.given = number + 1
            yield np.full((*SIZE, 3), number, np.uint8)

    def open(self, **options):
        return LiveFrames(iter(self), 'fake', self.closed.set, **options)


class SlowSession(DriftingSession):
    """A model that takes as long as the camera needs for five frames."""

    def step(self, frame, prompt=None):
        time.sleep(0.05)
        return super().step(frame, prompt)


def square(frame):
    label_map = np.zeros(SIZE, np.uint8)
    label_map[8:16, 8:16] = 1
    return label_map


def test_a_slow_reader_gets_the_newest_frame():
    camera = FakeCamera(60, 0.01)
    taken = []
    with camera.open() as frames:
        for frame in frames:
            assert frame.pixels[0, 0, 0] == frame.index
            assert camera.given - frame.index <= 2  # it was the newest when it was taken
            taken.append(frame.index)
            time.sleep(0.05)
    assert taken == sorted(set(taken)) and taken[-1] == 59
    assert len(taken) + frames.dropped == frames.received == 60
    assert 8 <= len(taken) <= 20
    assert frames.fps == pytest.approx(100, rel=0.3)
    assert camera.closed.is_set()


def test_a_quick_reader_misses_nothing():
    with FakeCamera(20, 0.02).open() as frames:
        assert [frame.index for frame in frames] == list(range(20))
    assert frames.dropped == 0


def test_masks_overlay_and_report(tmp_path):
    session, reports = SlowSession(), []
    camera = FakeCamera(60, 0.01)
    report = segment_live(session, camera.open(), tmp_path, square, progress=lambda one: reports.append(one.segmented))
    written = sorted((tmp_path / 'masks').iterdir())
    assert report.segmented == len(written) == reports[-1] and report.segmented + report.dropped == 60
    assert report.dropped > 30 and session.seen == sorted(session.seen)
    assert [int(path.stem) for path in written] == session.seen
    assert np.array_equal(read_label_map(written[0]), square(None))
    assert report.lag < 0.12
    assert f'{report.dropped} dropped' in str(report)
    overlay = VideoFile(tmp_path / 'overlay.mp4')
    assert len(overlay) == session.seen[-1] + 1  # it runs at the source's pace
    assert camera.closed.is_set()


def test_it_ends_with_time_and_with_ctrl_c(tmp_path):
    camera = FakeCamera(1000, 0.01)
    report = segment_live(DriftingSession(), camera.open(), tmp_path / 'a', square, seconds=0.2)
    assert 0.2 <= report.seconds < 1 and camera.closed.wait(2) and camera.given < 1000

    class Interrupted(DriftingSession):
        def step(self, frame, prompt=None):
            if len(self.seen) == 4:
                raise KeyboardInterrupt
            return super().step(frame, prompt)

    report = segment_live(Interrupted(), FakeCamera(1000, 0.01).open(), tmp_path / 'b', square)
    assert report.segmented == 4
    assert len(list((tmp_path / 'b' / 'masks').iterdir())) == 4 and (tmp_path / 'b' / 'overlay.mp4').exists()


def test_a_source_that_hangs_breaks_off_or_is_empty(tmp_path):
    with FakeCamera(2, 0.5).open(timeout=0.1) as frames, pytest.raises(InputError, match='fake: no frame came for 0.1 s'):
        list(frames)

    def broken():
        yield np.zeros((*SIZE, 3), np.uint8)
        raise OSError('unplugged')

    with pytest.raises(InputError, match=r'fake: the source broke off \(unplugged\)'):
        segment_live(DriftingSession(), LiveFrames(broken(), 'fake'), tmp_path, square)
    assert len(list((tmp_path / 'masks').iterdir())) == 1
    with pytest.raises(InputError, match='ended before its first frame'):
        segment_live(DriftingSession(), LiveFrames(iter(()), 'fake'), tmp_path, square)
    with pytest.raises(InputError, match='camera 97: cannot be opened'):
        open_live(97)
