"""What is to be done: a list of videos with their prompts, from a folder, a glob, a list, or the data set of a config."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmvos.structures import InputError, check_name, check_unique, settings_from
from mmvos.structures.files import decode_json, decode_text
from mmvos.videos.images import IMAGE_SUFFIXES

from .places import Place

VIDEO_SUFFIXES = ('.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.flv', '.ogv', '.ts', '.gif')
LIST = 'lines of JSON such as {"video": "a.mp4", "prompts": {"0": "a.png"}}'


@dataclass(frozen=True)
class Task:
    """One video to be done.

    Args:
        name (str): unique relative path: the results go to this folder below the destination.
        video (str): path or URL of a video file or a folder of frames; of a data set, the name of its video.
        prompts (Mapping[int, str]): paths or URLs of label maps by frame, from 0.
        masks (str): path or URL of the label map of frame 0, or of a folder with label maps by name of the frame; may be empty.
        clicks (tuple[str, ...]): ``ID:X,Y`` or ``ID:X,Y:-``, in frame ``at``.
        boxes (tuple[str, ...]): ``ID:X1,Y1,X2,Y2``, in frame ``at``.
        at (int): frame of the clicks and boxes, from 0.
        objects (Mapping[int, list[dict]]): prompts of every kind by frame, in the form of
            :func:`~mmvos.interaction.prompt_to_json`.
    """

    name: str
    video: str
    prompts: Mapping[int, str] = field(default_factory=dict)
    masks: str = ''
    clicks: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    at: int = 0
    objects: Mapping[int, list[dict[str, Any]]] = field(default_factory=dict)


def find_tasks(source: str, prompts: str = '') -> list[Task]:
    """The videos of a source, each once, in the order of their names (of a list: in its own).

    Args:
        source (str): path or URL of

            - a folder: every video file in it and every folder of frames is a video (a folder of frames itself is one),
            - a glob of those: ``videos/*/left*.mp4``,
            - a list: ``*.jsonl``, one :class:`ListLine` a line; paths are relative to the list's folder,
            - a config (``*.py``), whose ``test_dataloader`` has a data set.
        prompts (str): folder of prompts: ``<name>.png`` (frame 0), or ``<name>/<frame name>.png``; may be empty.

    Raises:
        InputError: no video there, a name twice, one that leads out of the destination, or one below another.
    """
    if source.endswith('.py'):
        tasks = _of_config(source)
    elif source.endswith(('.jsonl', '.json')):
        tasks = _of_list(Place(source))
    else:
        tasks = _of_files(Place(source))
    if not tasks:
        raise InputError(f'{source}: no video found. Expected video files ({", ".join(VIDEO_SUFFIXES)}) or folders of frames.')
    for task in tasks:
        check_name(task.name, source)
    names = [task.name for task in tasks]
    check_unique(names, source)
    known = set(names)
    for name in names:
        parts = name.split('/')
        above = next((p for p in ('/'.join(parts[:i]) for i in range(1, len(parts))) if p in known), None)
        if above:
            raise InputError(f'{source}: the video {name!r} lies below the video {above!r}; expected one folder per video.')
    return [_with_prompts(task, Place(prompts)) for task in tasks] if prompts else tasks


def _of_config(path: str) -> list[Task]:
    from mmvos.utils import load_config

    dataset = dataset_of(load_config(path), path)
    names = [dataset.get_data_info(i)['video_id'] for i in range(len(dataset))]
    lengths = dict(zip(names, dataset.video_lengths(), strict=True))
    return [Task(name, name) for name in sorted(names, key=lambda name: (-lengths[name], name))]


def dataset_of(config: Any, name: str) -> Any:
    """The test data set of a config.

    Raises:
        InputError: the config has none.
    """
    from mmvos.registry import DATASETS

    if 'dataset' not in (config.get('test_dataloader') or {}):
        raise InputError(f'{name}: the config has no test_dataloader.dataset.')
    return DATASETS.build(config.test_dataloader.dataset)


@dataclass(frozen=True)
class ListLine:
    """One line of a list.

    Args:
        video (str): path or URL of a video file or a folder of frames.
        name (str): folder of the results below the destination (default: the video's own name).
        prompts (dict | str): ``{frame: label map}``, frames from 0; or one file (frame 0); or a folder (by name of the frame).
        clicks, boxes, at, objects: see :class:`Task`.
    """

    video: str
    name: str = ''
    prompts: Any = ''
    clicks: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    at: int = 0
    objects: Any = field(default_factory=dict)

    def task(self, folder: Place, place: str) -> Task:
        """The task of this line of the list ``place``, which lies in ``folder``."""

        def absolute(path: Any) -> str:
            if not isinstance(path, str) or not path:
                raise InputError(f'{place}: found {path!r} where a path belongs.')
            if '://' in path or path.startswith('/'):
                return path
            return folder.child(path).path if folder.is_local else folder.child(path).url

        prompts, masks = {}, ''
        if isinstance(self.prompts, dict):
            prompts = {frame: absolute(path) for frame, path in by_frame(self.prompts, place).items()}
        elif self.prompts:
            masks = absolute(self.prompts)
        for values in (self.clicks, self.boxes):
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise InputError(f'{place}: found {values!r} where a list of texts such as "1:320,240" belongs.')
        name = self.name or _stem(self.video)
        return Task(
            *(name, absolute(self.video), prompts, masks, tuple(self.clicks), tuple(self.boxes), self.at),
            objects=by_frame(self.objects, place),
        )


def by_frame(content: Any, place: str) -> dict[int, Any]:
    """What JSON holds by frame: its keys are texts there.

    Args:
        content (Any): ``{frame: prompt}``, frames from 0.
        place (str): where it stands, for messages.

    Raises:
        InputError: no mapping, or a key that is no number of a frame.
    """
    if not isinstance(content, dict):
        raise InputError(f'{place}: found {content!r} where prompts by frame belong, such as {{"0": ...}}.')
    for frame in content:
        if not frame.isdecimal() or not frame.isascii():
            raise InputError(f'{place}: prompt at frame {frame!r}; expected a number from 0.')
    return {int(frame): prompt for frame, prompt in content.items()}


def _of_list(place: Place) -> list[Task]:
    folder, tasks = place.at(posixpath.dirname(place.path)), []
    for number, line in enumerate(decode_text(place.read(LIST), place.url, LIST).splitlines(), 1):
        if line.strip():
            where = f'{place.url}:{number}'
            content = decode_json(line.encode(), where, LIST)
            tasks.append(settings_from(ListLine, content, where).task(folder, where))
    return tasks


def _of_files(place: Place) -> list[Task]:
    if re.search(r'[*?\[]', place.path):
        root = posixpath.dirname(re.split(r'[*?\[]', place.path)[0])
        with place.errors_named('videos'):
            found = list(place.fs.glob(place.path, detail=True).values())
    elif place.fs.isfile(place.path) and place.path.lower().endswith(VIDEO_SUFFIXES):
        return [Task(_stem(place.path), _address(place))]
    else:
        root, found = place.path.rstrip('/'), place.list('a folder of videos, a glob, a list (*.jsonl), or a config (*.py)')
        if any(entry['type'] == 'file' and entry['name'].lower().endswith(IMAGE_SUFFIXES) for entry in found):
            return [Task(place.name, _address(place))]
    found = [e for e in found if e['type'] == 'directory' or e['name'].lower().endswith(VIDEO_SUFFIXES)]
    tasks = []
    for entry in sorted(found, key=lambda entry: entry['name']):
        path = entry['name'].rstrip('/')
        name = path[len(root) :].lstrip('/')
        name = name if entry['type'] == 'directory' else posixpath.splitext(name)[0]
        tasks.append(Task(name, _address(place.at(path))))
    return tasks


def _with_prompts(task: Task, folder: Place) -> Task:
    for name, exists in ((task.name, folder.fs.isdir), (f'{task.name}.png', folder.fs.isfile)):
        place = folder.child(name)
        if exists(place.path):
            return Task(task.name, task.video, masks=_address(place))
    raise InputError(f'{folder.url}: no prompt for {task.name!r}; expected {task.name}.png, or a folder {task.name}.')


def _address(place: Place) -> str:
    return place.path if place.is_local else place.url


def _stem(path: str) -> str:
    name = posixpath.basename(path.rstrip('/'))
    stem, suffix = posixpath.splitext(name)
    return stem if suffix.lower() in VIDEO_SUFFIXES else name
