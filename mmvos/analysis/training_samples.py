"""What a training sees: its samples, drawn."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config

from mmvos.datasets.staged import Stage, in_stages
from mmvos.registry import DATASETS, HOOKS
from mmvos.structures import InputError, atomic_path
from mmvos.utils.random import isolated_random_state
from mmvos.visualization import draw_label_map


def draw_samples(
    cfg: Config, out_dir: str | os.PathLike, count: int = 8, stage: int = 0, seed: int = 0, max_frames: int = 8
) -> Iterator[Path]:
    """Draw samples of a training set after its pipeline: a clip in the upper row, with its label maps in the lower one.

    Args:
        cfg (Config): config with ``train_dataloader`` of a VOS method.
        out_dir (str | PathLike): where the pictures go, ``000000.jpg`` and so on.
        count (int): number of samples, spread over the set; all if there are fewer.
        stage (int): stage of every curriculum of the config, from 0.
        seed (int): seed of the random transforms.
        max_frames (int): most frames of a clip that are drawn, spread over it.

    Yields:
        Path: each picture, when it has been written.

    Raises:
        InputError: a config without a training set, a stage that there is not, or samples that are no clips.
    """
    if 'train_dataloader' not in cfg:
        raise InputError(f'{cfg.filename or "config"}: has no train_dataloader; nothing is trained by it.')
    hooks = [HOOKS.build(hook) for hook in cfg.get('custom_hooks', []) if hook.type == 'CurriculumHook']
    for hook in hooks:
        if not 0 <= stage < hook.num_stages:
            raise InputError(f'stage {stage}: curriculum {hook.name!r} has the stages 0 to {hook.num_stages - 1}.')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    places = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int))
    for index in places.tolist():
        with in_stages({hook.name: Stage(stage, hook.num_stages) for hook in hooks}), isolated_random_state(seed + index):
            item = dataset[index]
        picture = draw_sample(item, max_frames)
        path = Path(out_dir, f'{index:06d}.jpg')
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            cv2.imwrite(str(temporary), picture)
        yield path


def draw_sample(item: dict[str, Any], max_frames: int = 8) -> np.ndarray:
    """One sample as a picture.

    Args:
        item (dict): what ``PackVOSInputs`` makes: ``inputs`` uint8 ``(T, 3, H, W)`` and ``data_samples``.
        max_frames (int): most frames that are drawn.

    Returns:
        BGR uint8 ``(2 H, T W, 3)``: frames above, and below them with their label maps.
    """
    clip: Any = item.get('inputs')
    sample: Any = item.get('data_samples')
    if getattr(clip, 'ndim', 0) != 4 or not hasattr(sample, 'gt_label_maps'):
        raise InputError('a sample of the training set is no clip with label maps; expected one of a VOS method.')
    chosen = np.unique(np.linspace(0, len(clip) - 1, min(max_frames, len(clip))).astype(int))
    frames = [np.ascontiguousarray(clip[t].permute(1, 2, 0).numpy().astype(np.uint8)) for t in chosen]
    label_maps = [np.asarray(sample.gt_label_maps[t], np.uint8) for t in chosen]
    drawn = [draw_label_map(frame, label_map) for frame, label_map in zip(frames, label_maps, strict=True)]
    return np.concatenate([np.concatenate(frames, 1), np.concatenate(drawn, 1)])
