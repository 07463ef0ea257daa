"""What a device shows in a few minutes: the labels of a CPU, speed beside the papers', waits, memory, training."""

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope

from mmvos.inference import open_session
from mmvos.registry import MODELS
from mmvos.utils import configs_root, load_config
from mmvos.utils.checkpoint import init_weights_quietly
from mmvos.videos import FrameArrays

from .long_run import long_run
from .measuring import Clock, machine_peak, procedural_video
from .method_speed import METHODS, SpeedSettings, built_model, measure_method
from .training_speed import TrainingSwitches, measure_training

#: frames/s that papers state, on their cards and at their sizes
PAPERS = {
    'MAIN R50': '30.3, without flow and tracker, 256x416',
    'AGSS-VOS R50': '10 to 12, 640x320',
    'A-GAME R101': '14',
    'RVOS R101': '23, 256x448',
}
#: height and width of small videos
SMALL = (96, 160)
#: precisions of a GPU in which speed is measured
PRECISIONS = ('float32', 'TF32, benchmark', 'float16')


@dataclass(frozen=True)
class CheckSettings:
    """How a device is checked.

    Args:
        device (str): the device.
        seconds (float): time for each item.
        size (tuple[int, int]): height and width of the videos whose speed is measured.
        frames (int): frames of the long video.
    """

    device: str = 'cuda'
    seconds: float = 20
    size: tuple[int, int] = (480, 854)
    frames: int = 5000

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.startswith('cuda')


@dataclass(frozen=True)
class Item:
    """One thing to find out.

    Attributes:
        section (str): what kind of thing.
        name (str): of what.
        find (Callable): function of the settings that gives plain numbers and texts.
    """

    section: str
    name: str
    find: Callable[[CheckSettings], dict[str, Any]]


def items() -> list[Item]:
    """All items, the cheap and telling ones first."""
    minis = mini_configs()
    classes = {name: model_class(config) for name, config in minis.items()}
    videos = {name: config for name, config in minis.items() if hasattr(classes[name], 'task')}
    causal = {name: config for name, config in videos.items() if getattr(classes[name], 'causal', True)}
    return [
        Item('machine', 'machine', _machine),
        *(Item('labels', name, partial(_labels, config)) for name, config in videos.items()),
        *(
            Item('speed', f'{name}, {precision}', partial(_speed, name, precision))
            for name in PAPERS
            for precision in PRECISIONS
        ),
        *(Item('waits', name, partial(_waits, METHODS[name])) for name in (*PAPERS, 'RecallVOS lite0')),
        *(Item('training', name, partial(_training, config)) for name, config in mini_trainings().items()),
        *(Item('memory', name, partial(_memory, config)) for name, config in causal.items()),
    ]


def mini_configs() -> dict[str, str]:
    """The mini config of every method, by its name."""
    return {name: config for name, config in _all_minis().items() if not re.search('_(test|stage)', name)}


def mini_trainings() -> dict[str, str]:
    """The mini configs that train, each stage by itself."""
    return {name: config for name, config in _all_minis().items() if '_test' not in name and _trains(config)}


def _all_minis() -> dict[str, str]:
    return {path.stem: str(path) for path in sorted((configs_root() / 'configs').glob('*/*_mini_synth*.py'))}


def _trains(config: str) -> bool:
    return all(load_config(config).get(key) for key in ('train_dataloader', 'train_cfg', 'optim_wrapper'))


def model_class(config: str) -> type:
    """The class of a config's model."""
    init_default_scope('mmvos')
    return MODELS.get(load_config(config).model['type'])


def mini_model(config: str) -> Any:
    """A model with the weights that it begins training with, the same in every run."""
    init_default_scope('mmvos')
    torch.manual_seed(0)
    np.random.seed(0)
    model = MODELS.build(load_config(config).model)
    init_weights_quietly(model)
    return model.eval()


def _machine(settings: CheckSettings) -> dict[str, Any]:
    name = torch.cuda.get_device_name() if settings.on_gpu else f'CPU, {torch.get_num_threads()} thread(s)'
    peak = machine_peak(settings.device, Clock(settings.device))
    rounded = {f'{kind}, GFLOP/s': round(value) for kind, value in peak.items()}
    return dict(device=name, torch=torch.__version__, cores=os.cpu_count(), **rounded)


def _labels(config: str, settings: CheckSettings) -> dict[str, Any]:
    """Pixels, or instances, in which the device differs from the CPU, both in strict float32."""
    images, label_map = procedural_video(SMALL, 2, 5)
    model = mini_model(config)
    with _precision(tf32=False):
        results = [_outputs(model, device, images, label_map) for device in ('cpu', settings.device)]
    differ = sum(_difference(near, far) for near, far in zip(*results, strict=True))
    return dict(differ=differ, of=sum(_size(result) for result in results[0]))


def _outputs(model: Any, device: str, images: list[np.ndarray], label_map: np.ndarray) -> list[Any]:
    session: Any = open_session(model, device=device)
    prompts = {0: label_map} if getattr(model, 'prompted', False) else {}
    results = session.run(FrameArrays(images, prompts=prompts))
    return [r.pred_track_instances if model.task == 'vis' else r.pred_label_map for r in results]


def _difference(first: Any, second: Any) -> int:
    if isinstance(first, np.ndarray):
        return int((first != second).sum())
    if len(first) != len(second):
        return max(len(first), len(second))
    same = (first.labels == second.labels) & ((first.bboxes - second.bboxes).abs() < 0.1).all(1)
    return int((~same).sum())


def _size(result: Any) -> int:
    return result.size if isinstance(result, np.ndarray) else len(result)


def _speed(name: str, precision: str, settings: CheckSettings) -> dict[str, Any]:
    """Frames/s of a paper's network, with two objects, from frames in memory to label maps."""
    how = SpeedSettings(
        settings.size, frames=30, warmup=3, device=settings.device, amp=precision == 'float16', seconds=settings.seconds / 2
    )
    how = replace(how, threads=torch.get_num_threads())
    with _precision(tf32=precision != 'float32'):
        speed = measure_method(METHODS[name], 2, how)
    found = {'frames/s': round(1000 / speed.milliseconds, 2), 'the paper': PAPERS[name], 'MiB': round(speed.megabytes)}
    return dict(found, **{'share of the peak': round(speed.share, 2)})


def _waits(config: str, settings: CheckSettings) -> dict[str, Any]:
    """How often the host waits for the GPU in one frame, and where."""
    if not settings.on_gpu:
        return dict(waits=0, at='a CPU does not wait')
    model = built_model(config, settings.device)
    images, label_map = procedural_video(SMALL, 2, 5)
    session: Any = open_session(model)
    for index, image in enumerate(images[:-1]):
        session.step(image, *([label_map] if index == 0 and model.prompted else []))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        torch.cuda.set_sync_debug_mode('warn')
        session.step(images[-1])
        torch.cuda.set_sync_debug_mode('default')
    places = Counter(f'{warning.filename.split("mmvos/")[-1]}:{warning.lineno}' for warning in seen)
    return dict(waits=len(seen), at=', '.join(f'{place} {count}' for place, count in places.most_common(5)))


def _training(config: str, settings: CheckSettings) -> dict[str, Any]:
    """Iterations/s, and the share of an iteration that waits for data."""
    workers = (os.cpu_count() or 1) - 1 if settings.on_gpu else 0
    speed = measure_training(
        config, TrainingSwitches(workers=workers, pin_memory=settings.on_gpu), seconds=settings.seconds / 2
    )
    return {
        'iterations/s': round(speed.per_second, 2),
        'waits for data': f'{100 * speed.waiting / speed.milliseconds:.0f} %',
        'loss': round(speed.loss, 4),
        'finite': bool(np.isfinite(speed.loss)),
    }


def _memory(config: str, settings: CheckSettings) -> dict[str, Any]:
    run = long_run(mini_model(config), settings.frames, device=settings.device, seconds=settings.seconds)
    found = {'frames': run.frames, 'frames/s': round(run.frames / run.seconds, 1), 'MiB added': round(run.growth, 1)}
    return dict(found, **{'MiB': round(run.megabytes[run.frames])})


@contextmanager
def _precision(tf32: bool) -> Iterator[None]:
    """TF32, and the search for the fastest convolutions, on or off."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    matmul.allow_tf32 = cudnn.allow_tf32 = cudnn.benchmark = tf32
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


def settings_record(settings: CheckSettings) -> dict[str, Any]:
    """Settings as they are written into a record."""
    return dict(asdict(settings), size=list(settings.size))


def tables(records: list[dict[str, Any]]) -> str:
    """Records as markdown, a table for each section.

    Args:
        records (list[dict]): with ``section``, ``name``, and what was found, or ``failed``.
    """
    text = []
    for section in dict.fromkeys(record['section'] for record in records):
        rows = [record for record in records if record['section'] == section]
        columns = list(dict.fromkeys(key for row in rows for key in row['found']))
        text += [f'## {section}', '', f'| {" | ".join([section, *columns])} |', f'|---|{"---|" * len(columns)}']
        text += [f'| {" | ".join([row["name"], *(str(row["found"].get(key, "")) for key in columns)])} |' for row in rows]
        text.append('')
    return '\n'.join(text)
