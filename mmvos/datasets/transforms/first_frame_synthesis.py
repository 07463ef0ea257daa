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
from scipy.interpolate import RBFInterpolator

from mmvos.registry import TRANSFORMS
from mmvos.structures import VOID, object_ids_of, tight_box


class DreamedClip(NamedTuple):
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
        image = cv2.remap(self.image, inverse_map, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        labels = cv2.remap(self.labels, inverse_map, None, cv2.INTER_NEAREST, borderMode=border)
        return _Layer(image, labels, self.background)


@TRANSFORMS.register_module()
class FirstFrameSynthesis:
    """Synthesises annotated clips from one annotated frame.

    Numbers without another remark are those of the released generator.

    Args:
        clip_len: T; 1 gives single frames.
        identity_prob: probability of the frame as it is (with motion after it, for a clip).
        keep_prob: objects that are not moved stay where they are, else they vanish with their labels.
        flip_prob, light_prob: of the background.
        spline_prob: a moved object is bent by a thin-plate spline.
        spline: largest shift of a control point, as a share of the object's box.
        scale: of the cut-out of all moved objects together.
        min_size: smallest side of the cut-out in pixels (at most a quarter of the frame).
        rotation: largest rotation of the whole, in degrees.
        global_prob: of rotation, flip and lighting of the whole, each.
        motion_rotation, motion_scale, motion_shift: between the frames of a clip; the shift as a share of the object's box (of
            the frame, for the background).
        hole: by how many pixels the objects' area is grown before it is inpainted.
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
        self._inpainted = (None, None)  # (the frame it belongs to, its background without objects)

    def __call__(self, frame: np.ndarray, label_map: np.ndarray, rng: np.random.Generator) -> DreamedClip:
        """Dream one clip.

        Args:
            frame: BGR uint8 ``(H, W, 3)``.
            label_map: uint8 ``(H, W)``; void becomes background.
            rng: where all chances come from.
        """
        label_map = np.where(label_map == VOID, np.uint8(0), label_map)
        identity = rng.random() < self.identity_prob
        layers = self._layers(frame, label_map, rng, identity)
        image, labels, _ = (frame, label_map, None) if identity else self._compose(layers, None)
        frames, label_maps, flows = [image], [labels], [np.zeros((*label_map.shape, 2), np.float32)]
        for _ in range(self.clip_len - 1):
            maps = [self._motion(layer, rng) for layer in layers]
            layers = [layer.warped(m) for layer, m in zip(layers, maps)]
            image, labels, flow = self._compose(layers, maps)
            frames.append(image)
            label_maps.append(labels)
            flows.append(flow)
        return DreamedClip(frames, label_maps, flows)

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
            curve = _light_curve(rng)
            for layer in layers:
                layer.image = _relight(layer.image, curve)
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
            image = _relight(image, _light_curve(rng))
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
        inverse_map = _affine_map(mask.shape, placement)
        if rng.random() < self.spline_prob:
            # the spline acts where the object is in the old frame
            bend = _spline_displacement(mask, self.spline, rng)
            inverse_map = inverse_map + cv2.remap(bend, inverse_map, None, cv2.INTER_LINEAR)
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
        return _affine_map(shape, np.column_stack([linear, centre - linear @ centre]))

    def _motion(self, layer: _Layer, rng: np.random.Generator) -> np.ndarray:
        """Inverse map of a small motion; an object that would leave the frame by more than 90 % draws again."""
        height, width = layer.labels.shape
        mask = layer.labels > 0
        if layer.background or not mask.any():
            return _affine_map((height, width), self._small_affine(np.array((0.0, 0.0, width, height)), rng))
        for _ in range(10):
            inverse_map = _affine_map((height, width), self._small_affine(tight_box(mask), rng))
            inverse_map = inverse_map + _spline_displacement(mask, self.spline, rng)
            moved = cv2.remap(layer.labels, inverse_map, None, cv2.INTER_NEAREST)
            if np.count_nonzero(moved) > 0.1 * np.count_nonzero(mask):
                return inverse_map
        return _affine_map((height, width), np.eye(2, 3))

    def _small_affine(self, box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        x1, y1, x2, y2 = box
        angle, factor = np.deg2rad(rng.uniform(-1, 1) * self.motion_rotation), rng.uniform(*self.motion_scale)
        shift = rng.uniform(-1, 1, 2) * self.motion_shift * np.array([x2 - x1, y2 - y1])
        linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / factor
        centre = np.array([(x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2])
        return np.column_stack([linear, centre - linear @ centre + shift])

    @staticmethod
    def _compose(layers: list[_Layer], maps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Frame, label map, and F_{new->old} of the visible layers (maps None: zero)."""
        background, *objects = layers
        image, labels = background.image.astype(np.float32), background.labels.copy()
        grid = _identity_map(labels.shape)
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


def _identity_map(shape: tuple[int, int]) -> np.ndarray:
    return np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape[::-1])), axis=-1)


def _affine_map(shape: tuple[int, int], matrix: np.ndarray) -> np.ndarray:
    """``(H, W, 2)``: where each new pixel (x, y) comes from under an affine map (2, 3)."""
    return (_identity_map(shape) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _spline_displacement(mask: np.ndarray, amount: float, rng: np.random.Generator, points: int = 5) -> np.ndarray:
    """A smooth displacement ``(H, W, 2)`` from a few shifted points of the mask's contour.

    The points are spread along the contour: points that nearly coincide but move apart would fold the object.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=len)[:, 0].astype(np.float64)
    if len(contour) < 2 * points:
        return np.zeros((*mask.shape, 2), np.float32)
    x1, y1, x2, y2 = tight_box(mask)
    share = (np.arange(points) + rng.uniform(-0.25, 0.25, points) + rng.uniform(0, points)) / points % 1
    control = contour[(share * len(contour)).astype(int)]
    shift = rng.uniform(-amount, amount, (points, 2)) * (x2 - x1, y2 - y1)
    # beyond the object the bend fades: anchors around its box stay where they are
    pad_x, pad_y = (x2 - x1), (y2 - y1)
    anchors = np.array([(x, y) for x in (x1 - pad_x, x2 + pad_x) for y in (y1 - pad_y, y2 + pad_y)], np.float64)
    spline = RBFInterpolator(
        np.vstack([control, anchors]), np.vstack([shift, np.zeros((4, 2))]), kernel='thin_plate_spline', smoothing=1e-3
    )
    step = 8
    height, width = mask.shape
    xs, ys = (np.linspace(0, side - 1, -(-side // step) + 1) for side in (width, height))
    coarse = spline(np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)).reshape(len(ys), len(xs), 2).astype(np.float32)
    to_coarse = _identity_map(mask.shape) * np.array(
        [(len(xs) - 1) / max(width - 1, 1), (len(ys) - 1) / max(height - 1, 1)], np.float32
    )
    return cv2.remap(coarse, to_coarse, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _light_curve(rng: np.random.Generator) -> np.ndarray:
    """Look-up tables (2, 256) of saturation and value: c' = a c^p + b."""
    c = np.arange(256) / 255
    curves = [rng.uniform(0.97, 1.03) * c ** rng.uniform(0.8, 1.2) + rng.uniform(-0.05, 0.05) for _ in range(2)]
    return np.clip(np.rint(255 * np.stack(curves)), 0, 255).astype(np.uint8)


def _relight(image: np.ndarray, curves: np.ndarray) -> np.ndarray:
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 1], hsv[..., 2] = curves[0][hsv[..., 1]], curves[1][hsv[..., 2]]
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
