"""demo/vos_demo.py, as a user runs it, with good and with bad input."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmvos.structures import read_label_map, read_palette, voc_palette, write_label_map

ROOT = Path(__file__).parents[2]


def run(*args):
    """The script in a process of its own, as from a shell."""
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, 'demo/vos_demo.py', *map(str, args)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def error_of(monkeypatch, *args):
    """The message with which the script stops, run in this process to save its start."""
    monkeypatch.setattr(sys, 'argv', ['vos_demo.py', *map(str, args)])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / 'demo' / 'vos_demo.py'), run_name='__main__')
    return str(stopped.value)


@pytest.fixture
def video(tmp_path):
    """Five frames with a bright disk, and its mask with PASCAL's palette and object id 3."""
    rng = np.random.default_rng(0)
    background = cv2.GaussianBlur(rng.integers(0, 200, (120, 160, 3), dtype=np.uint8), (9, 9), 0)
    (tmp_path / 'frames').mkdir()
    for t in range(5):
        frame = background.copy()
        cv2.circle(frame, (60 + 4 * t, 60), 28, (40, 60, 250), -1)
        cv2.imwrite(str(tmp_path / 'frames' / f'{t:05d}.jpg'), frame)
    mask = np.zeros((120, 160), np.uint8)
    cv2.circle(mask, (60, 60), 28, 3, -1)
    write_label_map(tmp_path / 'mask.png', mask, voc_palette())
    return tmp_path


def test_black_and_white_masks(video, monkeypatch):
    mask = (read_label_map(video / 'mask.png') > 0).astype(np.uint8) * 255
    cv2.imwrite(str(video / 'bw.png'), mask)
    command = (video / 'frames', '--prompt', video / 'bw.png', '--out-dir', video / 'out')
    assert 'bw.png: the prompt is empty' in (message := error_of(monkeypatch, *command)) and '--binary' in message
    monkeypatch.setattr(sys, 'argv', ['vos_demo.py', *map(str, command), '--binary'])
    runpy.run_path(str(ROOT / 'demo' / 'vos_demo.py'), run_name='__main__')
    first = read_label_map(video / 'out' / 'masks' / '00000.png')
    np.testing.assert_array_equal(first > 0, mask > 0)
    assert set(np.unique(first)) == {0, 1}


def test_a_folder_of_frames(video):
    output = run(video / 'frames', '--prompt', video / 'mask.png', '--out-dir', video / 'out')
    assert '5 frames, 1 object,' in output and 'frames/s' in output
    masks = sorted((video / 'out' / 'masks').iterdir())
    assert [m.name for m in masks] == [f'{t:05d}.png' for t in range(5)]
    np.testing.assert_array_equal(read_label_map(masks[0]), read_label_map(video / 'mask.png'))
    np.testing.assert_array_equal(read_palette(masks[0]), voc_palette())
    truth = np.zeros((120, 160), np.uint8)
    cv2.circle(truth, (76, 60), 28, 1, -1)
    last = read_label_map(masks[-1]) == 3
    assert (last & (truth > 0)).sum() / (last | (truth > 0)).sum() > 0.8
    assert cv2.VideoCapture(str(video / 'out' / 'overlay.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 5


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda p: write_label_map(p, np.zeros((120, 160), np.uint8)), r'the prompt is empty'),
        (lambda p: write_label_map(p, np.ones((120, 159), np.uint8)), '159x120, its frame is 160x120'),
        (lambda p: cv2.imwrite(str(p), np.ones((120, 160, 3), np.uint8)), 'RGB image'),
        (lambda p: cv2.imwrite(str(p), np.ones((120, 160), np.uint16)), '16-bit'),
        (lambda p: None, 'not found. Expected a mask'),
    ],
    ids=['empty', 'size', 'rgb', '16-bit', 'missing'],
)
def test_a_bad_mask_is_one_message_that_names_it(video, monkeypatch, make, message):
    make(video / 'bad.png')
    error = error_of(monkeypatch, video / 'frames', '--prompt', video / 'bad.png', '--out-dir', video / 'out')
    assert error.startswith('error: ') and 'bad.png' in error and message in error
    assert not (video / 'out' / 'overlay.mp4').exists()


def test_other_bad_inputs(video, monkeypatch):
    out = ('--out-dir', video / 'out')
    assert 'nothing.mp4: video not found' in error_of(monkeypatch, video / 'nothing.mp4', '--prompt', video / 'mask.png', *out)
    assert 'which objects? Give --click, --box or --prompt' in error_of(monkeypatch, video / 'frames', *out)
    (video / 'weights.pth').write_bytes(b'nothing')
    assert 'weights.pth' in error_of(
        monkeypatch, video / 'frames', '--prompt', video / 'mask.png', *out, '--checkpoint', video / 'weights.pth'
    )
