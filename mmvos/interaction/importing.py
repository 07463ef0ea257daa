"""Masks and prompts of other programs as label maps, and as the set frames of a project."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from tqdm import tqdm

from mmvos.imports import Annotations
from mmvos.structures import InputError, Prompt, object_ids_of

from .project import Project
from .segmenter import InteractiveSegmenter


def label_map_of(
    prompts: Sequence[Prompt], shape: tuple[int, int], point: Callable[[Sequence[Prompt]], np.ndarray]
) -> np.ndarray:
    """Label map uint8 ``(H, W)`` of the prompts of a frame.

    Args:
        prompts (Sequence[Prompt]): one per object.
        shape (tuple[int, int]): ``(H, W)`` of the frame.
        point (Callable): what finds the label map uint8 ``(H, W)`` where a click, stroke or box is among the prompts; outlines
            need no network.
    """
    if any(prompt.needs_segmenter for prompt in prompts):
        return point(prompts)
    label_map = np.zeros(shape, np.uint8)
    for prompt in prompts:
        outline = prompt.outline(shape)
        if outline is not None:
            label_map[outline] = prompt.object_id
    return label_map


def load_annotations(project: Project, annotations: Annotations, segmenter: InteractiveSegmenter) -> None:
    """Set the frames of a project by the marks of another program; its objects get their ids and names.

    Args:
        project (Project): where the frames are set.
        annotations (Annotations): what the other program's files hold, by frame.
        segmenter (InteractiveSegmenter): makes masks of boxes and points.

    Raises:
        InputError: a mask that does not fit the frames, or an object of which nothing was found where it was pointed at.
    """
    for object_id, name in sorted(annotations.names.items()):
        if object_id not in project.objects:
            project.add_object(name, object_id)

    def frames() -> Iterator[tuple[int, list[Prompt], np.ndarray]]:
        for index in tqdm(annotations.frames, unit='frame', desc='masks', disable=len(annotations.frames) < 50):
            prompts = annotations.prompts(index, project.size)
            point = partial(_point, segmenter, project, index)
            label_map = label_map_of(prompts, project.size, point)
            lost = {prompt.object_id for prompt in prompts} - set(object_ids_of(label_map))
            if lost:
                raise InputError(
                    f'{annotations.name}: frame {index}: nothing was found where {annotations.names[min(lost)]!r} is '
                    'pointed at; expected a mask, or a box around it.'
                )
            yield index, prompts, label_map

    project.take(frames())


def _point(segmenter: InteractiveSegmenter, project: Project, index: int, prompts: Sequence[Prompt]) -> np.ndarray:
    return segmenter.label_map(project.video.read(index), prompts)
