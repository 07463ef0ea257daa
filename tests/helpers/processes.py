"""Commands as processes of their own, forked from one that has read what they import: a start costs little."""

import multiprocessing
import os
import resource
import sys

import torch
from commands import call

_FORKS = multiprocessing.get_context('forkserver')
_ROOMS = ('mmvos.apis', 'mmvos.datasets', 'mmvos.engine', 'mmvos.evaluation', 'mmvos.models')
_METRICS = ('base', 'coco', 'instance_sequence', 'protocol', 'results_dump', 'submission', 'youtube_vis_metric')
_FORKS.set_forkserver_preload(['commands', *_ROOMS, *(f'mmvos.evaluation.metrics.{name}' for name in _METRICS)])


def run_process(command, folder, log, memory=None, file_size=None, timeout=120):
    """Exit code of a command, and all that it printed.

    Args:
        command (list): name and arguments, as for ``commands.call``.
        folder (Path): where it runs.
        log (Path): file for what it prints.
        memory (int | None): bytes that it may take beside those that it has at its start.
        file_size (int | None): bytes that a file may have.
        timeout (float): seconds after which it counts as one that hangs.

    It has one thread, so that sums are rounded alike in all of them.
    """
    process = _FORKS.Process(target=_run, args=(list(map(str, command)), str(folder), str(log), memory, file_size))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
        raise AssertionError(f'{command} hangs: {log.read_text()[-1000:]}')
    return process.exitcode, log.read_text()


def _run(command, folder, log, memory, file_size):
    os.chdir(folder)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, name in ((1, 'stdout'), (2, 'stderr')):
        os.dup2(file, number)
        setattr(sys, name, os.fdopen(number, 'w', buffering=1, closefd=False))
    torch.set_num_threads(1)
    if memory is not None:
        with open('/proc/self/statm') as status:
            now = int(status.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    sys.exit(call(*command))


#: test of a folder of videos, whose root and data are to be filled in
FOLDER_CONFIG = """
_base_ = ['{root}/configs/_base_/default_runtime.py', '{root}/configs/_base_/models/feature-propagation_lite0.py']
model = dict(test_cfg=dict(resize=dict(type='ShortSide', length=64, divisor=16)))
test_dataloader = dict(batch_size=1, num_workers=0, sampler=dict(type='LongestFirstSampler'), dataset=dict(
    type='FolderDataset', data_root='{data}', test_mode=True, pipeline=[dict(type='PackVideo')]))
test_cfg = dict(type='VideoTestLoop')
test_evaluator = []
submission = dict(type='DAVISSubmission')
"""
