"""Two processes with a clip each have the gradients of one process with both clips, for every method."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT
from two_processes import METHODS
from vis_data import make_videos

HELPERS = Path(__file__).parents[1] / 'helpers'


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """What the script found, by method; one pair of processes for all."""
    folder = tmp_path_factory.mktemp('two')
    make_videos(folder)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    paths = os.pathsep.join([str(ROOT), str(HELPERS)])
    environment = dict(os.environ, PYTHONPATH=paths, OMP_NUM_THREADS='1', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    command = [sys.executable, '-W', 'ignore', str(HELPERS / 'two_processes.py'), str(folder)]
    processes, errors = [], [folder / 'error0', folder / 'error1']
    for rank, error in enumerate(errors):
        with error.open('w') as stderr:
            processes.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=dict(environment, RANK=str(rank), WORLD_SIZE='2'),
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                )
            )
    try:
        output = processes[0].communicate(timeout=240)[0]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    found = [json.loads(line) for line in output.splitlines() if line.startswith('{')]
    assert len(found) == len(METHODS), '\n'.join(error.read_text()[-3000:] for error in errors)
    return {result['name']: result for result in found}


@pytest.mark.parametrize('method', METHODS)
def test_two_processes_have_the_gradients_of_one(method, results):
    found = results[method]
    assert found['largest'] > 1e-3 and found['parameters'] > 10, found
    assert found['steps'] > 1 if method in ('agss_vos', 'rgmp') else found['steps'] == 1
    # relative to each parameter's gradient
    assert found['apart'] < 2e-4, found
