"""Moving cut-outs in the frames of a real clip."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmvos.registry import TASK_UTILS, TRANSFORMS
from mmvos.structures import VOID, InputError, object_ids_of, settings_from

from ..synth.actor import Actor
from ..synth.cutout import Cutout
from ..synth.render import Layers, paint_actors
from ..synth.scene import ObjectSource, SceneSampler, SynthSettings


@TRANSFORMS.register_module()
class PasteObjects(BaseTransform):
    """Cut-outs that move through a clip as further objects, before and behind its own; some of them are copies of these.

    Few annotated videos have several objects, and fewer have look-alikes that cross. Goes before ``SelectObjects``: what that
    does not choose stays in the picture, as background that looks like an object. Cached flow is not supported: it does not
    know of the cut-outs.

    Args:
        objects (dict): config of a source of cut-outs, e.g. ``dict(type='FolderObjects', root=..., split='train')``.
        prob (float): probability that a clip gets any.
        num_objects (tuple[int, int]): range of their number.
        copy_prob (float): probability that one of the clip's objects, as it is in one of its frames, is taken instead of a
            cut-out.
        behind_prob (float): probability that it passes behind the clip's objects.
        settings (dict[str, Any] | None): fields of :class:`~mmvos.datasets.synth.SynthSettings`, for size and motion.

    Raises:
        InputError: no pictures in the source's folder; an unknown setting; a clip with cached flow.
    """

    #: pixels that an object must have to be copied
    MIN_PIXELS = 100

    def __init__(
        self,
        objects: dict,
        prob: float = 0.5,
        num_objects: tuple[int, int] = (1, 3),
        copy_prob: float = 0.3,
        behind_prob: float = 0.4,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.prob, self.num_objects = prob, tuple(num_objects)
        self.copy_prob, self.behind_prob = copy_prob, behind_prob
        self._source = objects
        self._settings = settings_from(SynthSettings, settings or {}, f'{type(self).__name__}.settings')

    @cached_property
    def objects(self) -> ObjectSource:
        """The source of cut-outs, made at first use: each worker has its own cache."""
        return TASK_UTILS.build(self._source)

    def transform(self, results: dict) -> dict:
        if 'flow_bwd' in results:
            raise InputError(f'{results["video_id"]}: PasteObjects cannot be used with cached flow; let the model compute it.')
        rng = np.random.default_rng(np.random.randint(2**31))
        if rng.random() >= self.prob:
            return results
        frames, label_maps = results['img'], results['gt_seg_map']
        own = object_ids_of(np.stack(label_maps))
        highest = max(own, default=0)
        count = min(int(rng.integers(self.num_objects[0], self.num_objects[1] + 1)), VOID - 1 - highest)
        cutouts = [self._cutout(rng, frames, label_maps, own) for _ in range(count)]
        sampler = SceneSampler(self.objects, None, replace(self._settings, size=frames[0].shape[:2]))
        scene = sampler.draw(rng, len(frames), cutouts=cutouts, background=frames[0])
        behind: list[Actor] = []
        before: list[Actor] = []
        for i in scene.order:
            layer = behind if rng.random() < self.behind_prob else before
            layer.append(replace(scene.actors[i], object_id=highest + scene.actors[i].object_id))
        painted = [Layers(f.copy(), m.copy(), np.empty(0)) for f, m in zip(frames, label_maps, strict=True)]
        for t, layers in enumerate(painted):
            paint_actors(layers, behind, t, scene.style.blur)
            there = (label_maps[t] != 0) & (label_maps[t] != VOID)
            layers.frame[there], layers.label[there] = frames[t][there], label_maps[t][there]
            paint_actors(layers, before, t, scene.style.blur)
        results['img'], results['gt_seg_map'] = [p.frame for p in painted], [p.label for p in painted]
        return results

    def _cutout(
        self, rng: np.random.Generator, frames: Sequence[np.ndarray], label_maps: Sequence[np.ndarray], own: Sequence[int]
    ) -> Cutout:
        if own and rng.random() < self.copy_prob:
            t, object_id = int(rng.integers(len(frames))), int(rng.choice(own))
            mask = (label_maps[t] == object_id).astype(np.uint8)
            if mask.sum() > self.MIN_PIXELS:
                x, y, width, height = cv2.boundingRect(mask)
                image = np.dstack([frames[t], 255 * mask])[y : y + height, x : x + width]
                return Cutout(image, 'copy', f'object {object_id}')
        return self.objects.sample(rng)
