"""Every door against every kind of bad file: one line that names the file, exit code 2, and nothing left behind.

A row of the table is a command, the place of one of its inputs, and what lies there. Commands run in this process through the
function that their scripts call; some rows run as processes of their own (``test_as_a_process``).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_files import encoded, make_zip
from bad_kinds import ARCHIVE, CHECKPOINT, IMAGE, JSON, LIST, MASK, OWN_CHECKPOINT, SHAPE, saved
from commands import MINI, call, write_small_config

from mmvos.structures import encode_mask, write_label_map

ROOT = Path(__file__).parents[2]


def make_base(root):
    """Small good inputs of all commands."""
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[4:16, 5:20] = 1
    frame = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    entries = {}
    for index in range(3):
        for path in ('davis/JPEGImages/480p/a', 'frames/a'):
            (root / path).mkdir(parents=True, exist_ok=True)
            (root / path / f'{index:05d}.jpg').write_bytes(encoded(frame, 'JPEG'))
        for path in ('davis/Annotations/480p/a', 'pred/a', 'yt/train/Annotations/a'):
            write_label_map(root / path / f'{index:05d}.png', label_map)
        entries[f'a/{index:05d}.png'] = (root / f'pred/a/{index:05d}.png').read_bytes()
    (root / 'davis/ImageSets/2017').mkdir(parents=True)
    (root / 'davis/ImageSets/2017/val.txt').write_text('a\n')
    write_label_map(root / 'mask.png', label_map)
    make_zip(root / 's.zip', entries)
    shutil.copytree(root / 'frames', root / 'yt/train/JPEGImages')
    listed = dict(objects={'1': dict(category='cat', frames=['00000', '00001', '00002'])})
    (root / 'yt/train/meta.json').write_text(json.dumps(dict(videos=dict(a=listed))))
    (root / 'categories.json').write_text(json.dumps({'1': 'cat'}))
    codes = [encode_mask(label_map)] * 3
    gt = dict(
        categories=[dict(id=1, name='cat')],
        videos=[dict(id=1, width=32, height=24, length=3, file_names=[f'a/{i:05d}.jpg' for i in range(3)])],
        annotations=[dict(id=1, video_id=1, category_id=1, iscrowd=0, segmentations=codes)],
    )
    (root / 'gt.json').write_text(json.dumps(gt))
    results = [dict(video_id=1, category_id=1, score=0.9, segmentations=codes)]
    (root / 'results.json').write_text(json.dumps(results))
    shapes = [dict(label='cat', shape_type='polygon', points=[[1, 1], [9, 1], [9, 9]])]
    (root / 'labelme/a').mkdir(parents=True)
    (root / 'labelme/a/00000.json').write_text(json.dumps(dict(shapes=shapes, imageHeight=24, imageWidth=32)))
    (root / 'w.pth').write_bytes(saved(dict(state_dict={'a.weight': torch.ones(2, 2)}, meta={})))
    (root / 'names.txt').write_text('a\n')
    write_small_config(root)


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp('base')
    make_base(root)
    return root


VIS = ROOT / 'configs/masktrack_rcnn/masktrack-rcnn_mini_synthvis.py'
DIS = ROOT / 'configs/flow/dis_ultrafast.py'
DAVIS = ['--gt', '{r}/davis', '--pred', '{r}/pred', '--workers', '1', '--quiet', '--metrics', '{r}/out.json']
YTVOS = [*DAVIS, '--gt', '{r}/yt', '--split', 'train']
YTVIS = ['youtube-vis', '--gt', '{r}/gt.json', '--pred', '{r}/results.json', '--quiet', '--metrics', '{r}/out.json']
SEGMENT = [
    'segment',
    '{r}/frames/a',
    '--prompt',
    '{r}/mask.png',
    '--config',
    '{r}/small.py',
    '--device',
    'cpu',
    '--out-dir',
    '{r}/out',
]
TEST = ['test', str(MINI), '{r}/w.pth', '--work-dir', '{r}/work', '--submission', '{r}/out.zip']
LABELME = ['labelme_cvat_to_ytvis', '{r}/frames', '{r}/labelme', '{r}/out.json']
MASKS = ['masks_to_ytvis', '{r}/frames', '{r}/davis/Annotations/480p', '{r}/out.json', '--categories', '{r}/categories.json']
FLOW = ['precompute_flow', str(DIS), '{r}/frames', '{r}/out', '--device', 'cpu']
BOXES = ['cache_box_tracks', str(ROOT / 'configs/trackers/flow_colour_ultrafast.py'), '--frames', '{r}/frames', '--masks',
         '{r}/davis/Annotations/480p', '--out', '{r}/out']  # fmt: skip
TRACK = ['track', '{r}/frames/a', '--prompt', '{r}/mask.png', '--out-dir', '{r}/out', '--device', 'cpu']

#: (command, place of the input, what may lie there, kinds that are good input there)
DOORS = [
    (['evaluate', 'davis2017-semi', *DAVIS], 'davis/Annotations/480p/a/00001.png', MASK, {'missing'}),
    (['evaluate', 'davis2017-semi', *DAVIS], 'pred/a/00001.png', MASK, set()),
    (['evaluate', 'davis2017-semi', *DAVIS], 'davis/ImageSets/2017/val.txt', LIST, set()),
    (['evaluate', 'davis2017-semi', *DAVIS, '--sequences', '{r}/names.txt'], 'names.txt', LIST, set()),
    (['evaluate', 'davis2017-semi', *DAVIS, '--pred', '{r}/s.zip'], 's.zip', ARCHIVE, set()),
    (['evaluate', 'youtube-vos', *YTVOS], 'yt/train/meta.json', JSON, set()),
    (
        ['evaluate', 'youtube-vos', *DAVIS, '--gt', '{r}/yt', '--split', 'train'],
        'yt/train/Annotations/a/00001.png',
        MASK,
        set(),
    ),
    (['evaluate', *YTVIS], 'gt.json', JSON, set()),
    (['evaluate', *YTVIS], 'results.json', JSON, set()),
    (['validate', 'davis2017-semi', '{r}/s.zip', '--gt', '{r}/davis'], 's.zip', ARCHIVE, set()),
    (['validate', 'davis2017-semi', '{r}/s.zip', '--gt', '{r}/davis'], 'davis/Annotations/480p/a/00000.png', IMAGE, set()),
    (['validate', 'davis2017-semi', '{r}/s.zip', '--gt', '{r}/davis'], 'davis/ImageSets/2017/val.txt', LIST, set()),
    (SEGMENT, 'mask.png', MASK, set()),
    (SEGMENT, 'frames/a/00000.jpg', IMAGE, {'missing'}),
    (SEGMENT, 'frames/a/00001.jpg', IMAGE, {'missing'}),
    ([*SEGMENT, '--checkpoint', '{r}/w.pth'], 'w.pth', OWN_CHECKPOINT, set()),
    (TEST, 'w.pth', OWN_CHECKPOINT, set()),
    (['publish_checkpoint', '{r}/w.pth', '{r}/out.pth'], 'w.pth', OWN_CHECKPOINT, set()),
    (['convert', 'agame', '{r}/w.pth', '{r}/out.pth'], 'w.pth', CHECKPOINT, set()),
    (
        ['instances', '{r}/frames/a', '--config', str(VIS), '--checkpoint', '{r}/w.pth', '--out-dir', '{r}/out'],
        'w.pth',
        OWN_CHECKPOINT,
        set(),
    ),  # fmt: skip
    (LABELME, 'labelme/a/00000.json', JSON, {'missing'}),
    (LABELME, 'frames/a/00000.jpg', IMAGE, {'missing'}),
    (MASKS, 'davis/Annotations/480p/a/00001.png', MASK, {'missing'}),
    (MASKS, 'categories.json', JSON, set()),
    (FLOW, 'frames/a/00001.jpg', IMAGE, {'missing'}),
    ([*FLOW, '--videos', '{r}/names.txt'], 'names.txt', LIST, set()),
    (BOXES, 'frames/a/00001.jpg', IMAGE, {'missing'}),
    (BOXES, 'davis/Annotations/480p/a/00000.png', MASK, {'missing'}),
    (TRACK, 'mask.png', MASK, set()),
    (TRACK, 'frames/a/00001.jpg', IMAGE, {'missing'}),
    (['split_youtube_vos', '{r}/yt'], 'yt/train/meta.json', JSON, set()),
]

#: (command, words of the message)
COMMANDS = [
    (['evaluate', 'davis2071', *DAVIS], 'davis2071'),
    (['evaluate', 'davis2017-semi', *DAVIS, '--split', 'zebra'], 'zebra.txt'),
    (['evaluate', 'davis2017-semi', *DAVIS, '--gt', '{r}/none'], 'none'),
    (['evaluate', 'davis2017-semi', *DAVIS, '--pred', '{r}/none'], 'none'),
    (['evaluate', 'davis2017-semi', *DAVIS, '--metrics', '{r}/frames'], 'frames'),
    (['evaluate', 'davis2017-semi', *DAVIS[:-2], '--csv', '{r}/mask.png/o.csv'], 'mask.png'),
    (['validate', 'davis2017-semi', '{r}/s.zip', '--gt', '{r}/davis', '--max-problems', '0'], '--max-problems'),
    (['validate', 'davis2017-semi', '{r}/s.zip', '--gt', '{r}/davis', '--max-problems', '-1'], '--max-problems'),
    (['validate', 'zebra', '{r}/s.zip', '--gt', '{r}/davis'], 'zebra'),
    ([*SEGMENT, '--prompt', '{r}/mask.png', '0={r}/mask.png'], 'has the prompt'),
    ([*SEGMENT, '--prompt', '9={r}/mask.png'], 'prompt at frame 9'),
    ([*SEGMENT, '--prompt', '²={r}/mask.png'], '²='),
    ([*SEGMENT, '--config', '{r}/none.py'], 'none.py'),
    ([*SEGMENT, '--config', '{r}/mask.png'], 'mask.png'),
    ([*SEGMENT, '--device', 'zebra'], 'zebra'),
    ([*SEGMENT, '--overlay', 'o.txt'], 'o.txt'),
    ([*SEGMENT, '--overlay', '../o.mp4'], '../o.mp4'),
    ([*SEGMENT, '--export', 'zebra'], 'zebra'),
    ([*SEGMENT, '--out-dir', '{r}/mask.png'], 'mask.png'),
    ([*SEGMENT, '--click', '1:x'], '1:x'),
    ([*SEGMENT, '--box', '1:9,9,2,2'], 'empty'),
    (['segment', '{r}/none.mp4', '--out-dir', '{r}/out', '--config', str(MINI), '--prompt', '{r}/mask.png'], 'none.mp4'),
    (['segment', '{r}/gt.json', '--out-dir', '{r}/out', '--config', str(MINI), '--prompt', '{r}/mask.png'], 'gt.json'),
    (['segment', '{r}/davis', '--out-dir', '{r}/out', '--config', str(MINI), '--prompt', '{r}/mask.png'], 'no frames'),
    (['segment', '{r}/frames/a', '--out-dir', '{r}/out', '--config', str(MINI)], 'which objects?'),
    (['test', '{r}/none.py', 'none', '--work-dir', '{r}/work'], 'none.py'),
    (['test', str(MINI), 'none', '--work-dir', '{r}/mask.png'], 'mask.png'),
    (['test', str(MINI), 'none', '--work-dir', '{r}/work', '--cfg-options', 'model.zebra=1'], 'zebra'),
    (['test', str(MINI), 'none', '--work-dir', '{r}/work', '--cfg-options', 'zebra=1'], 'zebra'),
    (['test', str(MINI), 'none', '--work-dir', '{r}/work', '--cfg-options', 'abc'], 'abc'),
    (['train', '{r}/none.py', '--work-dir', '{r}/work'], 'none.py'),
    (['train', str(MINI), '--work-dir', '{r}/mask.png'], 'mask.png'),
    ([*FLOW, '--steps', '0'], '--steps'),
    ([*FLOW, '--part', 'x'], '--part x'),
    ([*FLOW, '--part', '3/2'], '--part 3/2'),
    ([*FLOW, '--batch-size', '0'], '--batch-size'),
    (['precompute_flow', str(DIS), '{r}/labelme', '{r}/out'], 'no frames'),
    (['precompute_flow', str(DIS), '{r}/frames/a', '{r}/out'], 'no folder'),
    (['precompute_flow', str(DIS), '{r}/mask.png', '{r}/out'], 'mask.png'),
    (['precompute_flow', str(DIS), '{r}/none', '{r}/out'], 'none'),
    ([*LABELME[:-1], '{r}/mask.png/o.json'], 'mask.png'),
    ([*LABELME[:-1], '{r}/frames'], 'frames'),
    ([*LABELME, '--classes', 'dog'], 'cat'),
    ([*MASKS, '--classes', 'dog'], 'cat'),
    ([*MASKS[:3], '{r}/frames', '--category', 'cat'], 'frames'),
    (['split_youtube_vos', '{r}/none'], 'meta.json'),
    (['split_youtube_vos', '{r}/yt', '--val-share', '2'], '--val-share'),
    (['split_youtube_vos', '{r}/yt', '--val-share', '0.5'], '--val-share'),
    (['publish_checkpoint', '{r}/w.pth', '{r}/frames'], 'frames'),
    (['convert', 'zebra', '{r}/w.pth', '{r}/out.pth'], 'zebra'),
    (['convert', 'agame', '{r}/w.pth', '{r}/frames'], ''),
    ([*BOXES, '--videos', 'zebra'], 'zebra'),
    ([*TRACK, '--out-dir', '{r}/mask.png'], 'mask.png'),
    (['zebra'], 'zebra'),
]
ROWS = [(command, place, kind) for command, place, kinds, good in DOORS for kind in kinds if kind not in good]


def first_word(part):
    return part[0] if isinstance(part, list) else part


def call_in(root, command):
    """Exit code of a command on the files of a folder."""
    return call(*(part.replace('{r}', str(root)) for part in command))


def files_of(root):
    return {path for path in root.rglob('*') if not path.is_dir() and 'work' not in path.relative_to(root).parts}


@pytest.fixture(scope='module', autouse=True)
def alarm():
    def tell(*_):
        raise AssertionError('the command hangs')

    before = signal.signal(signal.SIGALRM, tell)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def case(base, tmp_path, monkeypatch):
    monkeypatch.setattr('gc.collect', lambda *args: 0)  # mmengine's, half a second each
    monkeypatch.setattr('sys.argv', list(sys.argv))
    monkeypatch.chdir(tmp_path)
    root = tmp_path / 'case'
    shutil.copytree(base, root)
    signal.alarm(30)  # a command that hangs ends the test
    yield root
    signal.alarm(0)


def check(code, capture, words, before, root):
    printed = capture.readouterr()
    text = printed.out + printed.err
    assert 'Traceback' not in text, text[-2000:]
    assert code in (1, 2), f'exit code {code}: {text[-1500:]}'
    lines = [line for line in printed.err.splitlines() if 'error: ' in line]
    if code == 2:
        assert len(lines) == 1, printed.err[-1500:]
    for word in words:
        assert word in (lines[0] if code == 2 else text), (word, text[-1500:])
    left = {path.relative_to(root).as_posix() for path in files_of(root) - before}
    assert not {name for name in left if not name.startswith('out/')}, left
    assert not {name for name in left if name.endswith(('.mp4', '.zip', '.json')) or '/.' in name}, left
    assert not os.path.exists('/tmp/mmvos_pickle_has_run')


@pytest.mark.parametrize(('command', 'place', 'kind'), ROWS, ids=first_word)
def test_a_bad_file(command, place, kind, case, capsys):
    kinds = next(kinds for c, p, kinds, _ in DOORS if c is command and p == place)
    kinds[kind](case / place)
    before = files_of(case)
    code = call_in(case, command)
    words = {'unknown': 'zebra', 'way out': '..'}.get(kind, Path(place).name.removesuffix('.jpg'))
    check(code, capsys, [words if code == 2 else ''], before, case)
    if command[0] != 'validate':
        assert code == 2


@pytest.mark.parametrize(('command', 'words'), COMMANDS, ids=first_word)
def test_a_bad_command(command, words, case, capsys):
    before = files_of(case)
    check(call_in(case, command), capsys, [words], before, case)


def test_the_table_is_long():
    assert len(ROWS) + len(COMMANDS) >= 300


def test_the_good_inputs_are_good(base, tmp_path, capsys, monkeypatch):
    """Else nothing of the table would show anything."""
    monkeypatch.setattr('sys.argv', list(sys.argv))
    for number, (command, _, _, _) in enumerate(DOORS):
        if 'w.pth' in ' '.join(command) or command[0] == 'split_youtube_vos':  # weights of nothing; one video cannot be split
            continue
        root = tmp_path / str(number)
        shutil.copytree(base, root)
        assert call_in(root, command) == 0, (command, capsys.readouterr().err)


@pytest.mark.parametrize(
    ('script', 'place', 'kind'),
    [
        (['tools/evaluate.py', 'davis2017-semi', *DAVIS], 'pred/a/00001.png', 'huge'),
        (['tools/validate_submission.py', 'davis2017-semi', '{r}/s.zip', '--gt', '{r}/davis'], 's.zip', 'encrypted'),
        (['demo/vos_demo.py', *SEGMENT[1:]], 'mask.png', 'pipe'),
        (['tools/test.py', *TEST[1:]], 'w.pth', 'pickle 4'),
        (['tools/misc/precompute_flow.py', *FLOW[1:]], 'frames/a/00001.jpg', 'cut'),
    ],
    ids=first_word,
)
def test_as_a_process(script, place, kind, case):
    kinds = {**MASK, **ARCHIVE, **CHECKPOINT}
    kinds[kind](case / place)
    command = [sys.executable, '-W', 'ignore', *(part.replace('{r}', str(case)) for part in script)]
    done = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True, text=True, timeout=120
    )
    assert done.returncode in (1, 2) and 'Traceback' not in done.stdout + done.stderr, done.stderr[-2000:]
    assert Path(place).stem in done.stdout + done.stderr
