"""Synthetic video: cut-outs that move and deform over a moving background, with exact label maps and optical flow.

A frame is painted from back to front. An object is a cut-out with coordinates v in pixels from its centre; in frame t
the pixel p shows the cut-out at ``u = v + e_t(v)``, where ``v = A_t^-1 p``, A_t is the object's affine motion seen by
the camera and e_t a sum of slowly travelling waves (the smooth non-rigid part). Both are evaluated on a lattice of
every eighth pixel and interpolated, so a frame costs one ``cv2.remap`` per object and one ``cv2.warpAffine``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .cutout import Cutout
from .render import Exposure, paint
from .scene import BackgroundSource, ObjectSource, SceneSampler, SynthSettings


class SynthClip(NamedTuple):
    """A rendered clip of T frames.

    Attributes:
        frames (list): BGR uint8 ``(H, W, 3)``.
        label_maps (list): uint8 ``(H, W)``.
        categories (dict): ``{object id: category}``.
        flow_bwd (list | None): backward flows, float32 ``(H, W, 2)``: dx, dy to where the content was in the frame
            before; zero for the first. The flow is that of the visible surface; where it was hidden or outside in the
            frame before, it points there all the same. None unless asked for.
        names (dict): ``{object id: name of its cut-out}``.
    """

    frames: list[np.ndarray]
    label_maps: list[np.ndarray]
    categories: dict[int, str]
    flow_bwd: list[np.ndarray] | None
    names: dict[int, str]


class SynthEngine:
    """Renders clips.

    Args:
        objects (ObjectSource): source of cut-outs, see :mod:`mmvos.datasets.synth`.
        backgrounds (BackgroundSource): source of backgrounds.
        settings (SynthSettings | None): what clips look like; None: the defaults.
    """

    def __init__(self, objects: ObjectSource, backgrounds: BackgroundSource, settings: SynthSettings | None = None) -> None:
        self.objects, self.settings = objects, settings or SynthSettings()
        self._scenes = SceneSampler(objects, backgrounds, self.settings)
        self._expose = Exposure(self.settings.size)

    def render(
        self,
        rng: np.random.Generator,
        num_frames: int,
        with_flow: bool = False,
        num_objects: int | None = None,
        late: Sequence[int | None] | None = None,
        cutouts: Sequence[Cutout] | None = None,
        background: np.ndarray | None = None,
    ) -> SynthClip:
        """A clip; the same generator state gives the same clip.

        Args:
            rng (np.random.Generator): source of every random number.
            num_frames (int): T.
            with_flow (bool): also give the backward flow.
            num_objects (int | None): number of objects; None: drawn from the settings' range.
            late (Sequence | None): for each object the frame in which it enters (None: it is there from the start); None:
                random.
            cutouts (Sequence | None): the objects to use; None: drawn from the source.
            background (np.ndarray | None): BGR uint8 ``(H, W, 3)``, larger than the frame; None: drawn from the source.
        """
        scene = self._scenes.draw(rng, num_frames, num_objects, late, cutouts, background)
        frames, labels, flows = [], [], []
        for t in range(num_frames):
            layers = paint(scene, t, self.settings.size, with_flow)
            frames.append(self._expose(rng, layers.frame, scene.style))
            labels.append(layers.label)
            flows.append(layers.flow)
        categories = {a.object_id: a.category for a in scene.actors}
        names = {a.object_id: a.name for a in scene.actors}
        return SynthClip(frames, labels, categories, flows if with_flow else None, names)
