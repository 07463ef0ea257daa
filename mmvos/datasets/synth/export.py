"""Synthetic clips as files: in the layout of YouTube-VIS, or of DAVIS 2017."""

import os.path as osp
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmvos.structures import atomic_path, write_label_map
from mmvos.videos import write_image

from ..youtube_vis_writer import YouTubeVISWriter
from .disturb import disturb
from .engine import SynthClip, SynthEngine


def write_frames(folder: str, frames: Sequence[np.ndarray], quality: int = 92) -> list:
    """Write frames as ``<folder>/00000.jpg``, ...

    Args:
        folder (str): where they go; it is made.
        frames (Sequence[np.ndarray]): BGR uint8 ``(H, W, 3)``.
        quality (int): quality of the JPEG files, 0..100.

    Returns:
        list[str]: their paths.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = [osp.join(folder, f'{i:05d}.jpg') for i in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        write_image(path, frame, quality)
    return paths


def write_synthvis(
    out: str, split: str, engine: SynthEngine, num_videos: int, num_frames: int, seed: int, disturbed: float = 0.0
) -> str:
    """A split of SynthVIS: ``<out>/<split>/JPEGImages/<video>/<frame>.jpg`` and ``<out>/<split>.json``.

    Args:
        out (str): root of the data set.
        split (str): ``'train'`` or ``'valid'``.
        num_videos, num_frames (int): number of videos, and of the frames of each.
        engine (SynthEngine): its object source names the categories (``classes``); an object of another category is in the
            picture but not in the annotations.
        seed (int): the videos of two splits differ if their seeds do.
        disturbed (float): probability that a frame after a clear one shows little, see :func:`~.disturb.disturb`.

    Returns:
        Path of the annotation file.
    """
    writer = YouTubeVISWriter(engine.objects.classes, 'SynthVIS: synthetic videos made by MMVOS')
    for number in range(num_videos):
        clip = engine.render(np.random.default_rng((seed, number)), num_frames)
        name = f'synth_{number:05d}'
        frames, _ = disturb(np.random.default_rng((seed, number, 1)), clip.frames, clip.label_maps, disturbed)
        write_frames(osp.join(out, split, 'JPEGImages', name), frames)
        categories = {i: category for i, category in clip.categories.items() if category in engine.objects.classes}
        label_maps = [np.where(np.isin(labels, list(categories)), labels, 0) for labels in clip.label_maps]
        writer.add_video(
            [f'{name}/{i:05d}.jpg' for i in range(num_frames)], clip.frames[0].shape[:2], label_maps, categories, name
        )
    annotation_file = osp.join(out, f'{split}.json')
    writer.save(annotation_file)
    return annotation_file


def write_davis(out: str, name: str, clip: SynthClip, split: str = 'val', resolution: str = '480p') -> None:
    """Write a clip as a sequence of a data set in the layout of DAVIS 2017.

    Args:
        out (str): root of the data set.
        name (str): name of the sequence, which is added to the list of the split.
        clip (SynthClip): frames and label maps.
        split (str): list ``ImageSets/2017/<split>.txt``.
        resolution (str): folder below ``JPEGImages`` and ``Annotations``.
    """
    write_frames(osp.join(out, 'JPEGImages', resolution, name), clip.frames)
    for i, label_map in enumerate(clip.label_maps):
        write_label_map(osp.join(out, 'Annotations', resolution, name, f'{i:05d}.png'), label_map)
    list_file = Path(out, 'ImageSets', '2017', f'{split}.txt')
    names = list_file.read_text().split() if list_file.is_file() else []
    if name not in names:
        with atomic_path(list_file) as temporary:
            Path(temporary).write_text('\n'.join([*names, name]) + '\n')
