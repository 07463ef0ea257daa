"""A full disk, a read-only folder, no memory: one line, exit code 2, and what was there before is still there.

Every row is a process of its own; the disk is one of 400 kB in memory, which only root may mount.
"""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
import torch
from bad_files import encoded
from commands import ROOT, write_small_config
from processes import run_process

from mmvos.structures import write_label_map
from mmvos.utils.command_line import line_of

SHAPE = (24, 32)
DIS = ROOT / 'configs/flow/dis_ultrafast.py'
TRACKER = ROOT / 'configs/trackers/flow_colour_ultrafast.py'


def make_input(root, shape=SHAPE, count=3):
    """Frames, masks, a data set in the layout of DAVIS, a config that tests on it, and weights."""
    label_map = np.zeros(shape, np.uint8)
    label_map[4:16, 5:20] = 1
    data = encoded(np.full((*shape, 3), 90, np.uint8), 'JPEG')
    for index in range(count):
        for path in ('davis/JPEGImages/480p/a', 'frames/a'):
            (root / path).mkdir(parents=True, exist_ok=True)
            (root / path / f'{index:05d}.jpg').write_bytes(data)
        for path in ('davis/Annotations/480p/a', 'pred/a'):
            write_label_map(root / path / f'{index:05d}.png', label_map)
    (root / 'davis/ImageSets/2017').mkdir(parents=True)
    (root / 'davis/ImageSets/2017/val.txt').write_text('a\n')
    dataset = dict(_delete_=True, type='DAVIS2017Dataset', data_root=str(root / 'davis'), ann_file='ImageSets/2017/val.txt')
    dataset.update(pipeline=[dict(type='PackVideo')], test_mode=True)
    (root / 'config.py').write_text(
        f'_base_ = {str(write_small_config(root))!r}\ntest_dataloader = dict(dataset={dataset!r})\n'
        "test_evaluator = [dict(type='DAVISMetric', protocol='davis2017-semi')]\nsubmission = dict(type='DAVISSubmission')\n"
    )
    shapes = [dict(label='cat', shape_type='polygon', points=[[1, 1], [9, 1], [9, 9]])]
    (root / 'labelme/a').mkdir(parents=True)
    (root / 'labelme/a/00000.json').write_text(json.dumps(dict(shapes=shapes, imageHeight=shape[0], imageWidth=shape[1])))
    torch.save(dict(state_dict={'a.weight': torch.ones(2, 2)}, meta={}), root / 'w.pth')


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp('input')
    make_input(root)
    return root


def mount(*options):
    return subprocess.run(['mount', *options], capture_output=True, text=True)


@pytest.fixture(scope='module')
def small_disk(tmp_path_factory):
    root = tmp_path_factory.mktemp('disk')
    done = mount('-t', 'tmpfs', '-o', 'size=400k', 'mmvos-test', str(root))
    if done.returncode:
        pytest.skip(f'a disk of its own cannot be mounted here: {done.stderr.strip()}')
    yield root
    subprocess.run(['umount', str(root)], check=True)


@pytest.fixture
def disk(small_disk):
    """The disk, empty."""
    for path in small_disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return small_disk


def fill(disk):
    with open(disk / 'filler', 'wb', buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    assert os.statvfs(disk).f_bavail == 0


def make_read_only(disk):
    assert mount('-o', 'remount,ro', str(disk)).returncode == 0


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def is_one_line(code, text):
    assert code == 2, f'exit code {code}: {text[-2500:]}'
    assert 'Traceback' not in text, text[-2500:]
    assert text.count('error: ') == 1, text[-2500:]
    return text.split('error: ')[1].splitlines()[0]  # it may come behind a progress bar, in a terminal


PRED = ['--gt', '{r}/davis', '--pred', '{r}/pred', '--num-workers', '1', '--quiet']
TEST = ['test', '{r}/config.py', 'none', '--work-dir', '{w}']
MODEL = ['--config', '{r}/small.py', '--device', 'cpu']
#: (command, file that an earlier run has left; {r}: input, {o}: the disk, {w}: another one)
ROWS = [
    (['evaluate', 'davis2017-semi', *PRED, '--out', '{o}/m.json'], 'm.json'),
    (['evaluate', 'davis2017-semi', *PRED, '--csv', '{o}/m.csv'], 'm.csv'),
    (['masks_to_ytvis', '{r}/frames', '{r}/davis/Annotations/480p', '{o}/a.json', '--category', 'a'], 'a.json'),
    (['labelme_cvat_to_ytvis', '{r}/frames', '{r}/labelme', '{o}/a.json'], 'a.json'),
    (['publish_checkpoint', '{r}/w.pth', '{o}/w.pth'], 'w.pth'),
    (['precompute_flow', str(DIS), '{r}/frames', '{o}/flow', '--device', 'cpu'], 'flow/b/00001.npy'),
    (['cache_box_tracks', str(TRACKER), '--frames', '{r}/frames', '--masks', '{r}/pred', '--out', '{o}/boxes'], 'boxes/b.json'),
    (['segment', '{r}/frames/a', '--prompt', '{r}/pred/a/00000.png', '--out-dir', '{o}/s', *MODEL], 's/overlay.mp4'),
    (['pack', '{r}/frames', '{o}/packed'], 'packed/other'),
    (['make_synthvis', '{o}/made', '--train', '1', '--valid', '1', '--frames', '2', '--size', '48', '64'], 'made/other'),
    ([*TEST, '--submission', '{o}/s.zip'], 's.zip'),
    ([*TEST, '--metrics', '{o}/m.json'], 'm.json'),
    ([*TEST[:-1], '{o}/work'], 'work/other'),
    ([*TEST, '--out', '{o}/masks'], 'masks/a/00002.png'),
]


def name_of(part):
    return '-'.join(word for word in part[0] if word in ('--out', '--csv', '--submission', '--metrics') or word == part[0][0])


@pytest.mark.parametrize('make_bad', [fill, make_read_only])
@pytest.mark.parametrize('row', ROWS, ids=name_of)
def test_a_full_disk_and_a_read_only_folder(row, make_bad, base, disk, tmp_path):
    command, kept = row
    (disk / kept).parent.mkdir(parents=True, exist_ok=True)
    (disk / kept).write_bytes(b'of an earlier run')
    make_bad(disk)
    before = files_of(disk)
    places = dict(r=base, o=disk, w=tmp_path / 'work')
    try:
        code, text = run_process([part.format(**places) for part in command], tmp_path, tmp_path / 'log.txt')
        message = is_one_line(code, text)
        assert str(disk) in message and ('No space left' if make_bad is fill else 'Read-only file system') in message
        left = files_of(disk)
        assert {path: left.get(path) for path in before} == before
        assert [path.name for path in left.keys() - before.keys() if path.name.startswith('.')] == []
    finally:
        mount('-o', 'remount,rw', str(disk))


def test_no_room_for_a_checkpoint_leaves_the_one_before(base, tmp_path):
    work = tmp_path / 'work'
    work.mkdir()
    (work / 'iter_1.pth').write_bytes(b'of an earlier run')
    options = ['train_cfg.max_iters=1', 'train_cfg.val_interval=100', 'default_hooks.checkpoint.interval=1']
    command = ['train', base / 'small.py', '--work-dir', work, '--cfg-options', *options]
    code, text = run_process(command, tmp_path, tmp_path / 'log.txt', file_size=500_000)
    message = is_one_line(code, text)
    assert message.startswith(f'{work}/iter_1.pth: ')
    assert (work / 'iter_1.pth').read_bytes() == b'of an earlier run'
    assert not [path.name for path in work.rglob('.*')]


@pytest.mark.parametrize(('command', 'kept'), [ROWS[i] for i in (0, 2, 5, 7, 10)], ids=lambda part: part[0])
def test_no_memory(command, kept, tmp_path):
    """Frames of 36 million pixels, and 30 MB for them."""
    make_input(tmp_path / 'in', (6000, 6000))
    old = tmp_path / 'out' / kept
    old.parent.mkdir(parents=True)
    old.write_bytes(b'of an earlier run')
    places = dict(r=tmp_path / 'in', o=tmp_path / 'out', w=tmp_path / 'work')
    code, text = run_process([part.format(**places) for part in command], tmp_path, tmp_path / 'log.txt', memory=30_000_000)
    assert 'memory' in is_one_line(code, text)
    assert old.read_bytes() == b'of an earlier run'
    assert not [path.name for path in (tmp_path / 'out').rglob('.*')]


def test_a_library_for_which_there_is_no_memory():
    text = 'libgfortran.so.5: failed to map segment from shared object'
    assert line_of(ImportError(text, name='scipy')) == f'out of memory. {text}'
