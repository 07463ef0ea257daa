"""SynthVOS: endless synthetic clips, made in the data workers when they are asked for."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmvos.registry import DATASETS, TASK_UTILS
from mmvos.structures import object_ids_of, settings_from

from ..base_vos_dataset import BaseVOSDataset
from .engine import SynthClip, SynthEngine
from .scene import SynthSettings


@DATASETS.register_module()
class SynthVOSDataset(BaseVOSDataset):
    """Synthetic videos with exact label maps. Clip number i is the same in every process and every run.

    Training: items are short clips; with ``EndlessSampler`` every clip is a new one. Validation (``test_mode=True``):
    ``length`` fixed videos with prompts. Without folders, objects and backgrounds are procedural and no file is needed.
    With a folder of objects, items carry ``identities``: ``{object id: number of its cut-out}``, the same in every clip.

    Args:
        length (int): number of different clips.
        num_frames (int): number of frames of a clip.
        size (tuple[int, int]): ``(h, w)`` of the frames.
        num_objects (tuple[int, int]): range of the number of objects. Fixed videos go through it in turn.
        objects (dict | None): config of the source of cut-outs, e.g. ``dict(type='FolderObjects', root=..., split='train')``.
        backgrounds (dict | None): config of the source of backgrounds.
        settings (dict[str, Any] | None): further fields of :class:`~mmvos.datasets.synth.SynthSettings`.
        seed (int): different seeds give different clips. Training and validation must differ in it.
        late_videos (int): in so many of the fixed videos (the last ones) the last object enters after a third of the video.
        with_flow (bool): items carry the exact backward flow (``LoadClip(with_flow=True)`` takes it).
        pipeline (Sequence[dict | Callable]): transforms, as in every data set of videos.
    """

    def __init__(
        self,
        length: int = 10_000_000,
        num_frames: int = 4,
        size: tuple[int, int] = (240, 432),
        num_objects: tuple[int, int] = (1, 6),
        objects: dict | None = None,
        backgrounds: dict | None = None,
        settings: dict[str, Any] | None = None,
        seed: int = 0,
        late_videos: int = 0,
        with_flow: bool = False,
        pipeline: Sequence[dict | Callable] = (),
        **kwargs: Any,
    ) -> None:
        settings = dict(settings or {}, size=size, num_objects=num_objects)
        self.length, self.num_frames, self.seed = length, num_frames, seed
        self.late_videos, self.with_flow = late_videos, with_flow
        self._settings = settings_from(SynthSettings, settings, f'{type(self).__name__}.settings')
        self._sources = (objects or dict(type='ProceduralObjects'), backgrounds or dict(type='ProceduralBackgrounds'))
        self._engine: SynthEngine | None = None
        super().__init__(pipeline=pipeline, **kwargs)

    @property
    def engine(self) -> SynthEngine:
        """The renderer, made at first use (each worker has its own caches)."""
        if self._engine is None:
            objects, backgrounds = (TASK_UTILS.build(source) for source in self._sources)
            self._engine = SynthEngine(objects, backgrounds, self._settings)
        return self._engine

    def load_data_list(self) -> list[dict]:
        """Nothing: clips are made when they are asked for, see :meth:`get_data_info`."""
        return []

    def full_init(self) -> None:
        """Nothing to read; missing folders are found here, not in a worker."""
        assert self.engine  # made now
        self._fully_initialized: bool = True

    def __len__(self) -> int:
        return self.length

    def video_lengths(self) -> list[int]:
        """Number of frames of every video."""
        return [self.num_frames] * self.length

    def get_data_info(self, idx: int) -> dict:
        """Render clip ``idx``."""
        idx = idx % self.length
        rng = np.random.default_rng((self.seed, idx))
        info: dict[str, Any] = dict(video_id=f'synth_{idx:05d}', sample_idx=idx, eval_frames=None)
        if self.test_mode:
            clip = self._fixed_video(rng, idx)
            label_maps, info['prompts'] = with_prompts(clip.label_maps, self._settings.min_visible)
            info['prompt_frames'] = {i: t for t, prompt in info['prompts'].items() for i in object_ids_of(prompt)}
        else:
            clip = self.engine.render(rng, self.num_frames, self.with_flow)
            label_maps, info['prompts'] = clip.label_maps, {}
        info.update(
            frames=clip.frames,
            annotations=dict(enumerate(label_maps)),
            categories=clip.categories,
            labelled=list(range(len(clip.frames))),
        )
        numbers = self.engine.objects.numbers
        if numbers:
            info['identities'] = {object_id: numbers[name] for object_id, name in clip.names.items()}
        if clip.flow_bwd is not None:
            info['flows'] = dict(enumerate(clip.flow_bwd))
        return info

    def _fixed_video(self, rng: np.random.Generator, idx: int) -> SynthClip:
        fewest, most = self._settings.num_objects
        count = fewest + idx % (most - fewest + 1)
        late: list[int | None] = [None] * count
        if idx >= self.length - self.late_videos:
            if count == 1:
                count, late = 2, [None, None]
            late[-1] = max(1, self.num_frames // 3)
        return self.engine.render(rng, self.num_frames, self.with_flow, num_objects=count, late=late)


def with_prompts(label_maps: Sequence[np.ndarray], min_share: float) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
    """Prompts of a fully annotated video: an object is introduced where it first covers ``min_share`` of the frame.

    Args:
        label_maps (Sequence[np.ndarray]): label maps uint8 ``(H, W)`` of all frames.
        min_share (float): share of the frame's pixels, 0..1.

    Returns:
        tuple[list[np.ndarray], dict[int, np.ndarray]]: the label maps without objects that were not introduced yet, and
        ``{frame index: label map}`` of the new objects.
    """
    enough = max(min_share * label_maps[0].size, 1)
    introduced: set = set()
    annotations, prompts = [], {}
    for index, label_map in enumerate(label_maps):
        counts = np.bincount(label_map.ravel(), minlength=256)
        new = [i for i in object_ids_of(label_map) if i not in introduced and counts[i] >= enough]
        if new:
            prompts[index] = np.where(np.isin(label_map, new), label_map, 0).astype(np.uint8)
            introduced.update(new)
        annotations.append(np.where(np.isin(label_map, list(introduced)), label_map, 0).astype(np.uint8))
    return annotations, prompts
