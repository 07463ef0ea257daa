"""The state behind the page: open projects, one model for all of them, and the jobs that run."""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvos.imports import open_annotations
from mmvos.inference import VOSSession
from mmvos.interaction import InteractiveSegmenter, Project, Propagation, load_annotations
from mmvos.structures import InputError, PathLike, Prompt, object_ids_of, read_json
from mmvos.videos import open_video

from .archive import ExportArchive
from .frames import FrameCache
from .jobs import Job, Progress, Turns

#: lines of the small picture in the list of projects
_THUMBNAIL_LINES = 144


class Workspace:
    """Projects in one folder, for several people at once.

    The network is used by one request at a time, in the order in which they came and for one frame at the most, so that a
    click is answered while another user's video is being propagated.

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
        self.turns, self.frames = Turns(), FrameCache()
        self._projects: dict[str, Project] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._propagations: dict[str, Job] = {}
        self._exports: dict[str, tuple[Job, ExportArchive]] = {}
        self._opening = threading.Lock()

    # Projects

    def list(self) -> list[dict[str, Any]]:
        """Names and keys of the projects, the newest first; their videos are not looked at."""
        found = []
        for path in self.root.glob('*/project.json'):
            try:
                content = read_json(path, 'a project')
                row = dict(key=path.parent.name, name=str(content['name']), objects=len(content['objects']))
                found.append((path.stat().st_mtime, row))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # opening it tells what is wrong
        return [row for _, row in sorted(found, key=lambda one: -one[0])]

    def project(self, key: str) -> Project:
        """The project of a key; FileNotFoundError for another one."""
        with self._opening:
            if key not in self._projects:
                if not key.isalnum() or not (self.root / key / 'project.json').is_file():
                    raise FileNotFoundError(f'there is no project {key!r}; it may have been deleted.')
                self._projects[key] = Project(self.root / key)
                self._locks[key] = threading.RLock()
            return self._projects[key]

    def lock(self, key: str) -> threading.RLock:
        """Held while a project changes."""
        self.project(key)
        return self._locks[key]

    def create(self, video: Path, name: str | None = None, masks: Sequence[PathLike] = ()) -> str:
        """A project for a video that lies on this machine; its key.

        Args:
            video (Path): video file or folder of frames.
            name (str | None): what the project is called; None: as the video.
            masks (Sequence[PathLike]): files or folders of other programs, see :func:`~mmvos.imports.open_annotations`, whose
                frames are set as if a person had done so here.
        """
        source = open_video(video)
        annotations = [open_annotations(path, source) for path in masks]  # a mistake in them is said before anything is made
        key = uuid.uuid4().hex[:12]
        project = Project.create(self.root / key, video, name)
        try:
            for one in annotations:
                load_annotations(project, one, self.segmenter)
        except InputError:
            project.delete()
            raise
        if not project.objects:
            project.add_object()
        return key

    def new_folder(self) -> Path:
        """An empty folder for a project whose video is still to come; its name is the project's key."""
        folder = self.root / uuid.uuid4().hex[:12]
        folder.mkdir()
        return folder

    def delete(self, key: str) -> None:
        """Remove a project; a video that was not uploaded stays where it lies."""
        project = self.project(key)
        self.stop(key)
        self.stop_export(key)
        self._forget_export(key)
        self.frames.forget(key)
        with self.lock(key):
            project.delete()
            self._projects.pop(key, None)

    def remove_object(self, key: str, object_id: int) -> None:
        """Delete an object and its masks; a propagation, which would bring them back, is stopped first."""
        self.stop(key)
        with self.lock(key):
            self.project(key).remove_object(object_id)

    # Pictures

    def frame(self, key: str, index: int) -> np.ndarray:
        """A frame, BGR uint8 ``(H, W, 3)``, not to be changed; InputError for one that the video lacks."""
        project = self.project(key)
        project.mask_path(index)
        return self.frames.read(key, project.video, index)

    def thumbnail(self, key: str) -> Path:
        """A small JPEG of the first frame, in the project's folder."""
        path = self.project(key).folder / 'thumbnail.jpg'
        if not path.exists():
            frame = self.frame(key, 0)
            size = max(frame.shape[1] * _THUMBNAIL_LINES // frame.shape[0], 1), _THUMBNAIL_LINES
            cv2.imwrite(str(path), cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
        return path

    def label_map(self, key: str, index: int) -> np.ndarray:
        """Label map uint8 ``(H, W)`` of a frame; empty where none was made."""
        project = self.project(key)
        stored = project.label_map(index)
        return np.zeros(project.size, np.uint8) if stored is None else stored

    # Pointing

    def prepare(self, key: str, index: int) -> bool:
        """Make a frame ready for clicks, unless the network is busy; whether it is ready."""
        if self.turns.busy:
            return False
        frame = self.frame(key, index)
        with self.turns.turn():
            self.segmenter.prepare(frame, (key, index))
        return True

    def set_prompt(self, key: str, index: int, prompt: Prompt) -> None:
        """Change the prompt of an object in a frame, and its mask there.

        The first clicks on an object that has a mask there already correct that mask. What the object takes from others that
        were pointed at in this frame goes back to them when further clicks give it up.
        """
        project = self.project(key)
        with self.lock(key):
            frame = self.frame(key, index)
            prompt.check_inside(frame.shape[:2])
            stored = self.label_map(key, index)
            before = project.prompt(index, prompt.object_id)
            if prompt.mask is None and not prompt.is_empty:
                if before is not None:
                    prompt = replace(prompt, mask=before.mask)
                elif prompt.box is None and (stored == prompt.object_id).any():
                    prompt = replace(prompt, mask=stored == prompt.object_id)
            held = stored == prompt.object_id
            label_map = np.where(held, 0, stored).astype(np.uint8)
            others = [one for one in project.prompts_at(index) if one.object_id != prompt.object_id] if held.any() else []
            with self.turns.turn():
                if others:
                    label_map[held] = self.segmenter.label_map(frame, others, key=(key, index))[held]
                if not prompt.is_empty:
                    label_map[self.segmenter.label_map(frame, [prompt], key=(key, index)) > 0] = prompt.object_id
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
            if key in self._propagations and self._propagations[key].running:
                raise InputError(f'{project.name}: a propagation is running; stop it first.')
            given = {}
            for index in project.trusted:
                ids = [p.object_id for p in project.prompts_at(index)]
                label_map = self.label_map(key, index)
                given[index] = np.where(np.isin(label_map, ids), label_map, 0).astype(np.uint8)
            given = {index: label_map for index, label_map in given.items() if object_ids_of(label_map)}
            propagation = Propagation(self.make_session, project.video, given, first, last)
            job = Job(Progress('propagation', len(propagation)), lambda: self._propagated(key, propagation))
            self._propagations[key] = job
            return job.progress

    def _propagated(self, key: str, propagation: Propagation) -> Iterator[int]:
        """Frames that the propagation went through; their masks are stored."""
        project, frames = self.project(key), propagation.run()
        try:
            while True:
                with self.turns.turn():
                    item = next(frames, None)
                if item is None:
                    return
                index, label_map = item
                if label_map is not None:
                    with self.lock(key):
                        project.write_propagated(index, label_map)
                yield index
        finally:
            frames.close()

    def progress(self, key: str) -> Progress | None:
        """How far the project's newest propagation is; None if there was none."""
        return self._propagations[key].progress if key in self._propagations else None

    def stop(self, key: str) -> None:
        """End the project's propagation after the present frame and wait for it."""
        if key in self._propagations:
            self._propagations[key].stop()

    # Export

    def export(self, key: str, name: str) -> Progress:
        """Write the project in one of the export formats, in the background.

        Raises:
            InputError: no such format, or an export of this project is running.
        """
        project = self.project(key)
        with self.lock(key):
            if key in self._exports and self._exports[key][0].running:
                raise InputError(f'{project.name}: an export is running; stop it first.')
            archive = ExportArchive(project, name)
            self._forget_export(key)
            job = Job(Progress('export', len(project.video), result=name), archive.write)
            self._exports[key] = job, archive
            return job.progress

    def export_progress(self, key: str) -> Progress | None:
        """How far the project's newest export is; None if there was none."""
        return self._exports[key][0].progress if key in self._exports else None

    def exported(self, key: str, name: str) -> Path:
        """The zip file of the project's newest export; FileNotFoundError where it is not there (yet)."""
        job, archive = self._exports.get(key, (None, None))
        if job is None or archive is None or job.progress.state != 'done' or archive.name != name:
            raise FileNotFoundError(f'no export {name!r} of this project is there; start one first.')
        return archive.path

    def stop_export(self, key: str) -> None:
        """End the project's export and wait for it."""
        if key in self._exports:
            self._exports[key][0].stop()

    def _forget_export(self, key: str) -> None:
        """Remove the files of an export that has ended."""
        if key in self._exports:
            self._exports.pop(key)[1].close()

    def close(self) -> None:
        """Stop all jobs and let go of all videos."""
        for key in list(self._propagations):
            self.stop(key)
        for key in list(self._exports):
            self.stop_export(key)
            self._forget_export(key)
        self.frames.close()
