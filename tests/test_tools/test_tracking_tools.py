"""Tools around trackers and speed, run in this process on a few generated frames."""

import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmvos.structures import BoxTracks, write_label_map
from mmvos.videos import FrameArrays

ROOT = Path(__file__).parents[2]
FLOW_COLOUR = str(ROOT / 'configs/trackers/flow_colour_ultrafast.py')


def load(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(monkeypatch, path, *args):
    monkeypatch.setattr(sys, 'argv', [path, *map(str, args)])
    load(path).main()


@pytest.fixture(scope='module')
def davis(tmp_path_factory):
    """Two short videos in the layout of DAVIS: a bright square that moves 3 px a frame; the second has two of them."""
    root = tmp_path_factory.mktemp('davis')
    ground = cv2.resize(np.random.RandomState(0).randint(0, 120, (12, 18, 3), np.uint8), (144, 96))
    for video, count in (('one', 1), ('two', 2)):
        for folder in ('JPEGImages', 'Annotations'):
            (root / folder / '480p' / video).mkdir(parents=True)
        for t in range(4):
            frame, label_map = ground.copy(), np.zeros((96, 144), np.uint8)
            for k in range(count):
                frame[20:50, 10 + 60 * k + 3 * t : 40 + 60 * k + 3 * t] = (255, 180, 60) if k else (60, 180, 255)
                label_map[20:50, 10 + 60 * k + 3 * t : 40 + 60 * k + 3 * t] = k + 1
            cv2.imwrite(str(root / 'JPEGImages/480p' / video / f'{t:05d}.jpg'), frame)
            write_label_map(root / 'Annotations/480p' / video / f'{t:05d}.png', label_map)
    return root


def test_box_cache(monkeypatch, tmp_path, davis):
    folders = '--frames', davis / 'JPEGImages/480p', '--masks', davis / 'Annotations/480p'
    path = 'tools/dataset_converters/cache_box_tracks.py'
    call(monkeypatch, path, FLOW_COLOUR, *folders, '--out', tmp_path / 'tracks')
    call(monkeypatch, path, FLOW_COLOUR, *folders, '--out', tmp_path / 'truth', '--ground-truth')
    tracks, truth = (BoxTracks.load(tmp_path / name / 'two.json') for name in ('tracks', 'truth'))
    assert truth.tracks[2]['00003'][:4] == (79, 20, 109, 50) and truth.tracker == dict(type='GroundTruth')
    for object_id in (1, 2):
        for frame in ('00000', '00001', '00002', '00003'):
            np.testing.assert_allclose(tracks.tracks[object_id][frame][:4], truth.tracks[object_id][frame][:4], atol=3)


def test_tracker_benchmark(monkeypatch, capsys, davis):
    call(monkeypatch, 'tools/analysis_tools/benchmark_trackers.py', FLOW_COLOUR, '--data-root', davis, '--rows', 0)
    row = next(line for line in capsys.readouterr().out.splitlines() if 'flow_colour' in line).split('|')
    assert float(row[2]) > 0.8 and float(row[-2]) == 1.0
    with pytest.raises(SystemExit, match='layout of DAVIS'):
        call(monkeypatch, 'tools/analysis_tools/benchmark_trackers.py', FLOW_COLOUR, '--data-root', davis / 'nowhere')


def test_track_demo(monkeypatch, tmp_path, davis):
    frames = davis / 'JPEGImages/480p/two'
    call(
        monkeypatch,
        'demo/track_demo.py',
        frames,
        '--box',
        '1:10,20,40,50',
        '2:70,20,100,50',
        '--config',
        FLOW_COLOUR,
        '--out-dir',
        tmp_path,
    )
    assert sorted(p.name for p in tmp_path.glob('*.jpg')) == [f'{t:05d}.jpg' for t in range(4)]
    drawn, plain = cv2.imread(str(tmp_path / '00000.jpg')), cv2.imread(str(frames / '00000.jpg'))
    assert np.abs(drawn.astype(int) - plain)[18:24, 10:40].max() > 60  # the upper side of the first box
    rows = json.loads((tmp_path / 'tracks.json').read_text())['objects']['2']
    np.testing.assert_allclose(rows[3][1:5], (79, 20, 30, 30), atol=3)
    for wrong, expected in (
        (['--box', '1:40,20,10,50'], 'x1 < x2'),
        (['--box', '1:4000,20,4010,50'], 'outside the frame'),
        ([], r'Give --box or --prompt .*docs/en/annotate.md'),
    ):
        with pytest.raises(SystemExit, match=expected):
            call(monkeypatch, 'demo/track_demo.py', frames, *wrong, '--out-dir', tmp_path)


def test_speed_of_stages_do_not_overlap():
    benchmark = load('tools/analysis_tools/benchmark.py')
    times = iter(range(100))
    clock = benchmark.StageClock(torch.device('cpu'), lambda: float(next(times)))
    inner = clock.timed('flow', lambda: 1)
    outer = clock.timed('network', lambda: inner() + inner())  # ticks: outer, in, out, in, out, outer
    assert outer() == 2 and dict(clock.seconds) == dict(network=3.0, flow=2.0)
    assert list(clock.timed_items('output', lambda: iter([1, 2]))()) == [1, 2]


def test_a_video_runs_to_and_fro():
    benchmark = load('tools/analysis_tools/benchmark.py')
    frames = [np.full((8, 8, 3), i, np.uint8) for i in range(3)]
    video = FrameArrays(frames, video_id='v', prompts={0: np.ones((8, 8), np.uint8), 2: np.full((8, 8), 2, np.uint8)})
    long = benchmark.shorten(benchmark.to_and_fro(video, 9), 8, 2)
    assert [int(frame[0, 0, 0]) for _, frame in long] == [0, 1, 2, 1, 0, 1, 2, 1] and [*long.prompts] == [0, 2]
    assert [int(frame[0, 0, 0]) for _, frame in benchmark.to_and_fro(video, 2)] == [0, 1]
    alone = benchmark.to_and_fro(FrameArrays(frames[:1]), 3)
    assert [int(frame[0, 0, 0]) for _, frame in alone] == [0, 0, 0]


def test_speed_table(monkeypatch, capsys):
    config = ROOT / 'configs/main/main_mini_synthvos.py'
    call(monkeypatch, 'tools/analysis_tools/benchmark.py', config, '--synthetic', 64, 96, '--num-frames', 3, '--device', 'cpu')
    out = capsys.readouterr().out
    shares = [float(line.split('|')[2]) for line in out.splitlines() if line.startswith('| ') and 'ms' not in line]
    assert len(shares) == 6 and abs(sum(shares[:5]) - shares[5]) < 0.15 * shares[5]
    assert all(f'| {stage} |' in out for stage in ('decode', 'flow', 'tracker', 'network', 'output'))
    assert 'frames/s' in out and 'peak memory' in out
