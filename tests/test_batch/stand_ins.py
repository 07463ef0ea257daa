"""Stand-ins for workers; they are imported in processes of their own, which is to be quick."""

import os
import signal
from pathlib import Path

from mmvos.structures import InputError


class Sleeper:
    """Stands in for a worker: leaves its process number, and does what the name of the video says."""

    def __init__(self, folder, device='cpu', threads=1):
        self.folder, self.threads = Path(folder), threads
        assert os.environ['OMP_NUM_THREADS'] == str(threads)

    def run(self, task, on_frame=None):
        with open(self.folder / task.name, 'a') as file:
            file.write(f'{os.getpid()}\n')
        tries = len((self.folder / task.name).read_text().splitlines())
        if on_frame:
            on_frame(1, 2)
        if task.name.startswith('dies') and (tries == 1 or 'always' in task.name):
            os.kill(os.getpid(), signal.SIGKILL)
        if task.name.startswith('fails'):
            raise RuntimeError('as asked')
        return dict(frames=2)


class Unusable:
    def __init__(self, device, threads):
        raise InputError('weights.pth: not found.')


class DiesAtStart:
    def __init__(self, device, threads):
        os.kill(os.getpid(), signal.SIGKILL)


class SleeperIn:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, device, threads):
        return Sleeper(self.folder, device, threads)
