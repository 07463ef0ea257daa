"""Lucid data dreaming: new annotated frames and clips from one annotated frame.

After Khoreva et al., "Lucid Data Dreaming for Multiple Object Tracking" (arXiv 1703.09554) and its released generator: objects
are cut out, the background is inpainted, both are changed and put together again. Clips continue with small motions whose
optical flow is known exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from mmvos.registry import TRANSFORMS
from mmvos.structures import VOID, object_ids_of, tight_box

from .warps import affine_map, identity_map, light_curve, relight, spline_displacement


class SynthesisedClip(NamedTuple):
    """``frames``: T BGR uint8 ``(H, W, 3)``. ``label_maps``: T uint8 ``(H, W)``. ``flows_bwd``: T float32 ``(H, W, 2)``,
    F_{t->t-1} in pixels, exact; zero for the first frame."""

    frames: list[np.ndarray]
    label_maps: list[np.ndarray]
    flows_bwd: list[np.ndarray]


@dataclass
class _Layer:
    """A picture of the frame's size, and the label of each pixel where the layer covers (0: not covered).

    The background layer covers everywhere; its labels are those of the objects that belong to it.
    """

    image: np.ndarray
    labels: np.ndarray
    background: bool = False

    def warped(self, inverse_map: np.ndarray) -> '_Layer':
        border = cv2.BORDER_REFLECT if self.background else cv2.BORDER_CONSTANT
        image = cv2.remap(self.image, inverse_map, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        labels = cv2.remap(self.labels, inverse_map, np.empty(0), cv2.INTER_NEAREST, borderMode=border)
        return _Layer(image, labels, self.background)


@TRANSFORMS.register_module()
class FirstFrameSynthesis:
    """Synthesises annotated clips from one annotated frame.

    Numbers without another remark are those of the released generator.

    Args:
        clip_len (int): T; 1 gives single frames.
        identity_prob (float): probability of the frame as it is (with motion after it, for a clip).
        keep_prob (float): objects that are not moved stay where they are, else they vanish with their labels.
        flip_prob, light_prob (float): probabilities of a change of the background.
        spline_prob (float): a moved object is bent by a thin-plate spline.
        spline (float): largest shift of a control point, as a share of the object's box.
        scale (tuple[float, float]): range of the factor of the cut-out of all moved objects together.
        min_size (int): smallest side of the cut-out in pixels (at most a quarter of the frame).
        rotation (float): largest rotation of the whole, in degrees.
        global_prob (float): probability of rotation, flip and lighting of the whole, each.
        motion_rotation, motion_scale, motion_shift (float): motion between the frames of a clip; the shift as a share of the
            object's box (of the frame, for the background).
        hole (int): by how many pixels the objects' area is grown before it is inpainted.
    """

    def __init__(
        self,
        clip_len: int = 1,
        identity_prob: float = 0.0,
        keep_prob: float = 0.5,
        flip_prob: float = 0.5,
        light_prob: float = 0.5,
        spline_prob: float = 0.5,
        spline: float = 0.05,
        scale: tuple[float, float] = (0.85, 1.15),
        min_size: int = 100,
        rotation: float = 30.0,
        global_prob: float = 0.5,
        motion_rotation: float = 3.0,
        motion_scale: tuple[float, float] = (0.95, 1.05),
        motion_shift: float = 0.05,
        hole: int = 7,
    ) -> None:
        self.clip_len, self.identity_prob, self.keep_prob = clip_len, identity_prob, keep_prob
        self.flip_prob, self.light_prob, self.spline_prob, self.spline = flip_prob, light_prob, spline_prob, spline
        self.scale, self.min_size, self.rotation, self.global_prob = scale, min_size, rotation, global_prob
        self.motion_rotation, self.motion_scale, self.motion_shift = motion_rotation, motion_scale, motion_shift
        self.hole = hole
        #: the last frame and its background without objects
        self._inpainted: tuple[np.ndarray, np.ndarray] = (np.empty(0), np.empty(0))

    def __call__(self, frame: np.ndarray, label_map: np.ndarray, rng: np.random.Generator) -> SynthesisedClip:
        """A clip that is made from an annotated frame.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
            label_map (np.ndarray): uint8 ``(H, W)``; void becomes background.
            rng (np.random.Generator): where all chances come from.
        """
        label_map = np.where(label_map == VOID, np.uint8(0), label_map)
        identity = rng.random() < self.identity_prob
        layers = self._layers(frame, label_map, rng, identity)
        image, labels, _ = (frame, label_map, None) if identity else self._compose(layers, None)
        frames, label_maps, flows = [image], [labels], [np.zeros((*label_map.shape, 2), np.float32)]
        for _ in range(self.clip_len - 1):
            maps = [self._motion(layer, rng) for layer in layers]
            layers = [layer.warped(m) for layer, m in zip(layers, maps, strict=True)]
            image, labels, flow = self._compose(layers, maps)
            frames.append(image)
            label_maps.append(labels)
            flows.append(flow)
        return SynthesisedClip(frames, label_maps, flows)

    def _layers(self, frame: np.ndarray, label_map: np.ndarray, rng: np.random.Generator, identity: bool) -> list[_Layer]:
        """The first frame's layers: background first, then moved objects in their depth order."""
        ids = object_ids_of(label_map)
        if not ids:
            return [_Layer(frame, label_map, background=True)]
        if identity:
            moved, group = ids, None
        else:
            moved = sorted(rng.permutation(ids)[: rng.integers(1, len(ids) + 1)].tolist())
            group = self._placement(np.isin(label_map, moved), rng)
        whole = self._whole_map(label_map.shape, rng) if group is not None else None
        background = self._background(frame, label_map, moved, rng, changed=group is not None)
        if whole is not None:
            background = background.warped(whole)
        layers = []
        for object_id in rng.permutation(moved):
            labels = np.where(label_map == object_id, label_map, np.uint8(0))
            layer = _Layer(frame, labels)
            if group is not None:
                layer = layer.warped(self._object_map(labels > 0, group, rng))
            if whole is not None:
                layer = layer.warped(whole)
            layers.append(layer)
        layers = [background, *layers]
        if group is not None and rng.random() < self.global_prob:
            curve = light_curve(rng)
            for layer in layers:
                layer.image = relight(layer.image, curve)
        return layers

    def _background(
        self, frame: np.ndarray, label_map: np.ndarray, moved: Sequence[int], rng: np.random.Generator, changed: bool
    ) -> _Layer:
        empty = self._inpaint(frame, label_map > 0)
        keep = not changed or rng.random() < self.keep_prob
        if keep:
            grown = cv2.dilate(np.isin(label_map, moved).astype(np.uint8), _disk(2)) > 0
            image = np.where(grown[..., None], empty, frame)
            labels = np.where(grown, np.uint8(0), label_map)
        else:
            image, labels = empty, np.zeros_like(label_map)
        if changed and rng.random() < self.flip_prob:
            image, labels = image[:, ::-1], labels[:, ::-1]
        if changed and rng.random() < self.light_prob:
            image = relight(image, light_curve(rng))
        return _Layer(np.ascontiguousarray(image), np.ascontiguousarray(labels), background=True)

    def _inpaint(self, frame: np.ndarray, objects: np.ndarray) -> np.ndarray:
        """The frame without its objects; made once per frame, at half size, and only used inside the grown objects."""
        if self._inpainted[0] is not frame:
            hole = cv2.dilate(objects.astype(np.uint8), _disk(self.hole))
            half = tuple(max(side // 2, 1) for side in frame.shape[1::-1])
            small = cv2.inpaint(
                cv2.resize(frame, half, interpolation=cv2.INTER_AREA),
                cv2.resize(hole, half, interpolation=cv2.INTER_NEAREST),
                5,
                cv2.INPAINT_TELEA,
            )
            filled = cv2.resize(small, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            self._inpainted = (frame, np.where(hole[..., None] > 0, filled, frame))
        return self._inpainted[1]

    def _placement(self, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Inverse affine map (2, 3) of the cut-out of all moved objects: a new size and a new place inside the frame."""
        height, width = mask.shape
        x1, y1, x2, y2 = tight_box(mask)
        smallest = min(self.min_size, min(height, width) / 4)
        factor = rng.uniform(*self.scale)
        factor = max(factor, smallest / max(x2 - x1, y2 - y1))
        factor = min(factor, width / (x2 - x1), height / (y2 - y1))
        left = rng.uniform(0, width - factor * (x2 - x1))
        top = rng.uniform(0, height - factor * (y2 - y1))
        return np.array([[1 / factor, 0, x1 - left / factor], [0, 1 / factor, y1 - top / factor]])

    def _object_map(self, mask: np.ndarray, placement: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        inverse_map = affine_map(mask.shape, placement)
        if rng.random() < self.spline_prob:
            # the spline acts where the object is in the old frame
            bend = spline_displacement(mask, self.spline, rng)
            inverse_map = inverse_map + cv2.remap(bend, inverse_map, np.empty(0), cv2.INTER_LINEAR)
        return inverse_map

    def _whole_map(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Inverse map of a rotation, cut to what stays inside the frame, and a flip of everything."""
        height, width = shape
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation)) if rng.random() < self.global_prob else 0.0
        mirror = -1.0 if rng.random() < self.global_prob else 1.0
        cos, sin = np.cos(angle), np.sin(angle)
        # the frame shrunk by this factor and rotated lies inside the frame
        inside = min(width / (abs(cos) * width + abs(sin) * height), height / (abs(sin) * width + abs(cos) * height))
        linear = inside * np.array([[cos, -sin], [sin, cos]]) @ np.diag([mirror, 1.0])
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        return affine_map(shape, np.column_stack([linear, centre - linear @ centre]))

    def _motion(self, layer: _Layer, rng: np.random.Generator) -> np.ndarray:
        """Inverse map of a small motion; an object that would leave the frame by more than 90 % draws again."""
        height, width = layer.labels.shape
        mask = layer.labels > 0
        if layer.background or not mask.any():
            return affine_map((height, width), self._small_affine(np.array((0.0, 0.0, width, height)), rng))
        for _ in range(10):
            inverse_map = affine_map((height, width), self._small_affine(tight_box(mask), rng))
            inverse_map = inverse_map + spline_displacement(mask, self.spline, rng)
            moved = cv2.remap(layer.labels, inverse_map, np.empty(0), cv2.INTER_NEAREST)
            if np.count_nonzero(moved) > 0.1 * np.count_nonzero(mask):
                return inverse_map
        return affine_map((height, width), np.eye(2, 3))

    def _small_affine(self, box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        x1, y1, x2, y2 = box
        angle, factor = np.deg2rad(rng.uniform(-1, 1) * self.motion_rotation), rng.uniform(*self.motion_scale)
        shift = rng.uniform(-1, 1, 2) * self.motion_shift * np.array([x2 - x1, y2 - y1])
        linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / factor
        centre = np.array([(x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2])
        return np.column_stack([linear, centre - linear @ centre + shift])

    @staticmethod
    def _compose(layers: list[_Layer], maps: Sequence[np.ndarray] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Frame, label map, and F_{new->old} of the visible layers (maps None: zero)."""
        background, *objects = layers
        image, labels = background.image.astype(np.float32), background.labels.copy()
        grid = identity_map(labels.shape)
        flow = np.zeros_like(grid) if maps is None else maps[0] - grid
        for index, layer in enumerate(objects, 1):
            inside = layer.labels > 0
            # two pixels of soft edge for the eye; the label map stays hard
            alpha = np.minimum(cv2.GaussianBlur(inside.astype(np.float32), (5, 5), 1.0), 1.0)[..., None]
            image += alpha * (layer.image - image)
            labels[inside] = layer.labels[inside]
            if maps is not None:
                flow[inside] = (maps[index] - grid)[inside]
        return np.clip(np.rint(image), 0, 255).astype(np.uint8), labels, flow


def _disk(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
