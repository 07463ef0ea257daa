"""Clips simulated from a still image with masks: a camera moves over it, and its objects move and bend in their places."""

from typing import NamedTuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmvos.registry import TRANSFORMS
from mmvos.structures import VOID, InputError, object_ids_of, tight_box

from ..synth.actor import Waves
from ..synth.geometry import apply, lattice, similarity, upsample, wobble


class _Mover(NamedTuple):
    """How one object moves about its own place in the still image.

    Attributes:
        weight (np.ndarray): share of each pixel in the motion, float32 ``(h, w)``: 1 on the object, 0 far from it.
        centre (np.ndarray): middle of its box, (x, y).
        linear (np.ndarray): rotation and scale in every frame, minus the identity, ``(T, 2, 2)``.
        shift (np.ndarray): pixels, ``(T, 2)``.
        waves (Waves): bends.
    """

    weight: np.ndarray
    centre: np.ndarray
    linear: np.ndarray
    shift: np.ndarray
    waves: Waves

    def displacement(self, points: np.ndarray, t: int) -> np.ndarray:
        """Pixels ``(rows, columns, 2)`` that points (x, y) of the image are displaced in frame t."""
        own = points - self.centre
        moved = own @ self.linear[t].T.astype(np.float32) + self.shift[t].astype(np.float32) + self.waves(own, t)
        weight = cv2.remap(self.weight, points, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return weight[..., None] * moved


@TRANSFORMS.register_module()
class SimulateClip(BaseTransform):
    """A clip from a still image with a label map of its objects.

    A camera pans, turns and zooms over the image. Each object moves, turns and bends about its place, and what surrounds it
    gives way, so that objects keep their natural surroundings: no edge of a cut-out gives them away. What lies outside the
    image is mirrored, and unknown.

    Changes ``img`` and ``gt_seg_map`` (one entry each) to ``clip_len`` entries of ``size``.

    Args:
        clip_len (int): T, number of frames.
        size (tuple[int, int]): ``(H, W)`` of the frames.
        zoom (tuple[float, float]): range of the scale, as a factor of the one at which the image just covers the frame.
        pan (float): largest velocity of the camera, share of the frame's width per frame.
        rotation (float): largest rate of the camera, degrees per frame.
        zoom_rate (float): largest relative change of the scale per frame.
        move (float): largest shift of an object from its place, share of its size (the root of its box's area).
        turn (float): largest turn of an object, in degrees.
        bend (float): amplitude of an object's bends, share of its size.
        light (float): largest relative change of brightness in a clip.
        max_movers (int): so many of the largest objects move by themselves; others move with what is around them.

    Raises:
        InputError: a ``zoom`` that is no range; an object would fold (``move`` and ``bend`` too large).
    """

    #: how far the surroundings of an object give way, as a share of its size
    FADE = 0.6

    def __init__(
        self,
        clip_len: int,
        size: tuple[int, int],
        zoom: tuple[float, float] = (1.0, 1.8),
        pan: float = 0.04,
        rotation: float = 2.0,
        zoom_rate: float = 0.03,
        move: float = 0.25,
        turn: float = 12.0,
        bend: float = 0.05,
        light: float = 0.2,
        max_movers: int = 6,
    ) -> None:
        if not 0 < zoom[0] <= zoom[1]:
            raise InputError(f'SimulateClip: zoom is {zoom!r}; expected two numbers above 0, the smaller one first.')
        most = 2 / 3 * self.FADE
        if not 0 <= move + bend < most:
            raise InputError(
                f'SimulateClip: move={move} and bend={bend} would fold objects; expected a sum from 0 to {most:.1f}.'
            )
        self.clip_len, self.size, self.zoom = clip_len, (int(size[0]), int(size[1])), tuple(zoom)
        self.pan, self.rotation, self.zoom_rate = pan, rotation, zoom_rate
        self.move, self.turn, self.bend, self.light, self.max_movers = move, turn, bend, light, max_movers

    def transform(self, results: dict) -> dict:
        rng = np.random.default_rng(np.random.randint(2**31))  # numpy's own generator is what seeds a worker
        image, labels = results['img'][0], results['gt_seg_map'][0]
        counts = np.bincount(labels.ravel(), minlength=256)
        largest = sorted(object_ids_of(labels), key=lambda i: -counts[i])[: self.max_movers]
        movers = [self._mover(labels == i, rng) for i in largest]
        camera = self._camera(labels, rng)
        gain = 1 + self.light * wobble(rng, self.clip_len, 1)[:, 0]
        frames, label_maps = [], []
        height, width = self.size
        points = lattice(0, 0, width, height)
        for t in range(self.clip_len):
            sources = apply(camera[t], points)
            sources = sources + sum((m.displacement(sources, t) for m in movers), np.zeros_like(sources))
            dense = upsample(sources, width, height)
            frame = cv2.remap(image, dense, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            frames.append(cv2.convertScaleAbs(frame, alpha=gain[t]))
            label_maps.append(
                cv2.remap(labels, dense, np.empty(0), cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=VOID)
            )
        results.update(img=frames, gt_seg_map=label_maps, frame_ids=list(range(self.clip_len)), img_shape=self.size)
        return results

    def _camera(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Frame to image, ``(T, 3, 3)``: at a random time the camera looks at a place of an object."""
        (height, width), frame = labels.shape, np.array(self.size[::-1])
        scale = max(frame / (width, height)) * np.exp(rng.uniform(*np.log(self.zoom)))
        t = np.arange(self.clip_len) - rng.integers(self.clip_len)
        rows, columns = np.nonzero((labels != 0) & (labels != VOID))
        point = rng.integers(len(rows)) if len(rows) else None
        seen = np.array([columns[point], rows[point]] if point is not None else [width / 2, height / 2], float)
        half = frame / scale / 2
        middle = np.clip(seen + rng.uniform(-0.5, 0.5, 2) * half, half - 1, np.array([width, height]) - half)  # inside
        step = rng.uniform(-1, 1, 2) * self.pan * frame[0] / scale
        centre = middle + step * t[:, None] + wobble(rng, self.clip_len, 2) * 0.3 * self.pan * frame[0] / scale
        angle = np.deg2rad(rng.uniform(-1, 1) * self.rotation) * t
        factor = np.exp(rng.uniform(-1, 1) * self.zoom_rate * t) / scale
        matrices = similarity(centre, angle, factor)
        matrices[:, :2, 2] -= matrices[:, :2, :2] @ (frame / 2 - 0.5).astype(np.float32)
        return matrices

    def _mover(self, mask: np.ndarray, rng: np.random.Generator) -> _Mover:
        x1, y1, x2, y2 = tight_box(mask)
        size = float(np.sqrt((x2 - x1) * (y2 - y1)))
        away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
        near = np.clip(1 - away / (self.FADE * size), 0, 1)
        angle = np.deg2rad(self.turn) * wobble(rng, self.clip_len, 1)[:, 0]
        scale = np.exp(0.1 * wobble(rng, self.clip_len, 1)[:, 0])
        linear = similarity(np.zeros((self.clip_len, 2)), angle, scale)[:, :2, :2] - np.eye(2)
        shift = wobble(rng, self.clip_len, 2) * self.move * size / np.sqrt(2)
        waves = Waves.draw(rng, size, self.bend)
        centre = np.array([(x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2], np.float32)
        return _Mover((near * near * (3 - 2 * near)).astype(np.float32), centre, linear, shift, waves)
