"""What the scripts for slurm ask ``srun`` for."""

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


def run(tmp_path, script, *args):
    """Exit status, what a stand-in for ``srun`` was given, and the message."""
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    environment = dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}', GPUS='16')
    done = subprocess.run(['bash', str(TOOLS / script), *args], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    'args, expected',
    [
        ([], ['--launcher', 'slurm']),
        (['work_dirs/x'], ['--launcher', 'slurm', '--work-dir', 'work_dirs/x']),  # as mmdet's script
        (['--amp'], ['--launcher', 'slurm', '--amp']),
        (['work_dirs/x', '--resume'], ['--launcher', 'slurm', '--work-dir', 'work_dirs/x', '--resume']),
    ],
)
def test_training_takes_a_work_dir_as_the_fourth_argument(tmp_path, args, expected):
    status, given, _ = run(tmp_path, 'slurm_train.sh', 'gpu', 'job', 'config.py', *args)
    assert status == 0
    assert given[:6] == ['-p', 'gpu', '--job-name=job', '--gres=gpu:8', '--ntasks=16', '--ntasks-per-node=8']
    place = given.index('config.py')
    assert given[place - 1].endswith('train.py') and given[place + 1 :] == expected


def test_a_test_takes_a_checkpoint(tmp_path):
    status, given, _ = run(tmp_path, 'slurm_test.sh', 'gpu', 'job', 'config.py', 'weights.pth', '--amp')
    assert status == 0 and given[-5:] == ['config.py', 'weights.pth', '--launcher', 'slurm', '--amp']


@pytest.mark.parametrize('script', ['slurm_train.sh', 'slurm_test.sh'])
def test_missing_arguments_show_what_is_expected(tmp_path, script):
    status, _, message = run(tmp_path, script, 'gpu', 'job')
    assert status == 2 and message.startswith(f'{script} PARTITION JOB_NAME CONFIG')
