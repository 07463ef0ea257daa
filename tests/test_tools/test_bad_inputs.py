"""Every door against every kind of bad file: one line that names the file, exit code 2, and nothing left behind.

A row of the table is a command, the place of one of its inputs, and what lies there. Commands run in this process through the
function that their scripts call; some rows run as processes of their own (``test_as_a_process``).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bad_commands import (
    BOXES,
    DAVIS,
    DIS,
    FLOW,
    LABELME,
    MASKS,
    SEGMENT,
    TEST,
    TRACK,
    VIS,
    YTVIS,
    YTVOS,
    call_in,
    check,
    files_of,
)
from bad_kinds import ARCHIVE, CHECKPOINT, IMAGE, JSON, LIST, MASK, OWN_CHECKPOINT
from commands import MINI, ROOT

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


def test_the_good_inputs_are_good(good_inputs, tmp_path, capsys, monkeypatch):
    """Else nothing of the table would show anything."""
    monkeypatch.setattr('sys.argv', list(sys.argv))
    for number, (command, _, _, _) in enumerate(DOORS):
        if 'w.pth' in ' '.join(command) or command[0] == 'split_youtube_vos':  # weights of nothing; one video cannot be split
            continue
        root = tmp_path / str(number)
        shutil.copytree(good_inputs, root)
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
