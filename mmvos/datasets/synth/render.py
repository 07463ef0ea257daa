"""From a scene to frames, label maps and flow: what is painted over what, blur, shadows, noise, compression."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from .actor import Actor, Patch, Shadow
from .geometry import apply, lattice, translation, upsample
from .scene import Scene, Style


class Layers(NamedTuple):
    """What a frame consists of; painting changes the arrays in place.

    Attributes:
        frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
        label (np.ndarray): uint8 ``(H, W)``.
        flow (np.ndarray): backward flow, float32 ``(H, W, 2)``; zero in the first frame.
    """

    frame: np.ndarray
    label: np.ndarray
    flow: np.ndarray


def paint(scene: Scene, t: int, size: tuple[int, int], with_flow: bool) -> Layers:
    """Frame t of a scene, from back to front, before :func:`expose`.

    Args:
        scene (Scene): the scene.
        t (int): index of the frame.
        size (tuple): ``(H, W)`` of the frame.
        with_flow (bool): compute the flow too (else it is zero everywhere).
    """
    height, width = size
    layers = Layers(_background(scene, t, size), np.zeros(size, np.uint8), np.zeros((height, width, 2), np.float32))
    if with_flow and t:
        points = lattice(0, 0, width, height)
        back = scene.camera[t - 1] @ np.linalg.inv(scene.camera[t])
        layers.flow[:] = upsample((apply(back, points) - points).astype(np.float32), width, height)
    paint_actors(layers, [scene.actors[i] for i in scene.order], t, scene.style.blur, with_flow)
    if scene.style.gain[t] != 1:
        layers.frame[:] = cv2.convertScaleAbs(layers.frame, alpha=float(scene.style.gain[t]))
    return layers


def paint_actors(layers: Layers, actors: Sequence[Actor], t: int, blur: float, with_flow: bool = False) -> None:
    """Paint objects over what is there already, their labels and flow too.

    Args:
        layers (Layers): the frame, changed in place.
        actors (Sequence[Actor]): the objects, from back to front.
        t (int): index of the frame.
        blur (float): exposure time as a share of the frame interval.
        with_flow (bool): paint the flow too.
    """
    for actor in actors:
        for patch in actor.patches(t, (layers.frame.shape[0], layers.frame.shape[1])):
            _place(layers, actor, patch, t, blur)
            if with_flow and t:
                patch.of(layers.flow)[patch.opaque] = actor.flow(patch, t)[patch.opaque]


def _background(scene: Scene, t: int, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    margin = np.array([width, height]) - scene.background.shape[1::-1]
    to_frame = scene.camera[t] @ translation(margin / 2)
    frame = cv2.warpAffine(
        scene.background, to_frame[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    centre = np.array([width / 2, height / 2, 1])
    return motion_blur(frame, (scene.camera[t] - scene.camera[max(t - 1, 0)]) @ centre * scene.style.blur)


def _place(layers: Layers, actor: Actor, patch: Patch, t: int, blur: float) -> None:
    """Put an object over what is painted already; its label too."""
    for shadow in actor.shadows:
        _cast_shadow(layers.frame, patch, shadow)
    patch.of(layers.label)[patch.opaque] = actor.object_id
    image = patch.image
    if actor.hard_edge:
        colours = image * (255.0 / np.maximum(image[..., 3:], 128))
        image = np.where(patch.opaque[..., None], colours, 0).astype(np.uint8)
    image = np.asarray(cv2.multiply(image, np.append(actor.gain[t], 1.0)))
    if not actor.hard_edge:
        image = motion_blur(image, actor.velocity(t) * blur)
    region = patch.of(layers.frame)
    behind = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(image, 3)), cv2.COLOR_GRAY2BGR)
    behind = cv2.multiply(region, behind, scale=1 / 255)
    region[:] = cv2.add(behind, cv2.cvtColor(image, cv2.COLOR_BGRA2BGR))


class Exposure:
    """Pixel noise and JPEG compression of frames of one size.

    Args:
        size (tuple): ``(H, W)`` of the frames.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        tile = np.random.default_rng(0).standard_normal((size[0] + 64, size[1] + 64, 3), np.float32)
        self._noise = np.clip(tile * 32, -127, 127).astype(np.int8)  # a part of it at a random place serves a frame

    def __call__(self, rng: np.random.Generator, frame: np.ndarray, style: Style) -> np.ndarray:
        """The frame as a camera would store it, BGR uint8 ``(H, W, 3)``."""
        h, w = frame.shape[:2]
        if style.noise > 0.3:
            y, x = rng.integers(64), rng.integers(64)
            noise = self._noise[y : y + h, x : x + w]
            frame = cv2.addWeighted(frame, 1, noise, style.noise / 32, 0, dtype=cv2.CV_8U)
        if style.quality is not None:
            data = cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, style.quality])[1]
            frame = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
        return frame


def motion_blur(image: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Image averaged along a motion; the image itself below one and a half pixels.

    Args:
        image (np.ndarray): ``(H, W)`` or ``(H, W, C)``.
        velocity (np.ndarray): (dx, dy) in pixels a frame, ``(2,)`` or longer; at most 31 pixels count.
    """
    dx, dy = velocity[:2]
    length = float(np.hypot(dx, dy))
    if length < 1.5:
        return image
    radius = int(np.ceil(min(length, 31) / 2))
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
    scale = min(1.0, 31 / length) * 8  # 3 fractional bits
    end = np.rint(np.array([dx, dy]) / 2 * scale).astype(int)
    start, stop = (tuple(int(radius * 8 + sign * e) for e in end) for sign in (-1, 1))
    cv2.line(kernel, start, stop, 1.0, 1, cv2.LINE_AA, shift=3)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _cast_shadow(frame: np.ndarray, patch: Patch, shadow: Shadow) -> None:
    """Darken what lies under an object, beside it, softly."""
    height, width = frame.shape[:2]
    alpha = patch.image[..., 3]
    blur = max(3, int(max(alpha.shape) / 8) | 1)
    soft = cv2.blur(alpha, (blur, blur))
    x, y = patch.x + int(shadow.offset[0]), patch.y + int(shadow.offset[1])
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + alpha.shape[1], width), min(y + alpha.shape[0], height)
    if x1 <= x0 or y1 <= y0:
        return
    shade = cv2.convertScaleAbs(soft[y0 - y : y1 - y, x0 - x : x1 - x], alpha=-shadow.darkness, beta=255)
    region = frame[y0:y1, x0:x1]
    region[:] = cv2.multiply(region, cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR), scale=1 / 255)
