"""The command lines, run as a user runs them."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from processes import FOLDER_CONFIG, run_process

from mmvos.structures import read_label_map, write_label_map
from mmvos.utils.checkpoint import read_checkpoint

ROOT = Path(__file__).parents[2]
# one thread in all runs: sums are rounded differently when they are split between threads
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT))
CONFIG = 'configs/agame/agame_mini_synthvos.py'
FAST = [
    'train_cfg.max_iters=4',
    'train_cfg.val_interval=100',
    'default_hooks.checkpoint.interval=2',
    'default_hooks.logger.interval=1',
]


def run(*command, expect=0):
    """Run a command in a process of its own; returns what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        code, output = run_process(command, ROOT, Path(folder) / 'log.txt', timeout=300)
    assert code == expect, output[-6000:]
    return output


def run_two(script, *args):
    """Run a script in two processes by torch's launcher, as tools/dist_*.sh do."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', f'--master_port={port}']
    command = [*launcher, script, *map(str, args), '--launcher', 'pytorch']
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def weights(path):
    return torch.load(path, map_location='cpu', weights_only=False)['state_dict']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Four iterations without a break."""
    folder = tmp_path_factory.mktemp('train')
    run('train', CONFIG, '--work-dir', folder, '--cfg-options', *FAST)
    return folder


def test_a_killed_training_resumes_and_ends_with_the_weights_of_the_undisturbed_one(trained, tmp_path):
    command = [sys.executable, 'tools/train.py', CONFIG, '--work-dir', tmp_path, '--cfg-options', *FAST]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 240
        while not (tmp_path / 'iter_2.pth').is_file() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.kill()
        process.communicate()
    assert not (tmp_path / 'iter_4.pth').is_file()
    log = run('train', CONFIG, '--work-dir', tmp_path, '--resume', '--cfg-options', *FAST)
    assert 'resumed epoch: 0, iter: 2' in log
    resumed, straight = weights(tmp_path / 'iter_4.pth'), weights(trained / 'iter_4.pth')
    assert resumed.keys() == straight.keys()
    for name, value in straight.items():
        assert torch.equal(resumed[name], value), name


def test_two_processes_train(tmp_path):
    run_two('tools/train.py', CONFIG, '--work-dir', tmp_path, '--cfg-options', *FAST, 'train_cfg.max_iters=2')
    assert (tmp_path / 'iter_2.pth').is_file()


def test_one_and_two_processes_give_the_same_results(trained, tmp_path):
    checkpoint = trained / 'iter_4.pth'
    for start, name, further in ((run, 'test', ['--show-dir', tmp_path / '1/show']), (run_two, 'tools/test.py', [])):
        folder = tmp_path / ('1' if start is run else '2')
        outputs = ['--metrics', folder / 'metrics.json', '--submission', folder / 'submission.zip', '--out', folder / 'out']
        start(name, CONFIG, checkpoint, '--work-dir', folder, *outputs, *further)
    metrics = [json.loads((tmp_path / str(p) / 'metrics.json').read_text()) for p in (1, 2)]
    assert metrics[0].keys() == metrics[1].keys() and metrics[0]
    for key, value in metrics[0].items():
        np.testing.assert_allclose(value, metrics[1][key], atol=1e-9, err_msg=key)
    archives = [(tmp_path / str(p) / 'submission.zip').read_bytes() for p in (1, 2)]
    assert archives[0] == archives[1]
    names = zipfile.ZipFile(tmp_path / '1' / 'submission.zip').namelist()
    assert len({n.split('/')[0] for n in names}) > 1, 'the sequences are the top level'
    pictures = sorted((tmp_path / '1' / 'show').glob('*/*.jpg'))
    masks = sorted((tmp_path / '1' / 'out').glob('*/*.png'))
    assert len(pictures) == len(masks) == len(names)
    assert read_label_map(masks[0]).ndim == 2


@pytest.fixture
def folder_of_videos(tmp_path):
    """Three videos of three frames, and a config of a small model for them."""
    rng = np.random.default_rng(0)
    for video in 'abc':
        for frame in range(3):
            path = tmp_path / f'data/JPEGImages/{video}/{frame:05d}.jpg'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), rng.integers(0, 255, (64, 96, 3), dtype=np.uint8))
        label_map = np.zeros((64, 96), np.uint8)
        label_map[16:48, 16:48] = 1
        write_label_map(tmp_path / f'data/Annotations/{video}/00000.png', label_map)
    config = tmp_path / 'folder.py'
    config.write_text(FOLDER_CONFIG.format(root=ROOT, data=tmp_path / 'data'))
    return tmp_path


def test_copies_of_a_video_are_averaged(tmp_path):
    video = ('length=1', 'num_frames=4', 'late_videos=0')
    options = [*(f'test_dataloader.dataset.{o}' for o in video), 'tta_model.scales=[1.0,0.75]']
    metrics = tmp_path / 'metrics.json'
    run('test', CONFIG, 'none', '--work-dir', tmp_path, '--tta', '--metrics', metrics, '--cfg-options', *options)
    assert 0 < json.loads(metrics.read_text())['J-Mean'] < 1


def test_a_damaged_frame_costs_one_video_and_resume_does_it_when_it_is_mended(folder_of_videos):
    folder = folder_of_videos
    frame = folder / 'data/JPEGImages/b/00001.jpg'
    whole = frame.read_bytes()
    command = ['test', folder / 'folder.py', 'none', '--work-dir', folder / 'work']
    command += ['--submission', folder / 's.zip', '--out', folder / 'out', '--metrics', folder / 'm.json']
    frame.write_bytes(whole[: len(whole) // 3])
    output = run(*command, expect=3)
    assert 'b, frame 00001' in output and '1 of 3 videos failed' in output and 'Traceback' not in output
    assert not (folder / 's.zip').exists() and not (folder / 'm.json').exists()
    assert sorted(p.name for p in (folder / 'out').iterdir() if p.is_dir() and list(p.iterdir())) == ['a', 'c']
    stopped = run(*command, '--on-error', 'stop', expect=2)
    assert stopped.splitlines()[-1].startswith('error: b, frame 00001') and 'Traceback' not in stopped
    run(*command, expect=3)
    frame.write_bytes(whole)
    assert 'a: done by an earlier run' in run(*command, '--resume')
    assert len(zipfile.ZipFile(folder / 's.zip').namelist()) == 9 and (folder / 'm.json').is_file()
    resumed = (folder / 's.zip').read_bytes()
    run(*command)
    assert (folder / 's.zip').read_bytes() == resumed
    left = [p.name for p in folder.rglob('*') if p.name.startswith(('.mmvos', '.run', 'finished')) or p.name.endswith('.parts')]
    assert not left


def test_the_shipped_weights_are_tuned_on_videos_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    for video in 'ab':
        background = cv2.resize(rng.integers(0, 255, (4, 6, 3), dtype=np.uint8), (160, 96))
        for frame in range(4):
            image, label_map = background.copy(), np.zeros((96, 160), np.uint8)
            for number, centre in enumerate(((30 + 6 * frame, 30), (120 - 6 * frame, 64)), 1):
                cv2.circle(image, centre, 18, (90 * number, 200, 30), -1)
                cv2.circle(label_map, centre, 18, number, -1)
            frames = tmp_path / f'data/JPEGImages/480p/{video}'
            frames.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(frames / f'{frame:05d}.jpg'), image)
            write_label_map(tmp_path / f'data/Annotations/480p/{video}/{frame:05d}.png', label_map)
    config = 'configs/recall_vos/recall-vos_lite0_folder.py'
    options = [
        f'train_dataloader.dataset.data_root={tmp_path}/data',
        'train_cfg.max_iters=2',
        'default_hooks.logger.interval=1',
    ]
    run('train', config, '--work-dir', tmp_path / 'work', '--cfg-options', *options)
    tuned, shipped = weights(tmp_path / 'work/iter_2.pth'), read_checkpoint('recall-vos_lite0')['state_dict']
    moved = {name: float((tuned[name] - value.float()).abs().max()) for name, value in shipped.items() if name in tuned}
    assert len(moved) == len(shipped) and 0 < max(moved.values()) < 1e-3
    metrics = tmp_path / 'metrics.json'
    run('test', config, tmp_path / 'work/iter_2.pth', '--data-root', tmp_path / 'data', '--metrics', metrics)
    assert json.loads(metrics.read_text())['overall'] > 0.9


def test_a_checkpoint_of_another_model_is_one_clear_message(tmp_path):
    torch.save(dict(state_dict={'a.weight': torch.zeros(3)}), tmp_path / 'other.pth')
    output = run('test', CONFIG, tmp_path / 'other.pth', '--work-dir', tmp_path, expect=2)
    assert 'other.pth: these are not the weights of' in output


def test_a_missing_checkpoint_and_config_are_named(tmp_path):
    assert 'none.pth: checkpoint not found' in run('test', CONFIG, tmp_path / 'none.pth', '--work-dir', tmp_path, expect=2)
    assert 'nothing.py: config not found' in run('train', 'nothing.py', expect=2)


def test_the_converter_names_what_it_does_not_know(tmp_path):
    torch.save(dict(net={'strange.weight': torch.zeros(1)}), tmp_path / 'src.pth')
    output = run('convert', 'agame', tmp_path / 'src.pth', tmp_path / 'dst.pth', expect=2)
    assert 'src.pth' in output and 'strange.weight' in output
    assert not (tmp_path / 'dst.pth').exists()
