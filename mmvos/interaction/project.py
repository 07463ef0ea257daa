"""A video that a person annotates: its objects, what was pointed at in which frame, and the masks; all of it on disk."""

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmvos.structures import MAX_OBJECT_ID, InputError, Prompt, atomic_path, read_json, read_label_map, write_label_map
from mmvos.videos import Video, open_video

from .prompt_json import prompt_from_json, prompt_to_json

_FORMAT = 1
#: colours that objects get in turn, RGB: bright ones that differ from each other on most pictures
_COLOURS = (
    *((255, 75, 75), (60, 150, 255), (60, 200, 90), (255, 175, 30), (190, 95, 255), (20, 205, 205)),
    *((255, 105, 190), (165, 205, 40), (255, 125, 50), (115, 115, 255), (200, 150, 100), (120, 220, 170)),
)
#: how many changes can be taken back
_UNDOABLE = 200
#: a label map while it is only kept: zlib's bytes and the shape
_Packed = tuple[bytes, tuple[int, int]]


@dataclass
class ProjectObject:
    """An object that is annotated: ``id`` 1 to 254, ``name`` for people, ``colour`` RGB for drawing."""

    id: int
    name: str
    colour: tuple[int, int, int]

    def __post_init__(self) -> None:
        whole = all(isinstance(number, (int, np.integer)) for number in (self.id, *self.colour))
        if not (whole and isinstance(self.name, str) and 1 <= self.id <= MAX_OBJECT_ID and len(self.colour) == 3):
            raise InputError(f'object {self.id!r}; expected an id from 1 to {MAX_OBJECT_ID}, a name, and a colour (R, G, B)')


@dataclass(frozen=True)
class _Change:
    """A change of one prompt: what was before and after it (None: there was none), packed as on disk."""

    index: int
    object_id: int
    prompts: tuple[dict[str, Any] | None, dict[str, Any] | None]
    label_maps: tuple[_Packed | None, _Packed | None]


class Project:
    """The annotation of one video in a folder of its own.

    ``project.json`` holds the objects and the prompts by frame, ``masks/<frame>.png`` the label map of each frame that has
    one. A frame with prompts is *trusted*: propagation begins at such frames and does not change what was set there. Every
    change is on disk when the call returns; opening the folder again goes on from there.

    Args:
        folder (str | PathLike): folder of the project; made by :meth:`create`.

    Raises:
        InputError: not a project, or one whose video is gone.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        path = self.folder / 'project.json'
        try:
            content = read_json(path, 'a project made by mmvos annotate')
            if content['format'] != _FORMAT:
                raise InputError(f'format {content["format"]}; expected {_FORMAT}')
            if not isinstance(content['video'], str) or not isinstance(content['name'], str):
                raise InputError('video and name; expected text')
            self.source: str = content['video']
            self.name: str = content['name']
            objects = [ProjectObject(o['id'], o['name'], tuple(o['colour'])) for o in content['objects']]
            self.objects = {o.id: o for o in objects}
            # as in the file, masks run-length coded: a person may set hundreds of frames of a large video
            self._prompts: dict[int, dict[int, dict[str, Any]]] = {
                int(index): {prompt_from_json(p).object_id: p for p in prompts} for index, prompts in content['prompts'].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f'{path}: not a project file of mmvos annotate ({error}).') from error
        self.video: Video = open_video(self.folder / self.source if not os.path.isabs(self.source) else self.source)
        self._done: list[_Change] = []
        self._undone: list[_Change] = []

    @classmethod
    def create(cls, folder: str | os.PathLike, video: str | os.PathLike, name: str | None = None) -> 'Project':
        """A new project.

        Args:
            folder (str | os.PathLike): folder of the project; made if needed.
            video (str | os.PathLike): file or folder of frames; if outside the project, remembered by its absolute path.
            name (str | None): name of the project; None: the video's.

        Raises:
            InputError: the folder holds a project already, or the source is not a video.
        """
        folder, source = Path(folder), Path(os.path.abspath(video))
        open_video(source)  # a source that is not a video is refused before anything is made
        if (folder / 'project.json').exists():
            raise InputError(f'{folder}: holds a project already; expected a new folder.')
        folder.mkdir(parents=True, exist_ok=True)
        inside = source.parent == Path(os.path.abspath(folder))
        content = dict(
            format=_FORMAT, name=name or source.stem, video=source.name if inside else str(source), objects=[], prompts={}
        )
        _write_json(folder / 'project.json', content)
        return cls(folder)

    def save(self) -> None:
        """Write ``project.json``."""
        content = dict(
            format=_FORMAT,
            name=self.name,
            video=self.source,
            objects=[asdict(o) for o in self.objects.values()],
            prompts={str(index): list(prompts.values()) for index, prompts in sorted(self._prompts.items()) if prompts},
        )
        _write_json(self.folder / 'project.json', content)

    # Objects

    def add_object(self, name: str = '', object_id: int | None = None) -> ProjectObject:
        """A further object.

        Args:
            name (str): its name; empty: ``'object <id>'``.
            object_id (int | None): 1..254; None: the lowest free one.

        Raises:
            InputError: all 254 ids are taken.
        """
        object_id = object_id or next((i for i in range(1, 255) if i not in self.objects), None)
        if object_id is None:
            raise InputError(f'{self.name}: 254 objects are there; a label map holds no more.')
        colour = _COLOURS[(object_id - 1) % len(_COLOURS)]
        self.objects[object_id] = ProjectObject(object_id, name or f'object {object_id}', colour)
        self.save()
        return self.objects[object_id]

    def change_object(self, object_id: int, name: str | None = None, colour: Sequence[int] | None = None) -> None:
        """Give an object another name, another colour, or both.

        Args:
            object_id (int): the object.
            name (str | None): its name; None: as it is.
            colour (Sequence[int] | None): red, green and blue, 0 to 255; None: as it is.

        Raises:
            InputError: no such object, or not a colour.
        """
        one = self._object(object_id)
        if colour is not None:
            if len(colour) != 3 or not all(isinstance(v, int) and 0 <= v <= 255 for v in colour):
                raise InputError(f'{one.name}: the colour {colour!r}; expected red, green and blue, 0 to 255.')
            one.colour = (colour[0], colour[1], colour[2])
        one.name = one.name if name is None else name.strip() or f'object {object_id}'
        self.save()

    def remove_object(self, object_id: int) -> None:
        """Delete an object, its prompts and its masks in all frames; earlier changes can no longer be undone."""
        self._object(object_id)
        del self.objects[object_id]
        for prompts in self._prompts.values():
            prompts.pop(object_id, None)
        self._done.clear()
        self._undone.clear()
        for path in sorted((self.folder / 'masks').glob('*.png')):
            label_map = read_label_map(path)
            if (label_map == object_id).any():
                label_map[label_map == object_id] = 0
                write_label_map(path, label_map)
        self.save()

    def _object(self, object_id: int) -> ProjectObject:
        if object_id not in self.objects:
            raise InputError(f'{self.name}: no object {object_id}; there are {sorted(self.objects) or "none"}.')
        return self.objects[object_id]

    # Prompts

    @property
    def trusted(self) -> list[int]:
        """Frames that a person has set, ascending."""
        return sorted(index for index, prompts in self._prompts.items() if prompts)

    def prompts_at(self, index: int) -> list[Prompt]:
        """Prompts of a frame, in the order of the objects' ids."""
        return [prompt_from_json(prompt) for _, prompt in sorted(self._prompts.get(index, {}).items())]

    def prompt(self, index: int, object_id: int) -> Prompt | None:
        """What points at an object in a frame; None where nothing does.

        Args:
            index (int): number of the frame, from 0.
            object_id (int): id of the object.
        """
        found = self._prompts.get(index, {}).get(object_id)
        return None if found is None else prompt_from_json(found)

    def set_prompt(self, index: int, prompt: Prompt, label_map: np.ndarray) -> None:
        """Replace the prompt of an object in a frame; an empty prompt removes it.

        Args:
            index (int): the frame.
            prompt (Prompt): all that points at one object there.
            label_map (ndarray): the frame's label map uint8 ``(H, W)`` with it.
        """
        self._object(prompt.object_id)
        before = self._prompts.get(index, {}).get(prompt.object_id)
        change = _Change(
            index,
            prompt.object_id,
            (before, None if prompt.is_empty else prompt_to_json(prompt)),
            (_pack(self.label_map(index)), _pack(label_map)),
        )
        self._done.append(change)
        self._undone.clear()
        del self._done[:-_UNDOABLE]
        self._apply(change, after=True)

    def take(self, frames: Iterable[tuple[int, Sequence[Prompt], np.ndarray]]) -> None:
        """Set many frames at once, e.g. by the masks of another program; this cannot be undone.

        Args:
            frames (Iterable): index, prompts of the objects there, label map uint8 ``(H, W)``.
        """
        for index, prompts, label_map in frames:
            self._prompts[index] = {prompt.object_id: prompt_to_json(prompt) for prompt in prompts}
            self.write_label_map(index, label_map)
        self.save()

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to do again."""
        return bool(self._undone)

    def undo(self) -> int | None:
        """Take the last change of a prompt back; the frame that it was in, None if there is none."""
        return self._step(self._done, self._undone, after=False)

    def redo(self) -> int | None:
        """Do the last change that was taken back again; the frame that it was in, None if there is none."""
        return self._step(self._undone, self._done, after=True)

    def _step(self, source: list[_Change], target: list[_Change], after: bool) -> int | None:
        if not source:
            return None
        change = source.pop()
        target.append(change)
        self._apply(change, after)
        return change.index

    def _apply(self, change: _Change, after: bool) -> None:
        prompt, packed = change.prompts[after], change.label_maps[after]
        if prompt is None:
            self._prompts.get(change.index, {}).pop(change.object_id, None)
        else:
            self._prompts.setdefault(change.index, {})[change.object_id] = prompt
        if packed is None:
            self.mask_path(change.index).unlink(missing_ok=True)
        else:
            self.write_label_map(change.index, _unpack(packed))
        self.save()

    # Masks

    def mask_path(self, index: int) -> Path:
        """File of a frame's label map, whether it exists or not; InputError for a frame that the video lacks."""
        if not 0 <= index < len(self.video):
            raise InputError(f'{self.name}: no frame {index}; the video has {len(self.video)}.')
        return self.folder / 'masks' / f'{self.video.frame_names[index]}.png'

    def label_map(self, index: int) -> np.ndarray | None:
        """Label map uint8 ``(H, W)`` of a frame; None where none was made yet."""
        path = self.mask_path(index)
        return read_label_map(path) if path.exists() else None

    def write_label_map(self, index: int, label_map: np.ndarray) -> None:
        """Store the label map of a frame.

        Args:
            index (int): number of the frame, from 0.
            label_map (np.ndarray): uint8 ``(H, W)`` of the frame's size, values are object ids.
        """
        write_label_map(self.mask_path(index), label_map)

    def write_propagated(self, index: int, label_map: np.ndarray) -> None:
        """Store what a propagation found. Objects that a person has set in that frame, even meanwhile, stay as they are.

        Args:
            index (int): number of the frame, from 0.
            label_map (np.ndarray): uint8 ``(H, W)`` of the frame's size; ids that the project does not have are left out.
        """
        set_here = list(self._prompts.get(index, {}))
        stored = self.label_map(index) if set_here else None
        known = [i for i in self.objects if i not in set_here]
        label_map = np.where(np.isin(label_map, known), label_map, 0).astype(np.uint8)
        if stored is not None:
            label_map = np.where(np.isin(stored, set_here), stored, label_map)
        self.write_label_map(index, label_map)

    def annotated(self) -> list[int]:
        """Frames that have a label map, ascending."""
        folder = self.folder / 'masks'
        present = set(os.listdir(folder)) if folder.is_dir() else set()
        return [i for i, name in enumerate(self.video.frame_names) if f'{name}.png' in present]

    @cached_property
    def size(self) -> tuple[int, int]:
        """``(H, W)`` of the frames."""
        height, width = self.video.read(0).shape[:2]
        return height, width

    def results(self) -> Iterator[tuple[int, str, np.ndarray, np.ndarray]]:
        """Index, name, frame (BGR uint8 ``(H, W, 3)``) and label map (empty where none was made) of every frame."""
        for index, frame in self.video:
            label_map = self.label_map(index)
            if label_map is None:
                label_map = np.zeros(frame.shape[:2], np.uint8)
            yield index, self.video.frame_names[index], frame, label_map

    def delete(self) -> None:
        """Remove the project's folder; a video that lies elsewhere stays."""
        shutil.rmtree(self.folder)


def _pack(label_map: np.ndarray | None) -> _Packed | None:
    return None if label_map is None else (zlib.compress(label_map.tobytes(), 1), label_map.shape)


def _unpack(packed: _Packed) -> np.ndarray:
    return np.frombuffer(zlib.decompress(packed[0]), np.uint8).reshape(packed[1])


def _write_json(path: Path, content: Any) -> None:
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=1)
