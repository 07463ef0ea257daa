"""Small good inputs of all commands, and how a command must end when one of them is bad."""

import json
import os
import shutil

import numpy as np
import torch
from bad_files import encoded, make_zip
from bad_kinds import SHAPE, saved
from commands import MINI, ROOT, call, write_small_config

from mmvos.structures import encode_mask, write_label_map


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


def call_in(root, command):
    """Exit code of a command on the files of a folder."""
    return call(*(part.replace('{r}', str(root)) for part in command))


def files_of(root):
    return {path for path in root.rglob('*') if not path.is_dir() and 'work' not in path.relative_to(root).parts}


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
