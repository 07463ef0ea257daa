from .demo_video import make_demo_clip, write_demo_video
from .engine import SynthClip, SynthEngine, SynthSettings
from .export import write_davis, write_frames, write_synthvis
from .sources import (
    SHAPES,
    Cutout,
    FolderBackgrounds,
    FolderObjects,
    GroupedObjects,
    ProceduralBackgrounds,
    ProceduralObjects,
    read_cutout,
)
from .synth_vos import SynthVOSDataset, with_prompts

__all__ = [
    'SHAPES',
    'Cutout',
    'FolderBackgrounds',
    'FolderObjects',
    'GroupedObjects',
    'ProceduralBackgrounds',
    'ProceduralObjects',
    'SynthClip',
    'SynthEngine',
    'SynthSettings',
    'SynthVOSDataset',
    'make_demo_clip',
    'read_cutout',
    'with_prompts',
    'write_davis',
    'write_demo_video',
    'write_frames',
    'write_synthvis',
]
