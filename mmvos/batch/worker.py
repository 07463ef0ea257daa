"""What a worker does: opens a video, runs the model, writes the results."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mmvos.interaction import prompt_from_json
from mmvos.structures import InputError, prompts_from_text
from mmvos.utils import load_config
from mmvos.videos import Video, open_video
from mmvos.videos.label_source import LabelSource
from mmvos.videos.layouts.base import masks_in

from .destination import MARK, Destination
from .places import Place
from .tasks import Task, dataset_of


@dataclass(frozen=True)
class WorkerSettings:
    """What all workers of a batch share.

    Args:
        out (str): destination, path or URL.
        config (str): config of the model, or a short name; empty: the shipped model.
        checkpoint (str): weights; empty: those that ship with the config.
        amp (bool): mixed precision.
        overlay (str): file name of a drawn video beside the results; empty: none.
        export (tuple[str, ...]): further forms of the masks, see :data:`mmvos.exports.EXPORTS`.
        fit_masks (bool): resize masks of prompts to their frames.
        binary (bool): masks of prompts are black and white.
        dataset (str): config whose test data set holds the videos; empty: videos are files.
    """

    out: str
    config: str = ''
    checkpoint: str = ''
    amp: bool = False
    overlay: str = ''
    export: tuple[str, ...] = ()
    fit_masks: bool = False
    binary: bool = False
    dataset: str = ''

    def of_results(self) -> dict[str, Any]:
        """What results depend on, for ``batch.json``."""
        names = ('config', 'checkpoint', 'amp', 'overlay', 'fit_masks', 'binary', 'dataset')
        return dict({name: getattr(self, name) for name in names}, export=sorted(self.export))


class Worker:
    """A model in one process, for one video after the other.

    Args:
        settings (WorkerSettings): what to run and where results go.
        device (str): ``'cpu'``, ``'cuda:0'``, ...
        threads (int): threads of the processor.

    Raises:
        InputError: a config or weights that cannot be used.
    """

    def __init__(self, settings: WorkerSettings, device: str, threads: int) -> None:
        import cv2
        import torch

        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        self.settings, self.device = settings, device
        self.destination = Destination(settings.out)
        self.inferencer: Any = self._make_inferencer()
        self.prompted = getattr(self.inferencer.model, 'prompted', False)

    def _make_inferencer(self) -> Any:
        from mmvos.apis import VISInferencer, VOSInferencer, config_of
        from mmvos.registry import MODELS

        s = self.settings
        name = s.config or s.dataset
        options: dict[str, Any] = dict(weights=s.checkpoint or None, device=self.device, amp=s.amp)
        if not name:
            return VOSInferencer(**options)
        config = config_of(name)
        of_instances = MODELS.get(config.model.type).task == 'vis'
        return (VISInferencer if of_instances else VOSInferencer)(config, **options)

    @cached_property
    def segmenter(self) -> Any:
        """Makes masks of clicks and boxes."""
        from mmvos.apis import init_click_segmenter
        from mmvos.interaction import InteractiveSegmenter

        return InteractiveSegmenter(init_click_segmenter(device=self.device))

    @cached_property
    def dataset(self) -> tuple[Any, dict[str, int]]:
        """The data set, and the position of each of its videos by name."""
        dataset = dataset_of(load_config(self.settings.dataset), self.settings.dataset)
        return dataset, {dataset.get_data_info(i)['video_id']: i for i in range(len(dataset))}

    def run(self, task: Task, on_frame: Callable[[int, int], object] | None = None) -> dict[str, Any]:
        """Do one video; its results are at the destination, complete, when this returns.

        Args:
            task (Task): what to do.
            on_frame (Callable): called after each frame with the number of frames that are done and that of all.

        Returns:
            The content of ``done.json``: ``name``, ``frames``, ``seconds`` and ``objects`` (ids) or ``instances`` (how many).

        Raises:
            InputError: the video or its prompts cannot be read, or a prompt that the model needs is missing.
        """
        with self._opened(task) as video, self.destination.results_of(task.name) as folder:
            if self.prompted and not video.prompts:
                raise InputError(
                    f'{task.video}: the model needs a prompt; give --prompts, or a list with prompts, clicks or boxes.'
                )
            summary = self.inferencer.save(video, folder, overlay=self.settings.overlay, progress=False, on_frame=on_frame)
            if self.settings.export:
                from mmvos.exports import export_masks

                export_masks(self.settings.export, video, folder)
            del summary['fps']
            summary = dict(name=task.name, **summary)
            (folder / MARK).write_text(json.dumps(summary))
        return summary

    @contextmanager
    def _opened(self, task: Task) -> Iterator[Video]:
        if self.settings.dataset:
            dataset, positions = self.dataset
            yield dataset[positions[task.video]]['inputs']
            return
        with ExitStack() as stack:
            copy = lambda url: stack.enter_context(Place(url).local_copy('a file or folder'))  # noqa: E731  (one expression, used once)
            video = open_video(copy(task.video), video_id=task.name)
            prompts: dict[int, Any] = {index: copy(path) for index, path in task.prompts.items()}
            if task.masks:
                prompts.update(_masks_of(video, copy(task.masks)))
            prompts.update(self._pointed(task, video))
            options: dict[str, Any] = dict(
                size_mismatch='resize' if self.settings.fit_masks else 'error', binary=self.settings.binary
            )
            yield video.with_prompts({index: LabelSource.of(prompt, **options) for index, prompt in prompts.items()})

    def _pointed(self, task: Task, video: Video) -> dict[int, np.ndarray]:
        """Label maps of the frames in which a user points at objects."""
        from mmvos.apis import pointed_label_map

        pointed = {index: [prompt_from_json(one) for one in content] for index, content in task.objects.items()}
        if task.clicks or task.boxes:
            pointed.setdefault(task.at, []).extend(prompts_from_text(task.clicks, task.boxes))
        lost = [index for index in pointed if not 0 <= index < len(video)]
        if lost:
            raise InputError(f'{task.video}: a prompt is at {lost[0]}, but there are {len(video)} frames, counted from 0.')
        return {i: pointed_label_map(video.read(i), prompts, self.segmenter) for i, prompts in pointed.items()}


def _masks_of(video: Video, path: str) -> dict[int, str]:
    """Label maps by frame: of frame 0, or those of a folder by name of the frame."""
    if not os.path.isdir(path):
        return {0: path}
    position = {name: index for index, name in enumerate(video.frame_names)}
    masks = masks_in(path)
    unknown = [name for name in masks if name not in position]
    if unknown:
        raise InputError(
            f'{masks[unknown[0]]}: the video has no frame {unknown[0]!r}; its first one is {video.frame_names[0]!r}.'
        )
    return {position[name]: mask for name, mask in masks.items()}
