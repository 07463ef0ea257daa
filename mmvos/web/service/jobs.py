"""Jobs and where they lie on the disk."""

import json
import logging
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmvos.batch import Task
from mmvos.structures import InputError, atomic_path, settings_from
from mmvos.structures.files import read_json

logger = logging.getLogger('mmvos')

WAITING, RUNNING, DONE, FAILED, CANCELLED = 'waiting', 'running', 'done', 'failed', 'cancelled'
#: states in which nothing will happen any more
ENDED = (DONE, FAILED, CANCELLED)
_RECORD = 'job.json'


@dataclass
class Job:
    """A video and what is to be done with it.

    Args:
        id (str): key of the job and name of its folder.
        number (int): place in the order of arrival.
        name (str): what its sender calls it.
        video (str): path of the video; relative to the job's folder if it was uploaded.
        masks (dict[str, str]): label maps by frame, names of files in the job's folder.
        prompts (dict[str, list[dict]]): prompts by frame, see :func:`~mmvos.interaction.prompt_to_json`.
        state (str): ``waiting``, ``running``, ``done``, ``failed`` or ``cancelled``.
        tries (int): how often it was started since it was sent, or since the server started.
        created, started, finished (float): seconds since 1970; 0: not yet.
        frames (int): frames that are done.
        total (int): frames of the video.
        reason (str): why it failed.
    """

    id: str
    number: int
    name: str
    video: str
    masks: dict[str, str] = field(default_factory=dict)
    prompts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    state: str = WAITING
    tries: int = 0
    created: float = field(default_factory=time.time)
    started: float = 0.0
    finished: float = 0.0
    frames: int = 0
    total: int = 0
    reason: str = ''


class JobFolder:
    """The folder of a server: ``jobs/<id>/`` with ``job.json`` and what was uploaded, ``results/<id>/`` from the workers.

    Args:
        root (Path): the folder; made if needed.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root).absolute()
        self.jobs, self.results = self.root / 'jobs', self.root / 'results'
        for folder in (self.jobs, self.results):
            folder.mkdir(parents=True, exist_ok=True)

    def new(self) -> Path:
        """An empty folder for a job that arrives; its name is the job's id."""
        folder = self.jobs / uuid.uuid4().hex[:16]
        folder.mkdir()
        return folder

    def save(self, job: Job, durable: bool = False) -> None:
        """Write down a job; with its record a folder becomes a job.

        Args:
            job (Job): the job.
            durable (bool): it is to survive a power failure.
        """
        with atomic_path(self.jobs / job.id / _RECORD, durable=durable) as temporary:
            Path(temporary).write_text(json.dumps(asdict(job)), encoding='utf-8')

    def load(self) -> Iterator[Job]:
        """The jobs that were accepted, in the order of arrival; folders of others, whose arrival was cut off, are removed."""
        found = []
        for folder in self.jobs.iterdir():
            record = folder / _RECORD
            if not record.is_file():
                shutil.rmtree(folder, ignore_errors=True)
                continue
            try:
                found.append(settings_from(Job, read_json(record, 'a job'), str(record)))
            except InputError as error:
                logger.warning('a job is left out: %s', error)
        yield from sorted(found, key=lambda job: job.number)

    def task(self, job: Job) -> Task:
        """The job as a worker takes it."""
        folder = self.jobs / job.id
        masks = {int(frame): str(folder / name) for frame, name in job.masks.items()}
        prompts = {int(frame): content for frame, content in job.prompts.items()}
        return Task(job.id, str(folder / job.video), masks, objects=prompts)

    def without_paths(self, job: Job, text: str, videos: Path | None) -> str:
        """A message without the paths of this machine, which a client must not see."""
        text = text.replace(str(self.jobs / job.id / job.video), job.name).replace(f'{self.jobs / job.id}/', '')
        return text.replace(f'{videos}/', '') if videos else text

    def remove(self, job: Job) -> None:
        """Remove what was uploaded, the results, and last of all the record."""
        shutil.rmtree(self.results / job.id, ignore_errors=True)
        (self.jobs / job.id / _RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.jobs / job.id, ignore_errors=True)
