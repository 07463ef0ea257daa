"""Memory of long videos: flat for causal models (`make scale`), announced and refused by offline ones."""

import gc
import os
import re

import cv2
import numpy as np
import psutil
import pytest
from mini_models import MINI, load

from mmvos.inference import VOSSession
from mmvos.models.segmentors.base import BaseVOSModel
from mmvos.structures import InputError
from mmvos.utils import memory
from mmvos.videos import Video

#: MMVOS_LONG_VIDEO=20000 for the whole proof: an hour and more for each model on two cores
LENGTH = int(os.environ.get('MMVOS_LONG_VIDEO', 400))


class MadeFrames(Video):
    """A disc that goes round over noise, drawn when a frame is asked for; two objects begin at frame 0."""

    def __init__(self, length, size, **kwargs):
        self.size = size
        super().__init__(range(length), frame_names=[str(i) for i in range(length)], **kwargs)
        rng = np.random.default_rng(0)
        self.background = rng.integers(0, 90, (*size, 3), np.uint8)

    def discs(self, index):
        height, width = self.size
        for number in (1, 2):
            angle = index / 30 + number * np.pi
            centre = int(width / 2 + width / 4 * np.cos(angle)), int(height / 2 + height / 4 * np.sin(angle))
            yield number, centre, height // 7

    def read(self, index):
        frame = self.background.copy()
        for number, centre, radius in self.discs(index):
            cv2.circle(frame, centre, radius, (250, 120 * number, 30), -1)
        return frame

    def label_map(self, index=0):
        label_map = np.zeros(self.size, np.uint8)
        for number, centre, radius in self.discs(index):
            cv2.circle(label_map, centre, radius, number, -1)
        return label_map


def video(length, size=(96, 160), prompted=True):
    made = MadeFrames(length, size)
    return made.with_prompts({0: made.label_map()}) if prompted else made


def session_of(name, resize, **settings):
    cfg, model = load(name)
    model.test_cfg = type(model.test_cfg)(**{**vars(model.test_cfg), 'resize': resize, 'pad': None, **settings})
    return VOSSession(model)


#: no finer stages of the same model, no models of images or instances
LONG = [name for name in MINI if not any(part in name for part in ('test-davis', 'stage', 'ris', 'rsis', 'masktrack'))]


@pytest.mark.scale
@pytest.mark.parametrize('name', LONG)
def test_a_long_video_in_full_hd_takes_no_more_memory_than_a_short_one(name):
    session = session_of(name, dict(type='FixedSize', height=64, width=128))
    if not session.model.causal:
        pytest.skip('an offline model')
    process, used = psutil.Process(), []
    for number, _ in enumerate(session.run(video(LENGTH, (1080, 1920), session.model.prompted))):
        if number % (LENGTH // 8) == 0:
            gc.collect()
            used.append(process.memory_info().rss / 2**20)
    print(f'{name}: {LENGTH} frames, MB: {[round(megabytes) for megabytes in used]}')
    assert max(used[4:]) - max(used[2:4]) < 40, used


OFFLINE = ['dyenet/dyenet_mini_synthvos.py', 'cosnet/cosnet_mini_synthvos.py']


@pytest.mark.parametrize('name', OFFLINE)
def test_an_offline_model_says_what_it_will_take(name, monkeypatch):
    assert issubclass(type(load(name)[1]), BaseVOSModel)
    said = []
    monkeypatch.setattr('mmvos.inference.session.print_log', lambda text, logger: said.append(text))
    session = session_of(name, dict(type='FixedSize', height=96, width=160))
    list(session.run(video(3, prompted=session.model.prompted)))
    (text,) = said
    assert re.fullmatch(r'video: 3 frames will take about 0\.\d\d GB of memory on cpu; \d+\.\d\d GB are free\.', text)

    monkeypatch.setattr('mmvos.inference.session.available_memory', lambda device: 1000)
    session = session_of(name, dict(type='FixedSize', height=96, width=160))
    with pytest.raises(InputError, match=r'0\.00 GB are free\. Cut the video.*check_memory=False'):
        next(session.run(video(3, prompted=session.model.prompted)))
    session = session_of(name, dict(type='FixedSize', height=96, width=160), check_memory=False)
    assert len(list(session.run(video(3, prompted=session.model.prompted)))) == 3


def test_what_cosnet_announces_is_what_it_keeps():
    from mmvos.models.segmentors.cosnet import EmbeddingCache

    class Frames:
        def frames(self, order):
            yield from ()

    rng = np.random.default_rng(0)
    for length in (1, 2, 7, 40):
        for _ in range(20):
            references = [sorted(rng.integers(0, length, rng.integers(0, 4)).tolist()) for _ in range(length)]
            cache = EmbeddingCache(lambda frame: None, Frames(), references)
            made = iter(cache.last_use)
            for index, wanted in enumerate(references):
                while not set((index, *wanted)) <= cache.embeddings.keys():
                    cache.embeddings[next(made)] = None
                cache.largest = max(cache.largest, len(cache.embeddings))
                cache.drop_until(index)
            assert cache.peak == cache.largest


def test_free_memory_is_that_of_the_machine_or_of_its_container(tmp_path, monkeypatch):
    free = psutil.virtual_memory().available
    assert memory.available_memory() <= 1.2 * free + 2**28
    (tmp_path / 'max').write_text('5000\n')
    (tmp_path / 'now').write_text('2000\n')
    monkeypatch.setattr(memory, '_CGROUPS', ((str(tmp_path / 'max'), str(tmp_path / 'now')),))
    assert memory.available_memory() == 3000
    (tmp_path / 'max').write_text('max\n')
    assert memory.available_memory() > 3000
