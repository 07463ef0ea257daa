"""The demo example: photographed things that move, deform and hide each other in front of a photographed room.

The photographs come with scikit-image and imaug, which MMDetection installs; where they are missing, textured shapes
take their place. The same call always makes the same video.
"""

import importlib.util
import os.path as osp
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .cutout import Cutout
from .engine import SynthClip, SynthEngine
from .export import write_davis
from .procedural import ProceduralBackgrounds, ProceduralObjects
from .scene import SynthSettings
from .synth_vos import with_prompts

# Outlines of the things in the photographs, (x, y) in pixels.
ASTRONAUT = (
    (225, 14),
    (178, 28),
    (152, 60),
    (155, 104),
    (178, 114),
    (182, 148),
    (145, 158),
    (121, 193),
    (113, 225),
    (73, 258),
    (40, 282),
    (29, 330),
    (24, 419),
    (48, 467),
    (32, 511),
    (509, 511),
    (503, 451),
    (491, 395),
    (451, 354),
    (395, 343),
    (358, 351),
    (357, 306),
    (338, 258),
    (303, 233),
    (301, 193),
    (266, 158),
    (258, 137),
    (266, 116),
    (293, 100),
    (299, 64),
    (274, 28),
)
QUOKKA = (
    (151, 91),
    (166, 60),
    (211, 54),
    (248, 75),
    (317, 66),
    (377, 45),
    (423, 60),
    (438, 106),
    (417, 157),
    (438, 211),
    (447, 287),
    (474, 362),
    (529, 438),
    (544, 529),
    (538, 640),
    (196, 640),
    (175, 544),
    (166, 453),
    (145, 362),
    (151, 272),
    (172, 181),
    (157, 136),
)
COFFEE_ELLIPSES = (((277, 236), (203, 163)), ((297, 108), (125, 92)))  # saucer, cup
CAT = (
    (58, 18),
    (48, 57),
    (42, 156),
    (48, 225),
    (90, 280),
    (165, 296),
    (275, 288),
    (333, 248),
    (362, 170),
    (366, 120),
    (357, 71),
    (325, 24),
    (240, 5),
    (120, 5),
)


def _photograph(package: str, *path: str) -> np.ndarray | None:
    """A picture that an installed package carries, BGR uint8, or None."""
    spec = importlib.util.find_spec(package)  # without importing it
    if spec is None or not spec.submodule_search_locations:
        return None
    return cv2.imread(osp.join(spec.submodule_search_locations[0], *path), cv2.IMREAD_COLOR)


def _cut(image: np.ndarray | None, name: str, outline: Sequence = (), ellipses: Sequence = ()) -> Cutout | None:
    if image is None:
        return None
    mask = np.zeros(image.shape[:2], np.uint8)
    if len(outline):
        cv2.fillPoly(mask, [np.array(outline, np.int32)], 255)
    for centre, axes in ellipses:
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), max(image.shape) / 300)  # rounds the corners, softens the edge
    mask[0], mask[-1], mask[:, 0], mask[:, -1] = 0, 0, 0, 0
    rows, columns = np.flatnonzero(mask.max(1) > 127), np.flatnonzero(mask.max(0) > 127)
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Cutout(np.dstack([image, mask])[box], name, name)


def make_demo_clip(size: tuple[int, int] = (480, 854), num_frames: int = 40, seed: int = 3) -> SynthClip:
    """The demo video: four objects, the fourth of which enters before the middle of it.

    Args:
        size (tuple[int, int]): ``(h, w)``.
        num_frames (int): T.
        seed (int): seed of the motion.
    """
    rng = np.random.default_rng(seed)
    photographed = [
        _cut(_photograph('imgaug', 'quokka.jpg'), 'quokka', QUOKKA),
        _cut(_photograph('skimage', 'data', 'coffee.png'), 'cup', ellipses=COFFEE_ELLIPSES),
        _cut(_photograph('skimage', 'data', 'astronaut.png'), 'astronaut', ASTRONAUT),
        _cut(_photograph('skimage', 'data', 'chelsea.png'), 'cat', CAT),
    ]
    shapes = ProceduralObjects(['star', 'blob', 'cross', 'ring'], size=256)
    cutouts = [shapes.sample(rng) if cutout is None else cutout for cutout in photographed]
    room = _photograph('skimage', 'data', 'motorcycle_left.png')
    extent = round(1.3 * size[0]), round(1.3 * size[1])
    if room is None:
        background = ProceduralBackgrounds().sample(rng, *extent)
    else:
        scale = max(extent[0] / room.shape[0], extent[1] / room.shape[1])
        room = cv2.resize(room, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        background = np.ascontiguousarray(room[: extent[0], : extent[1]])
    settings = SynthSettings(
        size=size,
        object_scale=(0.36, 0.5),
        speed=0.012,
        rotation=2.0,
        zoom=0.012,
        deform=0.04,
        camera_pan=0.006,
        camera_rotation=0.2,
        camera_zoom=0.003,
        leave_prob=0.0,
        cross_prob=0.4,
        blur=0.4,
        lighting=0.1,
        shadow_prob=1.0,
        noise=2.0,
        jpeg_quality=None,
        soft_edge_prob=1.0,
        min_visible=0.03,
    )
    engine = SynthEngine(shapes, ProceduralBackgrounds(), settings)
    clip = engine.render(rng, num_frames, late=[None, None, None, num_frames // 3], cutouts=cutouts, background=background)
    label_maps, _ = with_prompts(clip.label_maps, 0.004)  # an object begins where there is something to see of it
    return clip._replace(label_maps=label_maps)


def write_demo_video(out: str, name: str = 'demo', **kwargs: Any) -> str:
    """Write the demo video in the layout of DAVIS 2017, as the split ``val``.

    Args:
        out (str): root folder.
        name (str): name of the sequence.
        kwargs (dict): arguments of :func:`make_demo_clip`.

    Returns:
        The folder of the frames. ``FolderDataset(prompt='appear', ...)`` prompts every object where it begins.
    """
    clip = make_demo_clip(**kwargs)
    write_davis(out, name, clip)
    return str(Path(out, 'JPEGImages', '480p', name))
