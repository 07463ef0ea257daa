"""What a pool of workers tells."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from .tasks import Task


@dataclass(frozen=True)
class Progress:
    """Frames of a video that are done.

    Attributes:
        task (Task): the video.
        done (int): how many frames are done.
        total (int): how many frames it has.
    """

    task: Task
    done: int
    total: int


@dataclass(frozen=True)
class Finished:
    """A video whose results lie at the destination.

    Attributes:
        task (Task): the video.
        summary (dict): content of its ``done.json``, see :meth:`Worker.run <mmvos.batch.Worker.run>`.
    """

    task: Task
    summary: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """A video that could not be done.

    Attributes:
        task (Task): the video.
        reason (str): one line.
        details (str): traceback, if the program is at fault; empty otherwise.
    """

    task: Task
    reason: str
    details: str = ''


Event = Progress | Finished | Failed


class Pool(ABC):
    """Workers, each with one video in hand at the most."""

    @property
    @abstractmethod
    def free(self) -> int:
        """How many workers have nothing to do."""

    @abstractmethod
    def give(self, task: Task) -> None:
        """Hand a video to a free worker."""

    @abstractmethod
    def events(self, timeout: float) -> list[Event]:
        """What happened since the last call; waits for ``timeout`` seconds at the most.

        Raises:
            InputError: no worker can be started, with the reason.
        """

    @abstractmethod
    def close(self) -> None:
        """End the workers; what they have in hand is given up."""
