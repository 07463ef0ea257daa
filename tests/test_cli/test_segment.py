"""``mmvos segment`` as a user runs it."""

import json
import re

import cv2
import numpy as np
import pytest
from small_click_segmenter import small_click_segmenter

import mmvos.apis
from mmvos.cli.main import main
from mmvos.cli.options import counted
from mmvos.structures import read_label_map, write_label_map
from mmvos.utils import configs_root
from mmvos.utils.command_line import CommandEnded
from mmvos.videos import open_video, write_image
from mmvos.visualization import VideoWriter

MINI = 'rgmp/rgmp_mini_synthvos.py'


@pytest.fixture
def video(tmp_path):
    with VideoWriter(tmp_path / 'clip.mp4', 10) as writer:
        for i in range(3):
            frame = np.full((64, 96, 3), 60, np.uint8)
            frame[16:48, 16 + 2 * i : 48 + 2 * i] = (30, 60, 220)
            writer.write(frame)
    return str(tmp_path / 'clip.mp4')


def test_masks_overlay_and_exports(video, tmp_path):
    mask = np.zeros((64, 96), np.uint8)
    mask[16:48, 16:48] = 5
    write_label_map(tmp_path / 'mask.png', mask)
    arguments = ['segment', video, '--prompt', str(tmp_path / 'mask.png'), '--out-dir', str(tmp_path / 'out')]
    arguments += ['--export', 'coco', 'cvat', 'cutouts', '--names', '5=red thing']
    assert main([*arguments, '--config', MINI, '--checkpoint', 'none']) == 0
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['coco.json', 'cutouts', 'cvat.xml', 'masks', 'overlay.mp4']
    assert np.array_equal(read_label_map(tmp_path / 'out' / 'masks' / '00000.png'), mask)
    assert len(json.loads((tmp_path / 'out' / 'coco.json').read_text())['images']) == 3
    assert 'red thing' in (tmp_path / 'out' / 'cvat.xml').read_text()

    arguments = ['segment', video, '--prompt', str(tmp_path / 'out' / 'cvat.xml'), '--out-dir', str(tmp_path / 'again')]
    assert main([*arguments, '--export', 'cvat', '--config', MINI, '--checkpoint', 'none']) == 0
    assert np.array_equal(read_label_map(tmp_path / 'again' / 'masks' / '00000.png'), mask)
    assert 'red thing' in (tmp_path / 'again' / 'cvat.xml').read_text()


def test_a_model_is_fine_tuned_on_the_prompt(video, tmp_path, capsys):
    mask = np.zeros((64, 96), np.uint8)
    mask[16:48, 16:48] = 1
    write_label_map(tmp_path / 'mask.png', mask)
    config = configs_root() / 'configs'
    (tmp_path / 'mine.py').write_text(
        f"_base_ = ['{config / MINI}', '{config}/_base_/online/matchvos_lite0.py']\n"
        'online_training = _base_.online_training\n'
        'online_training.stages[0].update(max_iters=2)\n'
        'online_training.stages[0].pipeline[0].update(size=(64, 96))\n'
    )
    arguments = ['segment', '--prompt', str(tmp_path / 'mask.png'), '--out-dir', str(tmp_path / 'out'), '--fine-tune']
    assert main([*arguments, video, '--config', str(tmp_path / 'mine.py'), '--checkpoint', 'none']) == 0
    assert 'fine-tuning on the prompts first' in capsys.readouterr().out
    assert len(list((tmp_path / 'out' / 'masks').iterdir())) == 3
    with pytest.raises(CommandEnded, match='--fine-tune: not while a camera or stream runs'):
        main([*arguments, '--camera', '7'])


def test_a_folder_of_frames_is_played_at_25_frames_per_second(tmp_path):
    for i in range(2):
        write_image(tmp_path / 'frames' / f'{i}.png', np.full((64, 96, 3), 60, np.uint8))
    write_label_map(tmp_path / 'mask.png', np.ones((64, 96), np.uint8))
    arguments = [
        'segment',
        str(tmp_path / 'frames'),
        '--prompt',
        str(tmp_path / 'mask.png'),
        '--out-dir',
        str(tmp_path / 'out'),
    ]
    assert main([*arguments, '--export', 'green-screen', '--config', MINI, '--checkpoint', 'none']) == 0
    videos = tmp_path / 'frames', tmp_path / 'out' / 'overlay.mp4', tmp_path / 'out' / 'green-screen.mp4'
    assert [open_video(path).fps for path in videos] == [25, 25, 25]


def test_clicks_make_the_first_mask(video, tmp_path, monkeypatch):
    model = small_click_segmenter()
    model.decoder.predictor.bias.data.fill_(50.0)  # it finds its object everywhere
    monkeypatch.setattr(mmvos.apis, 'init_click_segmenter', lambda device=None: model)
    arguments = ['segment', video, '--click', '3:32,32', '3:90,60:-', '--out-dir', str(tmp_path / 'out')]
    assert main([*arguments, '--config', MINI, '--checkpoint', 'none', '--overlay', '']) == 0
    assert (read_label_map(tmp_path / 'out' / 'masks' / '00000.png') == 3).all()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ([], 'clip.mp4: which objects? Give --click, --box or --prompt'),
        (['--click', '1:3'], "click '1:3': expected ID:X,Y"),
        (['--box', '1:9,9,3,3'], 'expected x1 < x2'),
        (['--click', '1:3,4', '--at', '7'], '--at 7: '),
        (['--click', '1:3,4', '--prompt', 'a.png'], 'frame 0 has clicks and a --prompt'),
        (['--prompt', 'a.png', '0=b.png'], 'frame 0 has the prompt a.png already'),
        (['--click', '1:3,4', '--export', 'cocoo'], '--export cocoo: not known; expected one of coco'),
        (['--click', '1:3,4', '--names', 'dog'], '--names dog: expected ID=NAME'),
        (['--camera', '0'], 'expected either a video'),
        (['--prompt', 'a.png', '--duration', '5'], '--duration is for cameras'),
        (['--prompt', 'none.xml'], 'none.xml: not found'),
        (['--prompt', 'none.png', '--config', MINI, '--checkpoint', 'none'], 'none.png'),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, words, video, tmp_path, capsys):
    with pytest.raises(CommandEnded) as ended:
        main(['segment', video, '--out-dir', str(tmp_path / 'out'), *arguments])
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith('error: ') and words in told
    assert not (tmp_path / 'out' / 'overlay.mp4').exists()


def test_a_stream_is_segmented_at_its_own_pace(video, tmp_path, capsys):
    mask = np.zeros((64, 96), np.uint8)
    mask[16:48, 16:48] = 5
    write_label_map(tmp_path / 'mask.png', mask)
    stream, out = f'file://{video}', tmp_path / 'out'
    with pytest.raises(CommandEnded):
        main(['segment', stream, '--config', MINI, '--checkpoint', 'none', '--out-dir', str(out)])
    assert 'which objects? Give --click, --box or --prompt (see mmvos segment --help)' in capsys.readouterr().err
    assert cv2.imread(str(out / 'first.png')).shape == (64, 96, 3)
    arguments = ['segment', stream, '--prompt', str(tmp_path / 'mask.png'), '--out-dir', str(out)]
    assert main([*arguments, '--config', MINI, '--checkpoint', 'none']) == 0
    written = sorted((out / 'masks').iterdir())
    told = capsys.readouterr().out
    segmented, dropped = (int(n) for n in re.search(r'(\d+) frames segmented .*?, (\d+) dropped', told).groups())
    assert segmented == len(written) and segmented + dropped == 3
    assert written[-1].name == '000002.png'  # the newest one is never dropped
    assert np.array_equal(read_label_map(written[0]), mask)


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ([], 'expected either a video'),
        (['--camera', '97', '--prompt', 'a.png'], 'camera 97: cannot be opened'),
        (['rtsp://127.0.0.1:1/none', '--prompt', 'a.png'], 'rtsp://127.0.0.1:1/none: cannot be opened as a stream'),
        (['--camera', '0', '--click', '1:3,4', '--at', '3'], 'frame 3 has a prompt; of a camera or stream, only the first'),
        (['--camera', '0', '--click', '1:3,4', '--export', 'coco'], '--export coco: not while a camera'),
    ],
)
def test_a_live_mistake_is_one_line(arguments, words, tmp_path, capsys):
    with pytest.raises(CommandEnded) as ended:
        main(['segment', '--config', MINI, '--checkpoint', 'none', '--out-dir', str(tmp_path / 'out'), *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err.strip().splitlines()[-1]


def test_the_page_names_a_missing_video_before_the_models_are_read(monkeypatch, tmp_path, capsys):
    pytest.importorskip('uvicorn', reason='the extra "web" is not installed')
    monkeypatch.setattr(mmvos.apis, 'VOSInferencer', lambda **_: pytest.fail('a model was read'))
    with pytest.raises(CommandEnded):
        main(['annotate', str(tmp_path / 'none.mp4'), '--port', '0', '--projects', str(tmp_path / 'projects')])
    assert 'none.mp4: video not found.' in capsys.readouterr().err
    assert not (tmp_path / 'projects').exists()


def test_one_is_no_plural():
    assert [counted(count, 'frame') for count in (0, 1, 2)] == ['0 frames', '1 frame', '2 frames']
