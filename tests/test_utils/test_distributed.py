"""Several processes: what is refused before they start, and that they end with what started them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from commands import ROOT

from mmvos.structures import InputError
from mmvos.structures.atomic import is_alive
from mmvos.utils import load_config
from mmvos.utils.distributed import check_cpu_training, check_restarts


def test_sync_bn_is_refused_in_processes_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cosnet = load_config('cosnet/cosnet_r101_davis2016-saliency_test-segtrack-v2.py')
    with pytest.raises(InputError, match='SyncBN cannot train in processes without a GPU'):
        check_cpu_training(cosnet, 'pytorch')
    check_cpu_training(cosnet, 'none')
    check_cpu_training(load_config('rgmp/rgmp_mini_synthvos.py'), 'pytorch')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    check_cpu_training(cosnet, 'pytorch')


def test_a_training_that_would_begin_again_is_refused(monkeypatch):
    check_restarts(None)
    monkeypatch.setenv('TORCHELASTIC_MAX_RESTARTS', '0')  # as torchrun sets it without the option
    check_restarts(None)
    monkeypatch.setenv('TORCHELASTIC_MAX_RESTARTS', '3')
    check_restarts('auto')
    with pytest.raises(InputError, match='--max-restarts.*add --resume'):
        check_restarts(None)


CHILD = """
import os, time
from mmvos.utils.distributed import _end_with_launcher
_end_with_launcher()
print(os.getpid(), flush=True)
time.sleep(60)
"""
LAUNCHER = 'import subprocess, sys; subprocess.run([sys.executable, "-c", sys.argv[1]])'


@pytest.mark.skipif(sys.platform != 'linux', reason='of Linux')
def test_a_process_ends_with_its_launcher():
    environment = dict(os.environ, PYTHONPATH=str(ROOT), TORCHELASTIC_RUN_ID='none')
    with subprocess.Popen(
        [sys.executable, '-c', LAUNCHER, CHILD], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as launcher:
        child = int(launcher.stdout.readline())
        assert is_alive(child)
        launcher.kill()
        assert launcher.stdout.read() == ''  # the pipe is closed by the last of both, which has ended, or is about to
    for _ in range(100):
        if not is_alive(child) or ') Z ' in Path(f'/proc/{child}/stat').read_text():
            return
        time.sleep(0.05)
    pytest.fail('the process goes on')
