"""What a data set of many videos costs before the first sample (`make scale`), and the short cuts that make it cheap."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from benchmark_files import encoded, paint, picture, squares, write

from mmvos.structures import check_name, frame_order, in_frame_order

MEASURE = """
import resource, sys, time
import mmdet.datasets, mmvos.datasets.davis, mmvos.datasets.vis_datasets, mmvos.datasets.youtube_vos
from mmengine.registry import init_default_scope
from mmvos.registry import DATASETS
init_default_scope('mmvos')
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
data = DATASETS.build(dict(eval(sys.argv[1]), pipeline=[]))
data.full_init()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(len(data), sum(data.video_lengths()), time.process_time() - start, grown / 1024)
"""
DATA = {
    'youtube_vos': dict(type='YouTubeVOSDataset', split='train'),
    'davis': dict(
        type='DAVIS2017Dataset', ann_file='list.txt', data_prefix=dict(img='train/JPEGImages', ann='train/Annotations')
    ),
    'youtube_vis': dict(type='VISDataset', ann_file='train.json', data_prefix=dict(img_path='train/JPEGImages')),
}


def fake(root, videos, frames):
    """YouTube-VOS, a list as of DAVIS, and YouTube-VIS of the same videos, whose files are hard links to a few."""
    names = [f'{5 * t:05d}' for t in range(frames)]
    meta, listed, annotations = {}, [], []
    for number in range(videos):
        video, copy = f'{number:08x}', number * frames // 50_000  # a file has at most 65,000 names
        for kind, suffix, make in (('JPEGImages', 'jpg', write), ('Annotations', 'png', paint)):
            source = root / f'{copy}.{suffix}'
            if not source.exists():
                make(source, picture() if suffix == 'jpg' else squares())
            folder = root / 'train' / kind / video
            folder.mkdir(parents=True)
            for name in names:
                os.link(source, folder / f'{name}.{suffix}')
        meta[video] = dict(objects={'1': dict(category='cat', frames=names), '2': dict(category='dog', frames=names[1:])})
        files = [f'{video}/{name}.jpg' for name in names]
        listed.append(dict(id=number + 1, width=96, height=64, length=frames, file_names=files))
        code = encoded(squares() == 1 + number % 2)
        row = dict(category_id=1, iscrowd=0, segmentations=[code] * frames, bboxes=[[1.0, 2.0, 30.0, 40.0]] * frames)
        annotations.append(dict(row, id=number + 1, video_id=number + 1, areas=[9.0] * frames))
    (root / 'train/meta.json').write_text(json.dumps(dict(videos=meta)))
    (root / 'list.txt').write_text('\n'.join(meta))
    content = dict(videos=listed, annotations=annotations, categories=[dict(id=1, name='cat')])
    (root / 'train.json').write_text(json.dumps(content))


def start_up(root, config):
    """Videos, frames, seconds of the processor, MB."""
    command = [sys.executable, '-W', 'ignore', '-c', MEASURE, repr(dict(config, data_root=str(root)))]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [float(word) for word in run.stdout.splitlines()[-1].split()]


@pytest.mark.scale
def test_4000_videos_start_in_seconds(tmp_path):
    fake(tmp_path, 4000, 25)
    for name, config in DATA.items():
        videos, frames, seconds, megabytes = start_up(tmp_path, config)
        print(f'{name}: {seconds:.1f} s, {megabytes:.0f} MB')
        assert (videos, frames) == (4000, 100_000)
        assert seconds < 5 and megabytes < 500, name


def test_frames_are_ordered_in_one_way():
    rng = np.random.default_rng(0)
    kinds = [
        ['00010', '00002', '00001'],
        ['10', '9', '100', '09'],
        ['f10', 'f9'],
        ['1', 'x'],
        ['²', '1'],
        [],
        ['v1.5', 'v1.10'],
    ]
    for names in kinds:
        rng.shuffle(names)
        assert in_frame_order(names) == sorted(names, key=lambda name: (frame_order(name), name))
        files = [f'{name}.jpg' for name in names]
        assert in_frame_order(files, suffixes=True) == sorted(files, key=lambda name: (frame_order(name[:-4]), name))


@pytest.mark.parametrize('name', ['/a', '//a', '..', 'a/..', 'a/../b', '', '.', './.', '/', '//'])
def test_names_that_lead_out(name):
    with pytest.raises(ValueError, match='the name of'):
        check_name(name, 'list')


@pytest.mark.parametrize('name', ['a', 'a/b', 'a//b', './a', '..a', 'a..', 'a b', '...', 'a/'])
def test_names_that_do_not_lead_out(name):
    assert check_name(name, 'list') == name
