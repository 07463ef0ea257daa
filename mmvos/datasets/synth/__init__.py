from .engine import SynthClip, SynthEngine, SynthSettings
from .export import write_davis, write_frames, write_synthvis
from .sources import (
    SHAPES,
    Cutout,
    FolderBackgrounds,
    FolderObjects,
    ProceduralBackgrounds,
    ProceduralObjects,
    read_cutout,
)
from .synth_vos import SynthVOSDataset, with_prompts

__all__ = [
    'SHAPES', 'Cutout', 'FolderBackgrounds', 'FolderObjects', 'ProceduralBackgrounds', 'ProceduralObjects', 'SynthClip',
    'SynthEngine', 'SynthSettings', 'SynthVOSDataset', 'read_cutout', 'with_prompts', 'write_davis', 'write_frames',
    'write_synthvis'
]
