"""Synthetic videos: cut-outs that move over backgrounds."""

from .cutout import Cutout
from .demo_video import make_demo_clip, write_demo_video
from .disturb import disturb
from .engine import SynthClip, SynthEngine
from .export import write_davis, write_frames, write_synthvis
from .folders import FolderBackgrounds, FolderObjects, GroupedObjects, random_crop, read_cutout
from .masked_objects import MaskedObjects
from .procedural import SHAPES, ProceduralBackgrounds, ProceduralObjects
from .scene import SynthSettings
from .synth_vos import SynthVOSDataset, with_prompts

__all__ = [
    'SHAPES',
    'Cutout',
    'FolderBackgrounds',
    'FolderObjects',
    'GroupedObjects',
    'MaskedObjects',
    'ProceduralBackgrounds',
    'ProceduralObjects',
    'SynthClip',
    'SynthEngine',
    'SynthSettings',
    'SynthVOSDataset',
    'disturb',
    'make_demo_clip',
    'random_crop',
    'read_cutout',
    'with_prompts',
    'write_davis',
    'write_demo_video',
    'write_frames',
    'write_synthvis',
]
