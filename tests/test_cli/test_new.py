"""``mmvos new``: the project that it makes passes its own tests and trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmvos.cli.main import main
from mmvos.cli.new import new_project
from mmvos.structures import InputError

ROOT = Path(__file__).parents[2]


def test_a_new_project_passes_its_tests_trains_and_segments_outside_the_checkout(tmp_path, capsys):
    assert main(['new', 'two_stream_vos', '--out-dir', str(tmp_path)]) == 0
    folder = tmp_path / 'two_stream_vos'
    assert f'cd {folder}' in capsys.readouterr().out
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')

    def run(*command, cwd=folder):
        done = subprocess.run([sys.executable, '-m', *command], cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    assert '3 passed' in run('pytest', '-q', '-p', 'no:cacheprovider')
    config = 'configs/two-stream-vos_mini_synthvos.py'
    short = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2', 'val_dataloader.dataset.length=1']
    assert 'J&F-Mean' in run('mmvos', 'train', config, '--cfg-options', *short, 'default_hooks.checkpoint.interval=2')
    checkpoint = f'{folder}/work_dirs/two-stream-vos_mini_synthvos/iter_2.pth'
    options = ['--cfg-options', 'test_dataloader.dataset.length=1']
    run('mmvos', 'test', f'two_stream_vos/{config}', checkpoint, *options, cwd=tmp_path)  # where `mmvos new` was called


def test_every_name_of_the_template_is_replaced(tmp_path):
    folder = new_project('flownet_vos', tmp_path)
    files = [path for path in folder.rglob('*') if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in files} == {
        *('README.md', 'pyproject.toml', 'flownet_vos/__init__.py', 'flownet_vos/flownet_vos.py'),
        *('configs/flownet-vos_mini_synthvos.py', 'tests/test_flownet_vos.py'),
    }
    for path in files:
        text = path.read_text()
        assert 'my_method' not in text and 'my-method' not in text and 'MyMethod' not in text


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('2d', 'cannot be the name of a module'),
        ('My-Method', 'expected one such as two_stream_vos'),
        ('lambda', 'cannot be the name of a module'),
        ('matplotlib', 'there is a Python package of this name already'),
        ('efficient_net_lite', 'a part EfficientNetLite already'),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path, name, words):
    with pytest.raises(InputError, match=words):
        new_project(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_as_it_is(tmp_path):
    (tmp_path / 'flownet_vos').mkdir()
    with pytest.raises(InputError, match='flownet_vos exists already'):
        new_project('flownet_vos', tmp_path)
    assert not list((tmp_path / 'flownet_vos').iterdir())
