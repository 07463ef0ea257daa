"""Cases from public reports of bugs, about videos and frames: what comes in is segmented to its end, or refused by name."""

from pathlib import Path

import numpy as np
import pytest
from bad_files import encoded

from mmvos.structures import read_label_map, write_label_map
from mmvos.videos import open_video
from mmvos.visualization import VideoWriter

CLIPS = Path(__file__).parents[1] / 'data/videos'


@pytest.fixture
def segment(run, tmp_path, small_config):
    """``segment(video, mask) -> (exit code, messages, names of the masks)``."""

    def ended(video, mask, *options):
        write_label_map(tmp_path / 'first.png', mask)
        model = ('--config', small_config, '--device', 'cpu')
        code, out, errors = run(
            'segment', video, '--prompt', tmp_path / 'first.png', '--out-dir', tmp_path / 'out', *model, *options
        )
        return code, out + errors, sorted(p.stem for p in (tmp_path / 'out/masks').glob('*.png'))

    return ended


def box(height, width):
    """One object in the middle."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : max(height * 3 // 4, 1), width // 4 : max(width * 3 // 4, 1)] = 1
    return mask


def is_whole(segment, out, name, count):
    """Masks and overlay of a whole video."""
    code, messages, masks = segment(CLIPS / name, box(90, 160))
    assert code == 0, messages
    assert masks == [f'{i:05d}' for i in range(count)]
    assert all(read_label_map(out / f'masks/{stem}.png').shape == (90, 160) for stem in masks)
    assert sum(1 for _ in open_video(out / 'overlay.mp4')) == count
    return messages


@pytest.mark.parametrize('name', ['recorded.webm', 'clip.h264', 'clip.ts'])
def test_01_a_video_without_a_duration(segment, tmp_path, name):
    is_whole(segment, tmp_path / 'out', name, 12)


@pytest.mark.parametrize(('name', 'count'), [('cut.mp4', 27), ('vfr.webm', 12), ('cut_short.mp4', 38)])
def test_02_a_container_that_promises_other_frames(segment, tmp_path, caplog, name, count):
    is_whole(segment, tmp_path / 'out', name, count)
    assert (f'{count} frames decode' in caplog.text) == (name == 'cut_short.mp4')


def test_03_a_rate_that_no_time_base_holds(segment, tmp_path):
    is_whole(segment, tmp_path / 'out', 'iphone_slowmo.mov', 20)
    fps = open_video(CLIPS / 'iphone_slowmo.mov').fps
    assert fps == pytest.approx(169.01, abs=0.01) == open_video(tmp_path / 'out/overlay.mp4').fps


def test_13_av1(segment, tmp_path):
    is_whole(segment, tmp_path / 'out', 'clip_av1.mp4', 12)


# folders of frames


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def write_frames(folder, frames):
    """``{name: (array, format)}`` as image files."""
    folder.mkdir()
    for name, (array, fmt) in frames.items():
        (folder / name).write_bytes(encoded(array, fmt))


def test_07_photographs_that_are_stored_turned(segment, tmp_path):
    """The stored picture is 100 wide and 60 high, the one that is shown 60 wide and 100 high."""
    frames, stored = tmp_path / 'frames', np.zeros((60, 100, 3), np.uint8)
    stored[5:20, 10:40] = 255  # shown at rows 10..39, columns 40..54
    frames.mkdir()
    for index in range(3):
        (frames / f'{index}.jpg').write_bytes(encoded(stored, 'JPEG', orientation=6))
    mask = np.zeros((100, 60), np.uint8)
    mask[10:40, 40:55] = 1
    code, messages, masks = segment(frames, mask)
    assert code == 0 and masks == ['0', '1', '2'], messages
    last = read_label_map(tmp_path / 'out/masks/2.png')
    assert last.shape == (100, 60) and (last & mask).sum() > 0.8 * mask.sum()
    code, messages, _ = segment(frames, np.ascontiguousarray(mask.T))
    assert code == 2 and 'the mask is 100x60, its frame is 60x100' in messages


def test_16_a_mask_with_a_soft_edge(run, tmp_path, small_config):
    """It says so before anything runs, with the remedy; by the remedy it is one object."""
    y, x = np.mgrid[:60, :100]
    soft = np.clip((20 - np.hypot(y - 30, x - 50)) * 40, 0, 255).astype(np.uint8)
    write_frames(tmp_path / 'frames', {f'{i}.png': (picture(60, 100), 'PNG') for i in range(2)})
    for fmt, radius in (('PNG', 20), ('JPEG', 20 - 127 / 40)):  # a JPEG, whose values are noisy, is cut in the middle
        path = tmp_path / f'soft.{fmt.lower()}'
        path.write_bytes(encoded(soft, fmt))
        command = ('segment', tmp_path / 'frames', '--prompt', path, '--out-dir', tmp_path / fmt, '--config', small_config)
        code, out, errors = run(*command, '--device', 'cpu')
        assert code == 2 and path.name in errors and '--binary' in errors
        assert not [path for path in (tmp_path / fmt).rglob('*') if path.is_file()]
        code, out, errors = run(*command, '--device', 'cpu', '--binary')
        assert code == 0, errors
        first = read_label_map(tmp_path / fmt / 'masks/0.png')
        assert set(np.unique(first)) == {0, 1} and abs(int(first.sum()) - np.pi * radius**2) < 60


def test_21_frames_of_every_format_in_one_folder(segment, tmp_path):
    colour, grey = picture(48, 64), picture(48, 64)[..., 0]
    alpha = np.dstack([colour, np.full((48, 64), 255, np.uint8)])
    frames = {
        '0.JPG': (colour, 'JPEG'),
        '1.png': (grey, 'PNG'),
        '2.png': (alpha, 'PNG'),
        '3.png': (grey.astype(np.uint16) * 257, 'PNG'),
        '4.webp': (colour, 'WEBP'),
        '5.tiff': (colour, 'TIFF'),
        '10.bmp': (colour, 'BMP'),
    }
    write_frames(tmp_path / 'frames', frames)
    for name in ('.DS_Store', '._1.png', 'Thumbs.db'):
        (tmp_path / 'frames' / name).write_bytes(b'\0')
    code, messages, masks = segment(tmp_path / 'frames', box(48, 64))
    assert code == 0, messages
    assert masks == ['0', '1', '10', '2', '3', '4', '5']
    assert sum(1 for _ in open_video(tmp_path / 'out/overlay.mp4')) == 7


@pytest.mark.parametrize('size', [(1, 1), (1, 40), (2, 3), (31, 33)])
def test_21_frames_of_few_pixels(segment, tmp_path, size):
    write_frames(tmp_path / 'frames', {f'{i}.png': (picture(*size, i), 'PNG') for i in range(3)})
    code, messages, masks = segment(tmp_path / 'frames', np.ones(size, np.uint8))
    assert code == 0 and masks == ['0', '1', '2'], messages
    assert read_label_map(tmp_path / 'out/masks/2.png').shape == size


def test_22_a_frame_that_is_cut_to_a_third(segment, tmp_path):
    write_frames(tmp_path / 'frames', {f'{i:05d}.jpg': (picture(60, 100), 'JPEG') for i in range(4)})
    damaged = tmp_path / 'frames/00002.jpg'
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 3])
    code, messages, masks = segment(tmp_path / 'frames', box(60, 100))
    assert code == 2 and masks == ['00000', '00001']  # what was done before stays
    assert f'{damaged}: ' in messages and 'cut short' in messages
    assert not list((tmp_path / 'out').glob('*.mp4'))


def test_22_a_damaged_frame_does_not_end_the_run_of_a_video_file(segment, tmp_path):
    """A picture that is damaged is refused; a stream goes on at its next frame."""
    with VideoWriter(tmp_path / 'v.avi', 10) as writer:
        for i in range(6):
            writer.write(picture(96, 96, i))
    data = bytearray((tmp_path / 'v.avi').read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    (tmp_path / 'v.avi').write_bytes(bytes(data))
    code, messages, masks = segment(tmp_path / 'v.avi', box(96, 96))
    assert code == 0 and len(masks) >= 5, messages
