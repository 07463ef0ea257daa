"""What the methods cost on one machine: multiply-adds by part, time, share of the machine's peak, memory."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope

from mmvos.inference import open_session
from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils import load_config, prepare_for_inference
from mmvos.utils.checkpoint import load_weights
from mmvos.videos import FrameArrays

from .costs import PartCost, costs_of
from .measuring import Clock, PeakMemory, machine_peak, memory_in_use, procedural_video

#: a config of each method that segments videos: the network of its paper, and the light one where there is one
METHODS = {
    'A-GAME R101': 'agame/agame_r101_davis2017-ytvos2018_test-davis2017.py',
    'A-GAME lite0': 'agame/agame_lite0.py',
    'AGSS-VOS R50': 'agss_vos/agss-vos_r50_davis2017_832x448.py',
    'AGSS-VOS lite0': 'agss_vos/agss-vos_lite0.py',
    'COSNet R101': 'cosnet/cosnet_r101_davis2016-saliency.py',
    'COSNet lite0': 'cosnet/cosnet_lite0.py',
    'DyeNet R101': 'dyenet/dyenet_r101_davis2017.py',
    'DyeNet lite0': 'dyenet/dyenet_lite0.py',
    'FeaturePropagation lite0': 'feature_propagation/feature-propagation-target_lite0.py',
    'MAIN R50': 'main/main_r50_ytvos2018-davis2017_256x416.py',
    'MAIN lite0': 'main/main_lite0.py',
    'MaskTrack R-CNN R50': 'masktrack_rcnn/masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py',
    'MatchVOS lite0': 'matchvos/matchvos_lite0.py',
    'RecallVOS lite0': 'recall_vos/recall-vos_lite0.py',
    'RGMP R50': 'rgmp/rgmp_r50_ytvos2018-davis2017.py',
    'RGMP lite0': 'rgmp/rgmp_lite0.py',
    'RVOS R101': 'rvos/rvos-mask-st_r101_ytvos2018_256x448_20e.py',
    'RVOS unprompted R101': 'rvos/rvos-st_r101_ytvos2018-davis2017_240x427_10e.py',
    'RVOS lite0': 'rvos/rvos-mask-st_lite0.py',
    'STA R50': 'sta_masktrack_rcnn/sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py',
    'STA lite0': 'sta_masktrack_rcnn/sta-masktrack-rcnn_lite0.py',
}


@dataclass(frozen=True)
class SpeedSettings:
    """How speed is measured.

    Args:
        size (tuple[int, int]): height and width of the video; ``test_cfg`` of a method may resize it.
        frames (int): timed frames.
        warmup (int): frames before them, the first one not counted.
        device (str): the device that computes.
        threads (int): threads on the CPU.
        cpu_time (bool): CPU time of the process in place of the wall's, for a machine that is busy.
        amp (bool): mixed precision.
        seconds (float): no further frame is timed after this time (not for a method that needs the whole video).

    Raises:
        InputError: a value out of range.
    """

    size: tuple[int, int] = (480, 854)
    frames: int = 5
    warmup: int = 3
    device: str = 'cpu'
    threads: int = 1
    cpu_time: bool = False
    amp: bool = False
    seconds: float = 3600

    def __post_init__(self) -> None:
        if min(self.size) < 32:
            raise InputError(f'size is {self.size}; expected at least 32 pixels.')
        for name, least in (('frames', 1), ('warmup', 0), ('threads', 1)):
            if getattr(self, name) < least:
                raise InputError(f'{name} is {getattr(self, name)}; expected at least {least}.')


@dataclass
class MethodSpeed:
    """What a method costs with one number of objects.

    Attributes:
        objects (int | None): number of objects; None for a method that finds its own.
        milliseconds (float): time of a frame (median; of a method that needs the whole video, its mean).
        megabytes (float): memory that is added to the loaded model at the peak, in MiB.
        parts (list[dict]): :class:`PartCost` of the whole model in a frame, then of its parts.
        peak (dict[str, float]): what the machine computed at best in the same process, in GFLOP/s, see :func:`machine_peak`.
    """

    objects: int | None
    milliseconds: float
    megabytes: float
    parts: list[dict[str, Any]]
    peak: dict[str, float]

    @property
    def gflops(self) -> float:
        """What the method computed, in GFLOP/s."""
        return 2 * self.parts[0]['gmac'] / self.milliseconds * 1000

    @property
    def share(self) -> float:
        """Share of the machine's peak."""
        return self.gflops / max(self.peak.values())


def built_model(config: str, device: str = 'cpu') -> Any:
    """A model ready for inference, with the weights that come with MMVOS where its config names some, else with random ones;
    nothing is downloaded."""
    init_default_scope('mmvos')
    cfg = load_config(config)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    if cfg.get('weights'):
        load_weights(model, cfg.weights)
    return prepare_for_inference(model.to(device))


def measure_method(config: str, objects: int, settings: SpeedSettings) -> MethodSpeed:
    """Speed of a method. Memory is right in a fresh process, for what one run leaves is there for the next.

    Args:
        config (str): path of a config, also below MMVOS's ``configs``.
        objects (int): number of objects; of no concern to a method that finds its own.
        settings (SpeedSettings): how it is measured.
    """
    torch.set_num_threads(settings.threads)
    cv2.setNumThreads(settings.threads)
    model = built_model(config, settings.device)
    prompted, causal = getattr(model, 'prompted', False), getattr(model, 'causal', True)
    peak = machine_peak(settings.device, Clock(settings.device, settings.cpu_time))
    before = memory_in_use(settings.device)
    count = 1 + settings.warmup + settings.frames + 1
    frames, label_map = procedural_video(settings.size, objects if prompted else 0, count)
    measure = _measure_causal if causal else _measure_offline
    milliseconds, most, parts = measure(model, frames, {0: label_map} if prompted else {}, settings)
    rows = [asdict(part) for part in parts]
    return MethodSpeed(objects if prompted else None, milliseconds, (most - before) / 2**20, rows, peak)


def _measure_causal(
    model: Any, frames: list[np.ndarray], prompts: dict[int, np.ndarray], settings: SpeedSettings
) -> tuple[float, int, list[PartCost]]:
    """Milliseconds of a frame, bytes, costs of the last frame."""
    session: Any = open_session(model, amp=settings.amp)
    clock = Clock(settings.device, settings.cpu_time)
    begun, seconds = clock(), list[float]()
    with PeakMemory(settings.device) as memory:
        session.step(frames[0], *prompts.values())
        for index, frame in enumerate(frames[1:-1]):
            start = clock()
            session.step(frame)
            if index >= settings.warmup:
                seconds.append(clock() - start)
                if clock() - begun > settings.seconds:
                    break
    return 1000 * statistics.median(seconds), memory.bytes, costs_of(model, lambda: session.step(frames[-1]))


def _measure_offline(
    model: Any, frames: list[np.ndarray], prompts: dict[int, np.ndarray], settings: SpeedSettings
) -> tuple[float, int, list[PartCost]]:
    """Milliseconds of a frame, bytes, costs of a frame; means over a video."""
    video = FrameArrays(frames[1 + settings.warmup :], prompts=prompts)
    clock = Clock(settings.device, settings.cpu_time)

    def run() -> None:
        for _ in open_session(model, amp=settings.amp).run(video):
            pass

    run()
    with PeakMemory(settings.device) as memory:
        start = clock()
        run()
        seconds = clock() - start
    parts = [PartCost(c.name, c.gmac / len(video), c.parameters, c.trainable) for c in costs_of(model, run)]
    return 1000 * seconds / len(video), memory.bytes, parts


def speed_table(speeds: dict[str, list[MethodSpeed]]) -> str:
    """A markdown table; a row for each method and number of objects.

    Args:
        speeds (dict[str, list[MethodSpeed]]): speeds by the methods' names.
    """
    header = (
        'method',
        'parameters',
        'objects',
        'GMAC',
        'by part',
        'ms/frame',
        '/ that of 1',
        'share of the peak',
        'memory, MiB',
    )
    lines = [f'| {" | ".join(header)} |', '|---|--:|--:|--:|---|--:|--:|--:|--:|']
    for name, rows in speeds.items():
        for row in rows:
            whole = row.parts[0]
            cells: tuple[str, ...] = (
                name if row is rows[0] else '',
                f'{whole["parameters"] / 1e6:.1f} M' if row is rows[0] else '',
                str(row.objects or 'its own'),
                f'{whole["gmac"]:.1f}',
                _by_part(row.parts),
                f'{row.milliseconds:.0f}',
                f'{row.milliseconds / rows[0].milliseconds:.2f}' if rows[0].objects == 1 else '',
                f'{100 * row.share:.0f} %',
                f'{row.megabytes:.0f}',
            )
            lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def _by_part(parts: list[dict[str, Any]]) -> str:
    """The parts from 1 % of the whole, the largest first, and what is outside of all."""
    whole, *others = parts
    shares = [(part['name'], part['gmac']) for part in others]
    shares.append(('beside them', whole['gmac'] - sum(gmac for _, gmac in shares)))
    order: Callable[[tuple[str, float]], float] = lambda item: -item[1]  # noqa: E731  (one expression, used once)
    return ', '.join(
        f'{name} {float(f"{gmac:.2g}"):g}' for name, gmac in sorted(shares, key=order) if gmac > 0.01 * whole['gmac']
    )
