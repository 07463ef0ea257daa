"""What happens in a synthetic clip: its objects, their paths, the camera, the style of the picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from mmvos.structures import InputError

from .actor import Actor, Shadow, Waves
from .cutout import Cutout
from .geometry import about, bounce, fold, similarity, wobble
from .turn import Turn


class ObjectSource(Protocol):
    """Where cut-outs come from.

    Attributes:
        classes (Sequence[str]): categories of the cut-outs.
        numbers (Mapping[str, int]): ``{name of a cut-out: its number}``, an identity that is the same in every clip;
            empty if cut-outs are drawn again each time.
    """

    classes: Sequence[str]
    numbers: Mapping[str, int]

    def sample(self, rng: np.random.Generator) -> Cutout:
        """A random cut-out."""


class BackgroundSource(Protocol):
    """Where backgrounds come from."""

    def sample(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A random background, BGR uint8 ``(height, width, 3)``."""


@dataclass(frozen=True)
class SynthSettings:
    """What synthetic clips look like. Ranges are uniform; a rate is per frame.

    Attributes:
        size (tuple): ``(h, w)`` of the frames in pixels.
        num_objects (tuple): range of the number of objects.
        object_scale (tuple): range of the longer side of an object as a share of the frame's height.
        speed (float): largest velocity, share of the frame's width per frame.
        jitter (float): share of ``speed`` by which paths wobble.
        rotation (float): largest rate in degrees.
        zoom (float): largest relative change of size per frame.
        deform (float): amplitude of the non-rigid waves as a share of the object's longer side.
        camera_pan (float): largest velocity of the camera, share of the frame's width per frame.
        camera_rotation (float): degrees per frame.
        camera_zoom (float): relative change per frame.
        turn (float): largest rate in degrees at which objects that turn do so, about an upright axis (``turn_prob``).
        late_prob, leave_prob (float): an object comes into / goes out of the picture in the clip.
        cross_prob (float): an object's path is led through another object's.
        distractor_prob (float): an object is a copy of another one's cut-out.
        turn_prob (float): an object turns: its sides and its back, in other colours, come into view.
        blur (float): longest exposure time as a share of the frame interval.
        lighting (float): relative change of brightness and colour.
        shadow_prob (float): the objects of a clip cast shadows.
        noise (float): largest standard deviation of pixel noise, in grey levels.
        jpeg_quality (tuple | None): range; None: no compression.
        soft_edge_prob (float): objects are blended by their alpha, else pasted with hard edges.
        min_visible (float): every object that is not late shows at least this share of the frame's area in frame 0.
    """

    size: tuple[int, int] = (240, 432)
    num_objects: tuple[int, int] = (1, 6)
    object_scale: tuple[float, float] = (0.2, 0.6)
    speed: float = 0.05
    jitter: float = 0.2
    rotation: float = 5.0
    zoom: float = 0.03
    deform: float = 0.06
    turn: float = 20.0
    camera_pan: float = 0.015
    camera_rotation: float = 0.7
    camera_zoom: float = 0.01
    late_prob: float = 0.1
    leave_prob: float = 0.1
    cross_prob: float = 0.3
    distractor_prob: float = 0.15
    turn_prob: float = 0.0
    blur: float = 0.5
    lighting: float = 0.2
    shadow_prob: float = 0.3
    noise: float = 4.0
    jpeg_quality: tuple[int, int] | None = (40, 95)
    soft_edge_prob: float = 0.8
    min_visible: float = 0.001

    def __post_init__(self) -> None:
        for name in ('size', 'num_objects', 'object_scale', 'jpeg_quality'):
            pair = getattr(self, name)
            if pair is None and name == 'jpeg_quality':
                continue
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise InputError(f'{name} is {pair!r}; expected two numbers.')
            if min(pair) <= 0 or (name != 'size' and pair[0] > pair[1]):
                raise InputError(f'{name} is {pair!r}; expected two numbers above 0, the smaller one first.')
            object.__setattr__(self, name, tuple(pair))  # a list from the command line

        for name in ('late_prob', 'leave_prob', 'cross_prob', 'distractor_prob', 'turn_prob', 'shadow_prob', 'soft_edge_prob'):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f'{name} is {getattr(self, name)!r}; expected a probability from 0 to 1.')


@dataclass(frozen=True)
class Style:
    """How the frames of a clip are exposed.

    Attributes:
        gain (np.ndarray): brightness of every frame, ``(T,)``.
        blur (float): exposure time as a share of the frame interval.
        noise (float): standard deviation of pixel noise, in grey levels.
        quality (int | None): quality of JPEG compression; None: not compressed.
    """

    gain: np.ndarray
    blur: float
    noise: float
    quality: int | None


@dataclass(frozen=True)
class Scene:
    """A clip before it is rendered.

    Attributes:
        actors (list[Actor]): the objects.
        order (np.ndarray): their indices from back to front.
        camera (np.ndarray): world -> frame, ``(T, 3, 3)``.
        background (np.ndarray): BGR uint8, larger than the frames.
        style (Style): exposure of the frames.
    """

    actors: list[Actor]
    order: np.ndarray
    camera: np.ndarray
    background: np.ndarray
    style: Style


class SceneSampler:
    """Draws scenes.

    Args:
        objects (ObjectSource): source of cut-outs, see :mod:`mmvos.datasets.synth`.
        backgrounds (BackgroundSource | None): source of backgrounds; None: every scene is given its own.
        settings (SynthSettings): what clips look like.
    """

    def __init__(self, objects: ObjectSource, backgrounds: BackgroundSource | None, settings: SynthSettings) -> None:
        self.objects, self.backgrounds, self.settings = objects, backgrounds, settings

    def draw(
        self,
        rng: np.random.Generator,
        num_frames: int,
        num_objects: int | None = None,
        late: Sequence[int | None] | None = None,
        cutouts: Sequence[Cutout] | None = None,
        background: np.ndarray | None = None,
    ) -> Scene:
        """A scene; the arguments are those of :meth:`SynthEngine.render`.

        Args:
            rng (np.random.Generator): source of all random numbers.
            num_frames (int): length of the clip.
            num_objects (int | None): number of objects; None: random, within ``settings.num_objects``.
            late (Sequence[int | None] | None): frame in which each object enters, None for the first; drawn by default.
            cutouts (Sequence[Cutout] | None): the objects; drawn by default.
            background (np.ndarray | None): BGR uint8 ``(H, W, 3)``; drawn by default.

        Raises:
            InputError: no background, and no source of any.
        """
        s = self.settings
        if cutouts is None:
            count = num_objects or int(rng.integers(s.num_objects[0], s.num_objects[1] + 1))
            cutouts = self._cutouts(rng, count)
        if late is None:
            late = [self._entrance(rng, num_frames) if i and num_frames > 2 else None for i in range(len(cutouts))]
        camera = self._camera(rng, num_frames)
        darkness, direction = rng.uniform(0.2, 0.5), rng.uniform(-0.15, 0.15, 2)  # drawn always: effects change no motion
        shadows = [Shadow(darkness, direction)] if rng.random() < s.shadow_prob else []
        for attempt in range(12):  # until every object that should be seen in the first frame is
            actors = self._cast(rng, cutouts, late, camera, shadows, crowded=attempt < 8)
            order = rng.permutation(len(actors))
            if self._all_visible(actors, order):
                break
        if background is None:
            if self.backgrounds is None:
                raise InputError('no background is given, and there is no source of backgrounds.')
            background = self.backgrounds.sample(rng, round(1.3 * s.size[0]), round(1.3 * s.size[1]))
        return Scene(actors, order, camera, background, self._style(rng, num_frames))

    def _cutouts(self, rng: np.random.Generator, count: int) -> list[Cutout]:
        cutouts: list[Cutout] = []
        for _ in range(count):
            copy = cutouts and rng.random() < self.settings.distractor_prob
            cutouts.append(cutouts[rng.integers(len(cutouts))] if copy else self.objects.sample(rng))
        return cutouts

    def _entrance(self, rng: np.random.Generator, num_frames: int) -> int | None:
        """The frame in which an object enters; None: it is there from the start."""
        return int(rng.integers(1, max(num_frames - 1, 2))) if rng.random() < self.settings.late_prob else None

    def _camera(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """World to frame, ``(T, 3, 3)``; bounded, so that the background's margin suffices."""
        s, (h, w) = self.settings, self.settings.size
        t = np.arange(num_frames)
        limit = 0.1  # of the frame's size; the background is 0.15 larger on each side
        pan = rng.uniform(-1, 1, 2) * s.camera_pan * w
        shift = np.stack([fold(pan[i] * t, limit * (w, h)[i]) for i in range(2)], -1)
        shift += wobble(rng, num_frames, 2) * s.camera_pan * w * 0.3
        angle = fold(np.deg2rad(rng.uniform(-1, 1) * s.camera_rotation) * t, np.deg2rad(5))
        zoom = np.exp(fold(rng.uniform(-1, 1) * s.camera_zoom * t, 0.08))
        return about(np.array([w, h]) / 2, shift, angle, zoom)

    def _cast(
        self,
        rng: np.random.Generator,
        cutouts: Sequence[Cutout],
        late: Sequence[int | None],
        camera: np.ndarray,
        shadows: Sequence[Shadow],
        crowded: bool,
    ) -> list[Actor]:
        """The objects with their motion; ``crowded``: their paths may cross."""
        s, num_frames = self.settings, len(camera)
        t = np.arange(num_frames)
        actors: list[Actor] = []
        centres: list[np.ndarray] = []
        for i, (cutout, entrance) in enumerate(zip(cutouts, late, strict=True)):
            side = rng.uniform(*s.object_scale) * s.size[0]
            scale = np.exp(fold(rng.uniform(-1, 1) * s.zoom * t, 0.35))
            angle = np.deg2rad(rng.uniform(-20, 20) + fold(rng.uniform(-1, 1) * s.rotation * t, 60.0))
            inside = self._path(rng, num_frames, centres if crowded else [], side)
            centre = self._enter_and_leave(rng, inside, side * scale.max(), entrance)
            centres.append(inside)
            image = self._prepare(rng, cutout.image, side * scale.max() / max(cutout.image.shape[:2]))
            size = max(image.shape[:2])
            gain = rng.uniform(1 - s.lighting, 1 + s.lighting, 3) * (1 + s.lighting * 0.5 * wobble(rng, num_frames, 1))
            actors.append(
                Actor(
                    object_id=i + 1,
                    category=cutout.category,
                    name=cutout.name,
                    image=image,
                    motion=camera @ similarity(centre, angle, scale * side / size),
                    waves=Waves.draw(rng, size, s.deform),
                    gain=gain.astype(np.float32),
                    late=entrance is not None,
                    shadows=tuple(Shadow(shadow.darkness, shadow.offset * side) for shadow in shadows),
                    hard_edge=rng.random() >= s.soft_edge_prob,
                    turn=self._turn(rng, image, num_frames),
                )
            )
        return actors

    def _path(self, rng: np.random.Generator, num_frames: int, others: Sequence[np.ndarray], side: float) -> np.ndarray:
        """Centres ``(T, 2)`` inside the frame: constant velocity through a random point, plus a smooth wobble.

        With ``others``, the paths of the objects before, it may be led through one of them.
        """
        s, (h, w) = self.settings, self.settings.size
        anchor = rng.uniform(0.12, 0.88, 2) * (w, h)
        direction = rng.uniform(0, 2 * np.pi)
        velocity = rng.uniform(0, s.speed) * w * np.array([np.cos(direction), np.sin(direction)])
        t = np.arange(num_frames)[:, None] - (rng.integers(num_frames) if rng.random() < 0.5 else 0)
        centre = anchor + velocity * t + wobble(rng, num_frames, 2) * s.jitter * s.speed * w
        if others and rng.random() < s.cross_prob:
            meet, other = rng.integers(num_frames), others[int(rng.integers(len(others)))]
            centre += other[meet] - centre[meet] + rng.uniform(-0.3, 0.3, 2) * side
        return np.stack([bounce(centre[:, 0], w), bounce(centre[:, 1], h)], -1)

    def _enter_and_leave(self, rng: np.random.Generator, centre: np.ndarray, side: float, late: int | None) -> np.ndarray:
        """A path that begins outside (``late``: the frame of the entrance) or ends outside, over the nearest border."""
        (h, w), num_frames = self.settings.size, len(centre)
        leaves = num_frames > 3 and late is None and rng.random() < self.settings.leave_prob
        if late is None and not leaves:
            return centre
        when = late if late is not None else int(rng.integers(num_frames // 2, num_frames))
        x, y = centre[when]
        exits = {(-1, 0): x, (1, 0): w - x, (0, -1): y, (0, 1): h - y}  # direction -> distance of that border
        direction = min(exits, key=exits.__getitem__)
        outside = exits[direction] + 1.1 * side + 0.25 * max(h, w)  # the camera may move towards it
        t = np.arange(num_frames)
        ramp = max(3, num_frames // 4)  # frames that it takes to come in
        progress = (when + ramp - t) / (ramp + 1) if late is not None else (t - when + 1) / ramp
        amount = np.clip(progress, 0, 1)
        if late is not None:
            amount[:when] = 1.0
        return centre + amount[:, None] * np.array(direction) * outside

    @staticmethod
    def _prepare(rng: np.random.Generator, image: np.ndarray, scale: float) -> np.ndarray:
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

    def _turn(self, rng: np.random.Generator, image: np.ndarray, num_frames: int) -> Turn | None:
        s = self.settings
        if not s.turn_prob or rng.random() >= s.turn_prob:  # without turns nothing is drawn
            return None
        rate = rng.choice((-1, 1)) * rng.uniform(0.3, 1) * s.turn
        return Turn.of(image, np.deg2rad(rate * np.arange(num_frames)), rng.uniform(0.5, 1.3) * rng.uniform(0.8, 1.2, 3))

    def _style(self, rng: np.random.Generator, num_frames: int) -> Style:
        s = self.settings
        return Style(
            gain=1 + s.lighting * 0.5 * wobble(rng, num_frames, 1)[:, 0],
            blur=rng.uniform(0, s.blur),
            noise=rng.uniform(0, s.noise),
            quality=int(rng.integers(s.jpeg_quality[0], s.jpeg_quality[1] + 1)) if s.jpeg_quality else None,
        )

    def _all_visible(self, actors: Sequence[Actor], order: np.ndarray) -> bool:
        label = np.zeros(self.settings.size, np.uint8)
        for i in order:
            for patch in actors[i].patches(0, self.settings.size):
                patch.of(label)[patch.opaque] = actors[i].object_id
        counts = np.bincount(label.ravel(), minlength=len(actors) + 1)
        enough = max(self.settings.min_visible * label.size, 4)
        return all(a.late or counts[a.object_id] >= enough for a in actors)
