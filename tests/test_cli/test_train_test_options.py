"""Options of ``mmvos train`` and ``mmvos test`` that users of mmdet know: what reaches the runner."""

import argparse
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.hooks import Hook

import mmvos.engine
from mmvos.cli import test as test_command
from mmvos.cli.main import main
from mmvos.engine import build_runner
from mmvos.engine.hooks import VOSVisualizationHook
from mmvos.structures import VOSDataSample
from mmvos.videos import FrameArrays

MINI = 'agame/agame_mini_synthvos.py'


class Reached(Exception):
    """Training is about to begin."""


class Stop(Hook):
    """Keeps the learning rate that training begins with, and ends it."""

    def before_train(self, runner):
        self.rates = runner.optim_wrapper.get_lr()['lr']
        raise Reached


def test_auto_scale_lr_scales_by_the_samples_of_a_step(tmp_path, monkeypatch):
    stop = Stop()

    def build(cfg):
        runner = build_runner(cfg)
        runner.register_hook(stop)
        return runner

    monkeypatch.setattr(mmvos.engine, 'build_runner', build)
    options = ['auto_scale_lr.base_batch_size=16', 'train_dataloader.batch_size=4']
    with pytest.raises(Reached):
        main(['train', MINI, '--work-dir', str(tmp_path), '--auto-scale-lr', '--cfg-options', *options])
    assert stop.rates and all(rate == pytest.approx(2e-3 * 4 / 16) for rate in stop.rates)


def test_auto_scale_lr_needs_to_know_what_the_rate_is_for(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(['train', MINI, '--work-dir', str(tmp_path), '--auto-scale-lr'])
    assert 'needs auto_scale_lr = dict(base_batch_size=...)' in capsys.readouterr().err


def outputs(**given):
    """A test's config with the writers of the command line."""
    cfg = Config(dict(test_evaluator=dict(type='DAVISMetric'), default_hooks=dict()))
    defaults = dict(out_dir=None, submission=None, show_dir=None, show=False, wait_time=2.0, config='c.py')
    test_command._add_outputs(cfg, argparse.Namespace(**{**defaults, **given}))
    return cfg


def test_out_is_a_file_of_results_by_its_ending_and_a_folder_of_masks_else():
    assert outputs(out_dir='a/x.pkl').test_evaluator[1] == dict(type='ResultsDump', outfile='a/x.pkl')
    assert outputs(out_dir='a/x').test_evaluator[1] == dict(type='LabelMapWriter', out_dir='a/x')
    assert len(outputs().test_evaluator) == 1


def test_show_and_wait_time_reach_the_hook_that_draws():
    hook = outputs(show=True, wait_time=0.5).default_hooks.visualization
    assert (hook.type, hook.draw, hook.show, hook.wait_time) == ('VOSVisualizationHook', False, True, 0.5)
    hook = outputs(show_dir='pictures').default_hooks.visualization
    assert (hook.draw, hook.out_dir, hook.show) == (True, 'pictures', False)


def test_a_window_shows_each_frame_for_the_wait_time(monkeypatch):
    monkeypatch.setenv('DISPLAY', ':0')
    shown = []
    visualizer = SimpleNamespace(show=lambda image, win_name, wait_time: shown.append((image.shape, win_name, wait_time)))
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo={}))
    runner = SimpleNamespace(work_dir='unused', test_dataloader=loader, visualizer=visualizer)
    result = VOSDataSample(metainfo=dict(frame_index=0, frame_name='00000'))
    result.pred_label_map = np.ones((48, 64), np.uint8)
    result.frame = np.full((48, 64, 3), 90, np.uint8)
    hook = VOSVisualizationHook(show=True, wait_time=0.5)
    hook.after_test_frame(runner, 0, FrameArrays([result.frame], video_id='a'), result)
    assert shown == [((48, 64, 3), 'a', 0.5)]
