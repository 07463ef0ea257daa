"""The scripts for several processes and machines, as a user calls them (`make scale`)."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import torch
from processes import FOLDER_CONFIG

from mmvos.structures import write_label_map
from mmvos.utils.checkpoint import read_checkpoint

ROOT = Path(__file__).parents[2]
VOS, VIS = 'configs/agame/agame_mini_synthvos.py', 'configs/sta_masktrack_rcnn/sta-masktrack-rcnn_mini_synthvis.py'
TRAINING = [
    '--cfg-options',
    'train_cfg.val_begin=100',
    'default_hooks.checkpoint.interval=2',
    'default_hooks.logger.interval=1',
]

pytestmark = pytest.mark.scale


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


def start(script, *args, **environment):
    """A script of ``tools/`` in the background; ``python`` is the one that runs this test."""
    path = f'{environment.pop("FIRST", "")}:{Path(sys.executable).parent}:{os.environ["PATH"]}'
    environment = dict(os.environ, OMP_NUM_THREADS='1', PATH=path, **{'PORT': free_port(), **environment})
    command = ['bash', f'tools/{script}', *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(*processes):
    outputs = [process.communicate(timeout=280)[0] for process in processes]
    for process, output in zip(processes, outputs, strict=True):
        assert process.returncode == 0, output[-4000:]
    return outputs


def run(script, *args, **environment):
    return finish(start(script, *args, **environment))[0]


def outputs(folder):
    return ['--work-dir', folder, '--submission', folder / 'all.zip', '--metrics', folder / 'metrics.json']


def assert_shared(output):
    """The first process, which alone writes a log, did some of the videos, and another one the rest."""
    videos = int(re.search(r'\[rank 0\] video \d+ of (\d+) ', output)[1])
    assert 0 < output.count('[rank 0] video') < videos


def compare(first, second):
    """Two tests gave the same submission, byte for byte, and the same metrics."""
    assert (first / 'all.zip').read_bytes() == (second / 'all.zip').read_bytes()
    one, two = (json.loads((folder / 'metrics.json').read_text()) for folder in (first, second))
    assert one.keys() == two.keys()
    for key, value in one.items():
        np.testing.assert_allclose(value, two[key], atol=1e-9, err_msg=key)


@pytest.fixture(scope='module')
def scored(tmp_path_factory):
    """Results of one process, by config."""
    folder = tmp_path_factory.mktemp('one')
    make = [
        'tools/dataset_converters/make_synthvis.py',
        str(folder / 'synthvis'),
        '--train',
        '1',
        '--valid',
        '3',
        '--frames',
        '3',
    ]
    subprocess.run([sys.executable, *make], cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT)), check=True)
    for name, config in dict(vos=VOS, vis=VIS).items():
        run('dist_test.sh', config, checkpoint(config, folder), 1, *outputs(folder / name), *data_of(name, folder))
    return folder


def data_of(name, folder):
    """Options that name the data of a test."""
    data = folder / 'synthvis'
    options = [f'test_dataloader.dataset.data_root={data}/', f'test_evaluator.ann_file={data}/valid.json']
    return ['--cfg-options', *options] if name == 'vis' else []


def checkpoint(config, folder):
    """Weights that are the same in all runs; the detector is to find something."""
    path = folder / f'{Path(config).stem}.pth'
    if not path.exists():
        code = (
            'import sys, torch; from mmvos.utils import load_config; from mmvos.registry import MODELS; torch.manual_seed(0); '
            'model = MODELS.build(load_config(sys.argv[1]).model); torch.save(dict(state_dict=model.state_dict()), sys.argv[2])'
        )
        subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', code, config, str(path)],
            cwd=ROOT,
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
            check=True,
        )
    return path


@pytest.mark.parametrize(('name', 'config'), [('vos', VOS), ('vis', VIS)])
def test_two_processes_give_the_results_of_one_byte_for_byte(scored, tmp_path, name, config):
    output = run('dist_test.sh', config, checkpoint(config, scored), 2, *outputs(tmp_path), *data_of(name, scored))
    assert_shared(output)
    compare(scored / name, tmp_path)
    if name == 'vis':
        with zipfile.ZipFile(tmp_path / 'all.zip') as archive:
            assert archive.namelist() == ['results.json'] and len(json.loads(archive.read('results.json'))) > 1


def test_two_machines(scored, tmp_path):
    port = free_port()
    machines = [
        start('dist_test.sh', VOS, checkpoint(VOS, scored), 1, *outputs(tmp_path), NNODES='2', NODE_RANK=str(i), PORT=port)
        for i in range(2)
    ]
    first, second = finish(*machines)
    assert_shared(first + second)
    compare(scored / 'vos', tmp_path)


def test_more_processes_than_videos(tmp_path):
    for frame in range(2):
        path = tmp_path / f'data/JPEGImages/only/{frame:05d}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.random.default_rng(frame).integers(0, 255, (64, 96, 3), dtype=np.uint8))
    label_map = np.zeros((64, 96), np.uint8)
    label_map[16:48, 16:48] = 1
    write_label_map(tmp_path / 'data/Annotations/only/00000.png', label_map)
    config = tmp_path / 'folder.py'
    config.write_text(FOLDER_CONFIG.format(root=ROOT, data=tmp_path / 'data'))
    run('dist_test.sh', config, 'none', 3, *outputs(tmp_path / 'three'))
    run('dist_test.sh', config, 'none', 1, *outputs(tmp_path / 'one'))
    compare(tmp_path / 'one', tmp_path / 'three')


def test_a_training_goes_on_when_torchrun_starts_it_again(tmp_path):
    """A process is killed in the middle; the weights are those of an undisturbed training, bit for bit."""
    options = [*TRAINING, 'train_cfg.max_iters=8']
    undisturbed = start('dist_train.sh', VOS, 2, '--work-dir', tmp_path / 'whole', *options)
    finish(undisturbed)
    work_dir = tmp_path / 'killed'
    training = start('dist_train.sh', VOS, 2, '--work-dir', work_dir, '--resume', *options, MAX_RESTARTS='1')
    while training.poll() is None and not (work_dir / 'iter_2.pth').exists():
        time.sleep(0.01)
    (second,) = (p for p in psutil.Process(training.pid).children() if p.environ().get('RANK') == '1')
    second.kill()
    output = finish(training)[0]
    assert re.search(r'resuming from .*iter_[246]\.pth', output)
    states = [read_checkpoint(folder / 'iter_8.pth')['state_dict'] for folder in (tmp_path / 'whole', work_dir)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


SRUN = """#!/bin/bash
# stands in for srun: starts the tasks on this machine
while [[ "$1" == -* ]]; do
  [[ "$1" == --ntasks=* ]] && count=${1#--ntasks=}
  [[ "$1" == -p ]] && shift
  shift
done
for i in $(seq 0 $((count - 1))); do
  SLURM_PROCID=$i SLURM_LOCALID=$i SLURM_NTASKS=$count SLURM_NODELIST=here MASTER_PORT=$PORT "$@" &
done
wait -n && wait
"""


@pytest.fixture
def srun(tmp_path):
    """Environment in which the stand-in for ``srun`` is found first."""
    path = tmp_path / 'bin' / 'srun'
    path.parent.mkdir()
    path.write_text(SRUN)
    path.chmod(0o755)
    return dict(GPUS='2', GPUS_PER_NODE='2', FIRST=str(path.parent))


def test_slurm_tests(scored, srun, tmp_path):
    arguments = ['gpu', 'job', VOS, checkpoint(VOS, scored), *outputs(tmp_path / 'work')]
    assert_shared(run('slurm_test.sh', *arguments, **srun))
    compare(scored / 'vos', tmp_path / 'work')


def test_slurm_trains(srun, tmp_path):
    run('slurm_train.sh', 'gpu', 'job', VOS, tmp_path / 'train', *TRAINING, 'train_cfg.max_iters=2', **srun)
    assert (tmp_path / 'train' / 'iter_2.pth').is_file()
