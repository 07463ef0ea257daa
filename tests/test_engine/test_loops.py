"""The loops over videos: what hooks see, precision, one session per video."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from torch.utils.data import DataLoader

from mmvos.engine import VideoTestLoop, VideoValLoop
from mmvos.engine.hooks import VideoHook
from mmvos.models.segmentors import CausalVOSModel
from mmvos.videos import FrameArrays


class Brightness(CausalVOSModel):
    """Bright pixels are the object; remembers the precision in which it ran."""

    prompted = False
    precisions: list

    def loss(self, inputs, data_samples):
        return dict(loss=inputs.sum())

    def init_state(self, frame, masks):
        return SimpleNamespace(frames=0)

    def step(self, frame, state):
        self.precisions = [*getattr(self, 'precisions', []), torch.is_autocast_enabled('cpu')]
        bright = (frame.pixels.mean(1) > 100).float()
        return torch.cat([1 - bright, bright]), SimpleNamespace(frames=state.frames + 1)


class Recorder(VideoHook):
    def __init__(self):
        self.seen = []

    def before_test_frame(self, runner, video_idx, video, frame_idx):
        self.seen.append(('before', video_idx, video.video_id, frame_idx))

    def after_test_frame(self, runner, video_idx, video, result):
        self.seen.append(('after', video_idx, video.video_id, result.frame_index))


class Collector(Evaluator):
    def __init__(self):
        super().__init__([])
        self.results = []

    def process(self, data_samples, data_batch):
        self.results += data_samples

    def evaluate(self, size):
        return dict(frames=len(self.results), videos=size)


def runner_of(model, hook):
    def call_hook(name, **kwargs):
        if hasattr(hook, name):
            getattr(hook, name)(runner, **kwargs)

    runner = SimpleNamespace(model=model, call_hook=call_hook, logger=logging.getLogger('loop'), work_dir='.')
    return runner


def videos():
    frames = [np.full((8, 10, 3), value, np.uint8) for value in (0, 200, 0)]
    return [dict(inputs=FrameArrays(frames[: 2 + i], video_id=f'v{i}'), data_samples=None) for i in range(2)]


def collate(batch):
    return dict(inputs=[item['inputs'] for item in batch], data_samples=None)


@pytest.mark.parametrize('fp16', [False, True])
def test_hooks_see_every_frame_of_every_video(fp16):
    model, hook, evaluator = Brightness(), Recorder(), Collector()
    loop = VideoTestLoop(runner_of(model, hook), DataLoader(videos(), batch_size=1, collate_fn=collate), evaluator, fp16)
    assert loop.run() == dict(frames=5, videos=2)
    order = [(0, 'v0', 0), (0, 'v0', 1), (1, 'v1', 0), (1, 'v1', 1), (1, 'v1', 2)]
    assert hook.seen == [(when, *frame) for frame in order for when in ('before', 'after')]
    assert [bool(r.pred_label_map.any()) for r in evaluator.results] == [False, True, False, True, False]
    assert set(model.precisions) == {fp16}


def test_a_validation_has_points_of_its_own():
    hook, evaluator = Recorder(), Collector()
    seen = []
    hook.after_val_frame = lambda runner, video_idx, video, result: seen.append(result.frame_index)
    loop = VideoValLoop(runner_of(Brightness(), hook), DataLoader(videos(), batch_size=1, collate_fn=collate), evaluator)
    loop.run()
    assert seen == [0, 1, 0, 1, 2] and not hook.seen
