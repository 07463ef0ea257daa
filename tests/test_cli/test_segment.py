"""``mmvos segment`` as a user runs it."""

import json

import numpy as np
import pytest

import mmvos.apis
from mmvos.cli.main import main
from mmvos.structures import read_label_map, write_label_map
from mmvos.utils.command_line import CommandEnded
from mmvos.visualization import VideoWriter
from tests.test_models.test_click_segmenter import tiny

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
    assert main([*arguments, '--config', MINI, '--checkpoint', 'none', '--export', 'coco', 'cvat', 'cutouts']) == 0
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['coco.json', 'cutouts', 'cvat.xml', 'masks', 'overlay.mp4']
    assert np.array_equal(read_label_map(tmp_path / 'out' / 'masks' / '00000.png'), mask)
    assert len(json.loads((tmp_path / 'out' / 'coco.json').read_text())['images']) == 3


def test_clicks_make_the_first_mask(video, tmp_path, monkeypatch):
    model = tiny()
    model.decoder.predictor.bias.data.fill_(50.0)  # it finds its object everywhere
    monkeypatch.setattr(mmvos.apis, 'init_click_segmenter', lambda device=None: model)
    arguments = ['segment', video, '--click', '3:32,32', '3:90,60:-', '--out-dir', str(tmp_path / 'out')]
    assert main([*arguments, '--config', MINI, '--checkpoint', 'none', '--overlay', '']) == 0
    assert (read_label_map(tmp_path / 'out' / 'masks' / '00000.png') == 3).all()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ([], 'needs a prompt: give --click, --box or --prompt'),
        (['--click', '1:3'], "click '1:3': expected ID:X,Y"),
        (['--box', '1:9,9,3,3'], 'expected x1 < x2'),
        (['--click', '1:3,4', '--at', '7'], '--at 7: '),
        (['--click', '1:3,4', '--prompt', 'a.png'], 'frame 0 has clicks and a --prompt'),
        (['--prompt', 'a.png', '0=b.png'], 'frame 0 has the prompt a.png already'),
        (['--click', '1:3,4', '--export', 'cocoo'], '--export cocoo: not known; expected one of coco'),
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
