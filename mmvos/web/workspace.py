"""The state behind the page: open projects, one model for all of them, and the propagations that run."""

import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmvos.inference import VOSSession
from mmvos.interaction import InteractiveSegmenter, Project, Propagation
from mmvos.structures import InputError, Prompt, object_ids_of


@dataclass
class Progress:
    """How far a propagation is. ``state``: ``running``, ``done``, ``stopped`` or ``failed`` (with ``message``)."""

    done: int
    total: int
    state: str = 'running'
    message: str = ''
    frame: int = -1
    fps: float = 0.0


class _Run:
    """One propagation in a thread of its own."""

    def __init__(self, total: int) -> None:
        self.progress = Progress(0, total)
        self.stop = threading.Event()
        self.thread: threading.Thread | None = None


class Workspace:
    """Projects in one folder, for several people at once.

    The network is used by one request at a time (``turn``), for one frame at the most, so that a click is answered while
    another user's video is being propagated.

    Args:
        root (Path): folder with a sub-folder per project.
        segmenter (InteractiveSegmenter): makes masks of prompts.
        make_session (Callable): a new session of the video model.
        max_upload (int): largest video that may be uploaded, in bytes.
    """

    def __init__(
        self, root: Path, segmenter: InteractiveSegmenter, make_session: Callable[[], VOSSession], max_upload: int = 1 << 30
    ) -> None:
        self.root, self.segmenter, self.make_session, self.max_upload = Path(root), segmenter, make_session, max_upload
        self.root.mkdir(parents=True, exist_ok=True)
        self.turn = threading.Lock()
        self._projects: dict[str, Project] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._runs: dict[str, _Run] = {}
        self._opening = threading.Lock()

    # Projects

    def list(self) -> list[dict]:
        """Names and keys of the projects, the newest first."""
        folders = [f for f in self.root.iterdir() if (f / 'project.json').is_file()]
        folders.sort(key=lambda f: -(f / 'project.json').stat().st_mtime)
        return [dict(key=f.name, name=self.project(f.name).name) for f in folders if self._readable(f.name)]

    def _readable(self, key: str) -> bool:
        try:
            self.project(key)
        except (InputError, OSError):
            return False
        return True

    def project(self, key: str) -> Project:
        """The project of a key; FileNotFoundError for another one."""
        with self._opening:
            if key not in self._projects:
                if not key.isalnum() or not (self.root / key / 'project.json').is_file():
                    raise FileNotFoundError(f'no project {key!r}.')
                self._projects[key] = Project(self.root / key)
                self._locks[key] = threading.RLock()
            return self._projects[key]

    def lock(self, key: str) -> threading.RLock:
        """Held while a project changes."""
        self.project(key)
        return self._locks[key]

    def create(self, video: Path, name: str | None = None) -> str:
        """A project for a video that lies on this machine; its key."""
        key = uuid.uuid4().hex[:12]
        project = Project.create(self.root / key, video, name)
        project.add_object()
        return key

    def create_from_upload(self, file_name: str, write: Callable[[Path], None]) -> str:
        """A project for an uploaded video, which lies in the project's folder; ``write`` puts it there."""
        key = uuid.uuid4().hex[:12]
        folder = self.root / key
        folder.mkdir()
        try:
            suffix = ''.join(c for c in Path(file_name).suffix if c.isalnum() or c == '.')[:8]
            video = folder / f'video{suffix}'
            write(video)
            Project.create(folder, video, Path(file_name).stem[:80] or 'video').add_object()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return key

    # Masks

    def label_map(self, key: str, index: int) -> np.ndarray:
        """Label map uint8 ``(H, W)`` of a frame; empty where none was made."""
        project = self.project(key)
        stored = project.label_map(index)
        return np.zeros(project.video.read(index).shape[:2], np.uint8) if stored is None else stored

    def set_prompt(self, key: str, index: int, prompt: Prompt) -> None:
        """Change the prompt of an object in a frame, and its mask there.

        The first clicks on an object that has a mask there already correct that mask.
        """
        project = self.project(key)
        with self.lock(key):
            project.mask_path(index)  # refuses a frame that is not there
            frame = project.video.read(index)
            prompt.check_inside(frame.shape[:2])
            stored = self.label_map(key, index)
            before = project.prompts.get(index, {}).get(prompt.object_id)
            if prompt.mask is None and not prompt.is_empty:
                if before is not None:
                    prompt = replace(prompt, mask=before.mask)
                elif prompt.box is None and (stored == prompt.object_id).any():
                    prompt = replace(prompt, mask=stored == prompt.object_id)
            label_map = np.where(stored == prompt.object_id, 0, stored).astype(np.uint8)
            if not prompt.is_empty:
                with self.turn:
                    found = self.segmenter.label_map(frame, [prompt], key=(key, index))
                label_map[found > 0] = prompt.object_id
            project.set_prompt(index, prompt, label_map)

    def step_history(self, key: str, forward: bool) -> int | None:
        """Undo, or redo; the frame that changed."""
        project = self.project(key)
        with self.lock(key):
            return project.redo() if forward else project.undo()

    # Propagation

    def start(self, key: str, first: int | None = None, last: int | None = None) -> Progress:
        """Carry the objects of the trusted frames through the video, in the background.

        Raises:
            InputError: nothing is set, or a propagation of this project is running.
        """
        project = self.project(key)
        with self.lock(key):
            if key in self._runs and self._runs[key].progress.state == 'running':
                raise InputError(f'{project.name}: a propagation is running; stop it first.')
            given = {}
            for index in project.trusted:
                ids = [p.object_id for p in project.prompts_at(index)]
                label_map = self.label_map(key, index)
                given[index] = np.where(np.isin(label_map, ids), label_map, 0).astype(np.uint8)
            given = {index: label_map for index, label_map in given.items() if object_ids_of(label_map)}
            propagation = Propagation(self.make_session, project.video, given, first, last)
            run = self._runs[key] = _Run(len(propagation))
            run.thread = threading.Thread(target=self._run, args=(project, propagation, run), daemon=True)
            run.thread.start()
            return run.progress

    def _run(self, project: Project, propagation: Propagation, run: _Run) -> None:
        begin, progress = time.perf_counter(), run.progress
        try:
            frames = propagation.run()
            while not run.stop.is_set():
                with self.turn:
                    item = next(frames, None)
                if item is None:
                    break
                index, label_map = item
                if label_map is not None:
                    project.write_label_map(index, label_map)
                progress.done, progress.frame = progress.done + 1, index
                progress.fps = progress.done / max(time.perf_counter() - begin, 1e-6)
            frames.close()
            progress.state = 'stopped' if run.stop.is_set() else 'done'
        except Exception as error:  # the page shows it; the server goes on
            progress.message, progress.state = str(error) or type(error).__name__, 'failed'
            if not isinstance(error, (InputError, OSError)):
                raise

    def progress(self, key: str) -> Progress | None:
        """How far the project's newest propagation is; None if there was none."""
        return self._runs[key].progress if key in self._runs else None

    def stop(self, key: str) -> None:
        """End the project's propagation after the present frame and wait for it."""
        run = self._runs.get(key)
        if run is not None and run.thread is not None:
            run.stop.set()
            run.thread.join()

    def delete(self, key: str) -> None:
        """Remove a project."""
        project = self.project(key)
        self.stop(key)
        with self.lock(key):
            project.delete()
            self._projects.pop(key, None)

    def close(self) -> None:
        """Stop all propagations."""
        for key in list(self._runs):
            self.stop(key)
