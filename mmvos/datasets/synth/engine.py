"""Synthetic video: cut-outs that move and deform over a moving background, with exact label maps and optical flow.

A frame is painted from back to front. An object is a cut-out with coordinates v in pixels from its centre; in frame t
the pixel p shows the cut-out at ``u = v + e_t(v)``, where ``v = A_t^-1 p``, A_t is the object's affine motion seen by
the camera and e_t a sum of slowly travelling waves (the smooth non-rigid part). Both are evaluated on a lattice of
every eighth pixel and interpolated, so a frame costs one ``cv2.remap`` per object and one ``cv2.warpAffine``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np

from .sources import Cutout

LATTICE = 8  # pixels between lattice points


@dataclass(frozen=True)
class SynthSettings:
    """What synthetic clips look like. Ranges are uniform; a rate is per frame.

    ``size`` ``(h, w)`` of the frames. ``num_objects`` range of their number. ``object_scale`` range of the longer side
    of an object as a share of the frame's height. ``speed`` largest velocity (share of the frame's width per frame),
    ``jitter`` of it. ``rotation`` largest rate in degrees, ``zoom`` largest relative change of size per frame,
    ``deform`` amplitude of the waves as a share of the object's longer side. ``camera_pan`` (share of width per frame),
    ``camera_rotation`` (degrees per frame), ``camera_zoom`` (per frame). ``late_prob`` / ``leave_prob``: an object
    comes into / goes out of the picture in the clip. ``cross_prob``: its path is led through another object's.
    ``distractor_prob``: it is a copy of another object's cut-out. ``blur``: exposure time as a share of the frame
    interval (largest). ``lighting``: relative change of brightness and colour. ``shadow_prob``: the objects of a clip
    cast shadows. ``noise``: largest standard deviation of pixel noise. ``jpeg_quality``: range (None: no compression).
    ``soft_edge_prob``: objects are blended by their alpha, else pasted with hard edges. ``min_visible``: every object
    that is not late shows at least this share of the frame's area in the first frame.
    """

    size: tuple[int, int] = (240, 432)
    num_objects: tuple[int, int] = (1, 6)
    object_scale: tuple[float, float] = (0.2, 0.6)
    speed: float = 0.05
    jitter: float = 0.2
    rotation: float = 5.0
    zoom: float = 0.03
    deform: float = 0.06
    camera_pan: float = 0.015
    camera_rotation: float = 0.7
    camera_zoom: float = 0.01
    late_prob: float = 0.1
    leave_prob: float = 0.1
    cross_prob: float = 0.3
    distractor_prob: float = 0.15
    blur: float = 0.5
    lighting: float = 0.2
    shadow_prob: float = 0.3
    noise: float = 4.0
    jpeg_quality: tuple[int, int] | None = (40, 95)
    soft_edge_prob: float = 0.8
    min_visible: float = 0.001


class SynthClip(NamedTuple):
    """T frames BGR uint8 ``(H, W, 3)``, T label maps uint8 ``(H, W)``, ``{object id: category}``, T backward flows
    float32 ``(H, W, 2)`` (dx, dy to where the content was in the frame before; zero for the first) or None, and
    ``{object id: name of its cut-out}``.

    The flow is that of the visible surface; where it was hidden or outside in the frame before, it points there all the
    same.
    """

    frames: list[np.ndarray]
    label_maps: list[np.ndarray]
    categories: dict[int, str]
    flow_bwd: list[np.ndarray] | None
    names: dict[int, str]


@dataclass
class _Waves:
    """The non-rigid part: e_t(v) = sum of ``amplitude * sin(v . k + phase + rate t)``, each wave with a 2-D
    amplitude."""

    amplitude: np.ndarray  # (W, 2)
    k: np.ndarray  # (W, 2)
    phase: np.ndarray  # (W,)
    rate: np.ndarray  # (W,)

    def __call__(self, v: np.ndarray, t: float) -> np.ndarray:
        """Displacement ``(..., 2)`` at ``v`` ``(..., 2)``."""
        return np.sin(v @ self.k.T + (self.phase + self.rate * t)).astype(np.float32) @ self.amplitude

    def invert(self, u: np.ndarray, t: float) -> np.ndarray:
        """v with v + e_t(v) = u, by fixed-point iteration (the waves are a contraction)."""
        v = u
        for _ in range(6):
            v = u - self(v, t)
        return v


@dataclass
class _Actor:
    """One object of a clip."""

    object_id: int
    category: str
    name: str
    image: np.ndarray  # uint8 (h, w, 4), BGR premultiplied by alpha
    motion: np.ndarray  # (T, 3, 3): cut-out's centred coordinates -> frame
    waves: _Waves
    gain: np.ndarray  # (T, 3)
    late: bool
    shadow: tuple[float, np.ndarray] | None = None  # darkness, offset (2,)
    hard_edge: bool = False
    scale: np.ndarray = field(default_factory=lambda: np.ones(1))


class SynthEngine:
    """Renders clips.

    Args:
        objects: source of cut-outs, see :mod:`mmvos.datasets.synth.sources`.
        backgrounds: source of backgrounds.
        settings: see :class:`SynthSettings`.
    """

    def __init__(self, objects, backgrounds, settings: SynthSettings | None = None) -> None:
        self.objects, self.backgrounds, self.settings = objects, backgrounds, settings or SynthSettings()
        h, w = self.settings.size
        tile = np.random.default_rng(0).standard_normal((h + 64, w + 64, 3), np.float32)
        self._noise = np.clip(tile * 32, -127, 127).astype(np.int8)

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
            rng: source of every random number.
            num_frames: T.
            with_flow: also give the backward flow.
            num_objects: instead of the settings' range.
            late: for each object the frame in which it enters (None: it is there from the start); default: random.
            cutouts: the objects to use; default: drawn from the source.
            background: BGR uint8, larger than the frame; default: drawn from the source.
        """
        s = self.settings
        if cutouts is None:
            count = num_objects or int(rng.integers(s.num_objects[0], s.num_objects[1] + 1))
            cutouts = self._draw_cutouts(rng, count)
        if late is None:
            late = [
                int(rng.integers(1, max(num_frames - 1, 2))) if i and num_frames > 2 and rng.random() < s.late_prob else None
                for i in range(len(cutouts))
            ]
        camera = self._camera(rng, num_frames)
        shadow = rng.uniform(0.2, 0.5), rng.uniform(-0.15, 0.15, 2)  # drawn in any case: effects do not change motion
        shadow = shadow if rng.random() < s.shadow_prob else None
        for attempt in range(12):  # until every object that should be seen in the first frame is
            actors = self._cast(rng, cutouts, late, num_frames, camera, shadow, crowded=attempt < 8)
            order = rng.permutation(len(actors))
            if self._all_visible(actors, order):
                break
        height, width = s.size
        if background is None:
            background = self.backgrounds.sample(rng, round(1.3 * height), round(1.3 * width))
        style = self._style(rng, num_frames)
        frames, labels, flows = [], [], []
        for t in range(num_frames):
            frame, label, flow = self._paint(t, actors, order, camera, background, style, with_flow)
            frames.append(self._expose(rng, frame, style))
            labels.append(label)
            flows.append(flow)
        categories = {a.object_id: a.category for a in actors}
        return SynthClip(frames, labels, categories, flows if with_flow else None, {a.object_id: a.name for a in actors})

    # what happens in the clip

    def _draw_cutouts(self, rng: np.random.Generator, count: int) -> list[Cutout]:
        cutouts: list[Cutout] = []
        for _ in range(count):
            copy = cutouts and rng.random() < self.settings.distractor_prob
            cutouts.append(cutouts[rng.integers(len(cutouts))] if copy else self.objects.sample(rng))
        return cutouts

    def _camera(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """World to frame, ``(T, 3, 3)``; bounded, so that the background's margin suffices."""
        s, (h, w) = self.settings, self.settings.size
        t = np.arange(num_frames)
        limit = 0.1  # of the frame's size; the background is 0.15 larger on each side
        pan = rng.uniform(-1, 1, 2) * s.camera_pan * w
        shift = np.stack([_fold(pan[i] * t, limit * (w, h)[i]) for i in range(2)], -1)
        shift += _wobble(rng, num_frames, 2) * s.camera_pan * w * 0.3
        angle = _fold(np.deg2rad(rng.uniform(-1, 1) * s.camera_rotation) * t, np.deg2rad(5))
        zoom = np.exp(_fold(rng.uniform(-1, 1) * s.camera_zoom * t, 0.08))
        return _about(np.array([w, h]) / 2, shift, angle, zoom)

    def _cast(
        self,
        rng: np.random.Generator,
        cutouts: Sequence[Cutout],
        late: Sequence[int | None],
        num_frames: int,
        camera: np.ndarray,
        shadow,
        crowded: bool,
    ) -> list[_Actor]:
        s, (h, w) = self.settings, self.settings.size
        actors: list[_Actor] = []
        centres: list[np.ndarray] = []
        for i, cutout in enumerate(cutouts):
            side = rng.uniform(*s.object_scale) * h
            longest = max(cutout.image.shape[:2])
            t = np.arange(num_frames)
            scale = np.exp(_fold(rng.uniform(-1, 1) * s.zoom * t, 0.35))
            angle = np.deg2rad(rng.uniform(-20, 20) + _fold(rng.uniform(-1, 1) * s.rotation * t, 60.0))
            centre = self._path(rng, num_frames)
            if crowded and centres and rng.random() < s.cross_prob:  # lead it through another object
                meet, other = rng.integers(num_frames), centres[rng.integers(len(centres))]
                centre += other[meet] - centre[meet] + rng.uniform(-0.3, 0.3, 2) * side
            centre = np.stack([_bounce(centre[:, 0], w), _bounce(centre[:, 1], h)], -1)
            inside = centre.copy()
            centre = self._enter_and_leave(rng, centre, side * scale.max(), late[i], num_frames)
            centres.append(inside)
            image = self._prepare(rng, cutout.image, side * scale.max() / longest)
            size = max(image.shape[:2])
            motion = np.zeros((num_frames, 3, 3), np.float32)
            factor = scale * side / size
            motion[:, 0, 0] = motion[:, 1, 1] = np.cos(angle) * factor
            motion[:, 1, 0] = np.sin(angle) * factor
            motion[:, 0, 1] = -motion[:, 1, 0]
            motion[:, :2, 2] = centre
            motion[:, 2, 2] = 1
            gain = rng.uniform(1 - s.lighting, 1 + s.lighting, 3) * (1 + s.lighting * 0.5 * _wobble(rng, num_frames, 1))
            actors.append(
                _Actor(
                    i + 1,
                    cutout.category,
                    cutout.name,
                    image,
                    camera @ motion,
                    self._waves(rng, size),
                    gain.astype(np.float32),
                    late[i] is not None,
                    None if shadow is None else (shadow[0], shadow[1] * side),
                    rng.random() >= s.soft_edge_prob,
                    factor,
                )
            )
        return actors

    def _path(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """Centres ``(T, 2)``: constant velocity through a random point, plus a smooth wobble."""
        s, (h, w) = self.settings, self.settings.size
        anchor = rng.uniform(0.12, 0.88, 2) * (w, h)
        direction = rng.uniform(0, 2 * np.pi)
        velocity = rng.uniform(0, s.speed) * w * np.array([np.cos(direction), np.sin(direction)])
        t = np.arange(num_frames)[:, None] - (rng.integers(num_frames) if rng.random() < 0.5 else 0)
        return anchor + velocity * t + _wobble(rng, num_frames, 2) * s.jitter * s.speed * w

    def _enter_and_leave(
        self, rng: np.random.Generator, centre: np.ndarray, side: float, late: int | None, num_frames: int
    ) -> np.ndarray:
        h, w = self.settings.size
        leaves = num_frames > 3 and late is None and rng.random() < self.settings.leave_prob
        if late is None and not leaves:
            return centre
        when = late if late is not None else int(rng.integers(num_frames // 2, num_frames))
        x, y = centre[when]
        exits = {(-1, 0): x, (1, 0): w - x, (0, -1): y, (0, 1): h - y}  # direction -> distance of that border
        direction = min(exits, key=exits.get)
        outside = exits[direction] + 1.1 * side + 0.25 * max(h, w)  # the camera may move towards it
        t = np.arange(num_frames)
        ramp = max(3, num_frames // 4)  # frames that it takes to come in
        progress = (when + ramp - t) / (ramp + 1) if late is not None else (t - when + 1) / ramp
        amount = np.clip(progress, 0, 1)
        if late is not None:
            amount[:when] = 1.0
        return centre + amount[:, None] * np.array(direction) * outside

    def _prepare(self, rng: np.random.Generator, image: np.ndarray, scale: float) -> np.ndarray:
        """Resize a cut-out to about its largest size in the clip, mirror it half of the time, premultiply by alpha."""
        if rng.random() < 0.5:
            image = image[:, ::-1]
        image = np.ascontiguousarray(image)
        alpha = cv2.cvtColor(cv2.extractChannel(image, 3), cv2.COLOR_GRAY2BGRA)
        alpha[..., 3] = 255  # alpha itself stays
        image = cv2.multiply(image, alpha, scale=1 / 255)
        if scale < 1:
            size = [max(4, round(side * scale)) for side in image.shape[1::-1]]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return image

    def _waves(self, rng: np.random.Generator, size: float, count: int = 3) -> _Waves:
        amplitude = rng.uniform(-1, 1, (count, 2)) * rng.uniform(0, self.settings.deform) * size / np.sqrt(count)
        angle, cycles = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.4, 1.1, count)
        k = np.stack([np.cos(angle), np.sin(angle)], -1) * (2 * np.pi * cycles / size)[:, None]
        return _Waves(
            amplitude.astype(np.float32), k.astype(np.float32), rng.uniform(0, 2 * np.pi, count), rng.uniform(-0.6, 0.6, count)
        )

    def _style(self, rng: np.random.Generator, num_frames: int) -> dict:
        s = self.settings
        return dict(
            gain=1 + s.lighting * 0.5 * _wobble(rng, num_frames, 1)[:, 0],
            blur=rng.uniform(0, s.blur),
            noise=rng.uniform(0, s.noise),
            quality=int(rng.integers(s.jpeg_quality[0], s.jpeg_quality[1] + 1)) if s.jpeg_quality else None,
        )

    def _all_visible(self, actors: list[_Actor], order: np.ndarray) -> bool:
        h, w = self.settings.size
        label = np.zeros((h, w), np.uint8)
        for i in order:
            patch = self._patch(actors[i], 0)
            if patch is not None:
                (x, y), image, _ = patch
                region = label[y : y + image.shape[0], x : x + image.shape[1]]
                region[image[..., 3] > 127] = actors[i].object_id
        counts = np.bincount(label.ravel(), minlength=len(actors) + 1)
        enough = max(self.settings.min_visible * h * w, 4)
        return all(a.late or counts[a.object_id] >= enough for a in actors)

    # one frame

    def _patch(self, actor: _Actor, t: int):
        """The object as it lies in frame t: top left corner (x, y), uint8 ``(h, w, 4)``, lattice of its coordinates.

        None if it is outside the frame.
        """
        height, width = self.settings.size
        h, w = actor.image.shape[:2]
        reach = np.abs(actor.waves.amplitude).sum(0)
        half = np.array([w, h]) / 2 + reach
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        matrix = actor.motion[t]
        corners = corners @ matrix[:2, :2].T + matrix[:2, 2]
        x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, (width, height))
        if x1 - x0 < 1 or y1 - y0 < 1:
            return None
        p = _lattice(x0, y0, x1, y1)
        inverse = np.linalg.inv(matrix).astype(np.float32)
        v = p @ inverse[:2, :2].T + inverse[:2, 2]
        u = v + actor.waves(v, t)
        dense = _upsample(u + np.float32([w / 2 - 0.5, h / 2 - 0.5]), x1 - x0, y1 - y0)
        image = cv2.remap(actor.image, dense, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return (int(x0), int(y0)), image, (p, u)

    def _paint(self, t: int, actors, order, camera: np.ndarray, background: np.ndarray, style: dict, with_flow: bool):
        height, width = self.settings.size
        to_frame = camera[t] @ _translation((np.array([width, height]) - background.shape[1::-1]) / 2)
        frame = cv2.warpAffine(
            background, to_frame[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        centre = np.array([width / 2, height / 2, 1])
        frame = _motion_blur(frame, (camera[t] - camera[max(t - 1, 0)]) @ centre * style['blur'])
        label = np.zeros((height, width), np.uint8)
        flow = None
        if with_flow:
            p = _lattice(0, 0, width, height)
            flow = np.zeros((height, width, 2), np.float32)
            if t:
                back = camera[t - 1] @ np.linalg.inv(camera[t])
                flow = _upsample((p @ back[:2, :2].T + back[:2, 2] - p).astype(np.float32), width, height)
        for i in order:
            actor = actors[i]
            patch = self._patch(actor, t)
            if patch is None:
                continue
            (x, y), image, lattice = patch
            h, w = image.shape[:2]
            inside = image[..., 3] > 127
            if actor.shadow:
                _cast_shadow(frame, image[..., 3], x, y, *actor.shadow)
            label[y : y + h, x : x + w][inside] = actor.object_id
            if actor.hard_edge:
                opaque = image * (255.0 / np.maximum(image[..., 3:], 128))
                image = np.where(inside[..., None], opaque, 0).astype(np.uint8)
            image = cv2.multiply(image, tuple(actor.gain[t].tolist()) + (1.0,))
            velocity = (actor.motion[t] - actor.motion[max(t - 1, 0)])[:2, 2] * style['blur']
            if not actor.hard_edge:
                image = _motion_blur(image, velocity)
            region = frame[y : y + h, x : x + w]
            behind = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(image, 3)), cv2.COLOR_GRAY2BGR)
            behind = cv2.multiply(region, behind, scale=1 / 255)
            region[:] = cv2.add(behind, cv2.cvtColor(image, cv2.COLOR_BGRA2BGR))
            if with_flow and t:
                p, u = lattice
                v = actor.waves.invert(u, t - 1)
                before = actor.motion[t - 1]
                moved = v @ before[:2, :2].T + before[:2, 2] - p
                flow[y : y + h, x : x + w][inside] = _upsample(moved.astype(np.float32), w, h)[inside]
        if style['gain'][t] != 1:
            frame = cv2.convertScaleAbs(frame, alpha=float(style['gain'][t]))
        return frame, label, flow

    def _expose(self, rng: np.random.Generator, frame: np.ndarray, style: dict) -> np.ndarray:
        """Pixel noise and JPEG compression."""
        h, w = frame.shape[:2]
        if style['noise'] > 0.3:
            y, x = rng.integers(64), rng.integers(64)
            noise = self._noise[y : y + h, x : x + w]
            frame = cv2.addWeighted(frame, 1, noise, style['noise'] / 32, 0, dtype=cv2.CV_8U)
        if style['quality'] is not None:
            data = cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, style['quality']])[1]
            frame = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return frame


def _fold(x: np.ndarray, limit: float) -> np.ndarray:
    """Triangle wave: x itself near 0, turned back at -limit and limit."""
    return np.abs((x + 3 * limit) % (4 * limit) - 2 * limit) - limit if limit > 0 else np.zeros_like(x)


def _bounce(x: np.ndarray, length: float) -> np.ndarray:
    """Positions kept between 5 % and 95 % of a side: an object that gets there turns back."""
    return _fold(x - length / 2, 0.45 * length) + length / 2


def _wobble(rng: np.random.Generator, num_frames: int, channels: int) -> np.ndarray:
    """Smooth noise ``(T, channels)`` within [-1, 1]: three slow waves."""
    t = np.arange(num_frames)[:, None, None]
    rate, phase = rng.uniform(0.1, 0.8, (channels, 3)), rng.uniform(0, 2 * np.pi, (channels, 3))
    return np.sin(rate * t + phase).mean(-1)


def _about(centre: np.ndarray, shift: np.ndarray, angle: np.ndarray, zoom: np.ndarray) -> np.ndarray:
    """``(T, 3, 3)``: rotation and zoom about ``centre``, then a shift."""
    matrices = np.zeros((len(angle), 3, 3), np.float32)
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angle) * zoom
    matrices[:, 1, 0] = np.sin(angle) * zoom
    matrices[:, 0, 1] = -matrices[:, 1, 0]
    matrices[:, :2, 2] = centre + shift - matrices[:, :2, :2] @ centre
    matrices[:, 2, 2] = 1
    return matrices


def _translation(offset: np.ndarray) -> np.ndarray:
    matrix = np.eye(3, dtype=np.float32)
    matrix[:2, 2] = offset
    return matrix


def _lattice(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """Points ``(rows, columns, 2)`` every ``LATTICE`` pixels, one beyond the rectangle on every side."""
    columns, rows = -(-(x1 - x0) // LATTICE) + 2, -(-(y1 - y0) // LATTICE) + 2
    x = (np.arange(columns, dtype=np.float32) - 0.5) * LATTICE + np.float32(x0 - 0.5)
    y = (np.arange(rows, dtype=np.float32) - 0.5) * LATTICE + np.float32(y0 - 0.5)
    return np.stack(np.broadcast_arrays(x[None], y[:, None]), -1)


def _upsample(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Values on a :func:`_lattice` to every pixel of its rectangle, bilinear."""
    rows, columns = values.shape[:2]
    dense = cv2.resize(values, (columns * LATTICE, rows * LATTICE), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(dense[LATTICE : LATTICE + height, LATTICE : LATTICE + width])


def _motion_blur(image: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Average along ``velocity`` (pixels); nothing below one and a half pixels."""
    dx, dy = velocity[:2]
    length = float(np.hypot(dx, dy))
    if length < 1.5:
        return image
    radius = int(np.ceil(min(length, 31) / 2))
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
    scale = min(1.0, 31 / length) * 8  # 3 fractional bits
    end = np.rint(np.array([dx, dy]) / 2 * scale).astype(int)
    cv2.line(
        kernel, tuple(int(radius * 8 - e) for e in end), tuple(int(radius * 8 + e) for e in end), 1.0, 1, cv2.LINE_AA, shift=3
    )
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _cast_shadow(frame: np.ndarray, alpha: np.ndarray, x: int, y: int, darkness: float, offset: np.ndarray) -> None:
    """Darken what lies under an object, ``offset`` pixels beside it, softly."""
    height, width = frame.shape[:2]
    blur = max(3, int(max(alpha.shape) / 8) | 1)
    soft = cv2.blur(alpha, (blur, blur))
    x, y = x + int(offset[0]), y + int(offset[1])
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + alpha.shape[1], width), min(y + alpha.shape[0], height)
    if x1 <= x0 or y1 <= y0:
        return
    shade = cv2.convertScaleAbs(soft[y0 - y : y1 - y, x0 - x : x1 - x], alpha=-darkness, beta=255)
    region = frame[y0:y1, x0:x1]
    region[:] = cv2.multiply(region, cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR), scale=1 / 255)
