"""One bad video does not end a test; what is finished is not done again."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from torch.utils.data import Dataset

import mmvos.evaluation  # noqa: F401  (registers)
from mmvos.engine import build_runner
from mmvos.engine.finished_videos import FinishedVideos, digest_of_run
from mmvos.models.segmentors import CausalVOSModel
from mmvos.registry import DATASETS, MODELS
from mmvos.structures import InputError, decode_mask
from mmvos.videos import FrameArrays


@MODELS.register_module()
class RepeatsThePrompt(CausalVOSModel):
    """Gives the masks of the prompt in every frame; notes the frames that it saw, and fails where it is told to."""

    seen = []
    fails_at = {}

    def loss(self, inputs, data_samples):
        return dict(loss=inputs.sum())

    def init_state(self, frame, masks):
        return masks

    def step(self, frame, state):
        brightness = int(frame.pixels[0, 0, 0, 0])
        self.seen.append((brightness, frame.index))
        if (brightness, frame.index) in self.fails_at:
            raise self.fails_at[brightness, frame.index]
        return torch.cat([1 - state.amax(0, keepdim=True), state]), state


@DATASETS.register_module()
class FourVideos(Dataset):
    """Videos a, b, c, d of 3, 5, 4, 3 frames; number i is filled with the grey value 10 * i."""

    metainfo = {}

    def __init__(self, missing=()):
        self.missing = missing

    def __len__(self):
        return 4

    def video_lengths(self):
        return [3, 5, 4, 3]

    def __getitem__(self, index):
        if index in self.missing:
            raise InputError(f'{"abcd"[index]}.jpg: frame not found.')
        mask = np.zeros((16, 20), np.uint8)
        mask[4:12, 4:12] = 1
        frames = [np.full((16, 20, 3), 10 * index, np.uint8)] * self.video_lengths()[index]
        annotations = {i: mask for i in range(len(frames))}
        video = FrameArrays(frames, video_id='abcd'[index], prompts={0: mask}, metainfo=dict(annotations=annotations))
        return dict(inputs=video, data_samples=None)


@pytest.fixture(autouse=True)
def fresh():
    RepeatsThePrompt.seen, RepeatsThePrompt.fails_at = [], {}
    MMLogger._instance_dict.clear()


def config(folder, **test_cfg):
    evaluators = [
        dict(type='DAVISMetric', json_file=str(folder / 'figures.json')),
        dict(type='LabelMapWriter', out_dir=str(folder / 'out')),
        dict(type='DAVISSubmission', outfile=str(folder / 's.zip')),
        dict(type='ResultsDump', outfile=str(folder / 'all.pkl')),
    ]
    return Config(
        dict(
            default_scope='mmvos',
            work_dir=str(folder / 'work'),
            model=dict(type='RepeatsThePrompt'),
            test_cfg=dict(type='VideoTestLoop', **test_cfg),
            test_dataloader=dict(
                batch_size=1, num_workers=0, dataset=dict(type='FourVideos'), sampler=dict(type='LongestFirstSampler')
            ),
            test_evaluator=evaluators,
            default_hooks=dict(
                visualization=dict(type='VOSVisualizationHook', draw=True, out_dir=str(folder / 'show'), images=True)
            ),
        )
    )


def test(folder, resume=False, **kwargs):
    cfg = config(folder, **kwargs)
    runner = build_runner(cfg)
    runner.test_loop.finished = FinishedVideos(folder / 'finished', digest_of_run(cfg, runner.model), resume)
    return runner.test(), runner.test_loop


test.__test__ = False


def names(folder):
    """Files below a folder, without mmengine's logs."""
    files = [path.relative_to(folder) for path in Path(folder).rglob('*') if path.is_file()]
    return sorted(path.as_posix() for path in files if 'work' not in path.parts)


@pytest.mark.parametrize('error', [InputError('frame cut short.'), RuntimeError('of the network')])
def test_the_others_are_done_and_nothing_is_written_for_all(error, tmp_path, capsys):
    RepeatsThePrompt.fails_at = {(20, 2): error}
    metrics, loop = test(tmp_path, on_error='skip')
    ((video, reason),) = loop.failures
    assert video == 'c' and str(error) in reason
    assert metrics['J&F-Mean'] > 0.99 and 'the figures above are those of 3 of 4 videos' in capsys.readouterr().out
    written = names(tmp_path)
    assert not {'s.zip', 'all.pkl', 'figures.json'} & set(written)
    assert {n.split('/')[1] for n in written if n.startswith('out/')} == {'a', 'b', 'd'}
    assert [n for n in written if n.startswith('show/') and n.endswith('.mp4')] == ['show/a.mp4', 'show/b.mp4', 'show/d.mp4']
    assert not [n for n in written if n.startswith(('show/c', 'out/c', 's.zip.parts/c'))]


def test_a_resumed_test_does_the_failed_video_alone(tmp_path):
    (tmp_path / 'whole').mkdir()
    expected, _ = test(tmp_path / 'whole')
    folder = tmp_path / 'failed'
    RepeatsThePrompt.fails_at = {(20, 2): InputError('frame cut short.')}
    test(folder, on_error='skip')
    RepeatsThePrompt.seen, RepeatsThePrompt.fails_at = [], {}
    metrics, loop = test(folder, resume=True, on_error='skip')
    assert {brightness for brightness, _ in RepeatsThePrompt.seen} == {20} and loop.failures == []
    assert metrics == expected
    assert (folder / 's.zip').read_bytes() == (tmp_path / 'whole/s.zip').read_bytes()
    dumps = [pickle.loads((f / 'all.pkl').read_bytes()) for f in (folder, tmp_path / 'whole')]
    assert dumps[0] == dumps[1] and dumps[0][3].keys() == {'video_id', 'frame_index', 'frame_name', 'ori_shape', 'masks'}
    assert decode_mask(dumps[0][3]['masks'][1]).sum() == 64
    figures = [json.loads((f / 'figures.json').read_text()) for f in (folder, tmp_path / 'whole')]
    assert figures[0] == figures[1]
    assert len(zipfile.ZipFile(folder / 's.zip').namelist()) == 15
    loop.finished.clear()
    assert not (folder / 'finished').exists()


@pytest.mark.parametrize('lost', ['s.zip.parts/b/00003.png', 'out/b/00001.png', 'finished'])
def test_a_finished_video_whose_files_are_gone_is_done_again(lost, tmp_path):
    RepeatsThePrompt.fails_at = {(20, 2): InputError('x')}
    test(tmp_path, on_error='skip')
    path = tmp_path / lost
    if lost == 'finished':
        (path,) = path.glob('*/b.pth')
        path.write_bytes(path.read_bytes()[:40])
    else:
        path.unlink()
    RepeatsThePrompt.seen, RepeatsThePrompt.fails_at = [], {}
    test(tmp_path, resume=True, on_error='skip')
    assert {brightness for brightness, _ in RepeatsThePrompt.seen} == {10, 20}
    assert len(zipfile.ZipFile(tmp_path / 's.zip').namelist()) == 15


@pytest.mark.parametrize('change', ['model', 'settings', 'no resume'])
def test_results_of_another_test_are_not_taken(change, tmp_path):
    RepeatsThePrompt.fails_at = {(20, 2): InputError('x')}
    test(tmp_path, on_error='skip')
    RepeatsThePrompt.seen, RepeatsThePrompt.fails_at = [], {}
    cfg = config(tmp_path, on_error='skip')
    if change == 'settings':
        cfg.model.test_cfg = dict(resize=dict(type='FixedSize', height=8, width=10))
    runner = build_runner(cfg)
    if change == 'model':
        runner.model.register_buffer('weight', torch.ones(1))
    digest = digest_of_run(cfg, runner.model)
    runner.test_loop.finished = FinishedVideos(tmp_path / 'finished', digest, change != 'no resume')
    runner.test()
    assert {brightness for brightness, _ in RepeatsThePrompt.seen} == {0, 10, 20, 30}


def test_with_stop_the_first_failure_ends_the_test(tmp_path):
    error = InputError('frame cut short.')
    RepeatsThePrompt.fails_at = {(20, 2): error}
    with pytest.raises(InputError, match='c, frame 00002: frame cut short'):
        test(tmp_path)
    assert {brightness for brightness, _ in RepeatsThePrompt.seen} == {10, 20}
    assert not [n for n in names(tmp_path) if n.startswith(('out/c', 'show/c')) or n.endswith('.zip')]


def test_a_video_that_cannot_be_opened_is_a_failure_too(tmp_path):
    cfg = config(tmp_path, on_error='skip')
    cfg.test_dataloader.dataset.missing = (1, 3)
    runner = build_runner(cfg)
    runner.test()
    assert [reason for _, reason in runner.test_loop.failures] == [
        'video number 1: b.jpg: frame not found.',
        'video number 4: d.jpg: frame not found.',
    ]
    assert {n.split('/')[1] for n in names(tmp_path) if n.startswith('out/')} == {'a', 'c'}


def test_a_full_disk_or_a_signal_ends_the_test(tmp_path):
    for error in (OSError(28, 'No space left on device'), KeyboardInterrupt()):
        RepeatsThePrompt.fails_at = {(20, 2): error}
        with pytest.raises(type(error)):
            test(tmp_path / type(error).__name__, on_error='skip')
        left = names(tmp_path / type(error).__name__)
        # of video c, by its name: the digest of the run, a folder's name, may begin with a c
        assert not [n for n in left if '/c.' in n or '/c/' in n or 'partial' in n or n.endswith('.zip')]


def test_when_all_fail_nothing_is_counted(tmp_path):
    RepeatsThePrompt.fails_at = {(10 * i, 1): InputError(f'{i}') for i in range(4)}
    metrics, loop = test(tmp_path, on_error='skip')
    assert metrics == {} and len(loop.failures) == 4
    assert not [n for n in names(tmp_path) if n.endswith(('.zip', '.json', '.pkl', '.png'))]


def test_names_that_lead_out_of_a_folder_are_refused(tmp_path, monkeypatch):
    get = FourVideos.__getitem__

    def named(self, index):
        item = get(self, index)
        item['inputs'].video_id = '../x'
        return item

    monkeypatch.setattr(FourVideos, '__getitem__', named)
    cfg = config(tmp_path / 'in')
    cfg.test_evaluator = []
    with pytest.raises(InputError, match=r'\.\./x'):
        build_runner(cfg).test()
    assert not [n for n in names(tmp_path) if not n.startswith('in/')]


def test_windows_need_a_screen(tmp_path, monkeypatch):
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    cfg = config(tmp_path)
    cfg.default_hooks.visualization.show = True
    with pytest.raises(InputError, match='--show needs a screen'):
        build_runner(cfg)


def test_wrong_settings_are_refused(tmp_path):
    with pytest.raises(InputError, match="on_error is 'go on'"):
        _ = build_runner(config(tmp_path, on_error='go on')).test_loop
