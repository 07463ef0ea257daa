"""A stand-in for the worker processes of the service: threads that write a few files."""

import json
import queue
import threading
from functools import partial

from mmvos.batch import Failed, Finished, Progress
from mmvos.batch.destination import MARK, Destination

SLOW, FAILING = 98, 99


class QuickPool:
    """Does a video in no time, unless it has the object 98, which never ends, or 99, which fails.

    Args:
        out (str): destination.
        workers (int): how many.
    """

    def __init__(self, out, workers=1):
        self.destination, self.workers = Destination(out), workers
        self.running, self.told = {}, queue.Queue()

    @property
    def free(self):
        return self.workers - len(self.running)

    def give(self, task):
        assert self.free and task.name not in self.running
        stop = self.running[task.name] = threading.Event()
        threading.Thread(target=partial(self._run, task, stop)).start()

    def cancel(self, task):
        stop = self.running.pop(task.name, None)
        if stop:
            stop.set()
        return stop is not None

    def events(self, timeout):
        try:
            stop, event = self.told.get(timeout=timeout)
        except queue.Empty:
            return []
        if self.running.get(event.task.name) is not stop:  # cancelled
            return []
        if not isinstance(event, Progress):
            del self.running[event.task.name]
        return [event]

    def close(self):
        for stop in self.running.values():
            stop.set()

    def _run(self, task, stop):
        ids = {one['object_id'] for prompts in task.objects.values() for one in prompts}
        self.told.put((stop, Progress(task, 1, 2)))
        if FAILING in ids:
            self.told.put((stop, Failed(task, f'ValueError: {task.video}: as asked', 'a traceback')))
            return
        if SLOW in ids:
            stop.wait()
            return
        with self.destination.results_of(task.name) as folder:
            (folder / 'masks').mkdir()
            for name in ('00000.png', '00001.png'):
                (folder / 'masks' / name).write_bytes(b'png')
            (folder / 'youtube-vis.json').write_text(json.dumps([task.video, sorted(task.prompts)]))
            summary = dict(name=task.name, frames=2)
            (folder / MARK).write_text(json.dumps(summary))
        self.told.put((stop, Finished(task, summary)))
