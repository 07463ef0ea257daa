"""What a person does with a video: pointing at objects, correcting masks, propagating between corrected frames."""

from .importing import label_map_of, load_annotations
from .project import Project, ProjectObject
from .prompt_json import PROMPT_SCHEMA, prompt_from_json, prompt_to_json
from .propagation import Propagation
from .segmenter import InteractiveSegmenter

__all__ = [
    'InteractiveSegmenter',
    'PROMPT_SCHEMA',
    'Project',
    'ProjectObject',
    'Propagation',
    'label_map_of',
    'load_annotations',
    'prompt_from_json',
    'prompt_to_json',
]
