"""What is refused before processes are started."""

import pytest
import torch

from mmvos.structures import InputError
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
