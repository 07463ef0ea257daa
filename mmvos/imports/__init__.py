"""Masks and prompts that other programs made: LabelMe, CVAT, folders of label maps."""

from .annotations import Annotations, Mark, object_numbers
from .cvat import read_cvat
from .labelme import read_labelme
from .opening import annotation_kind, open_annotations

__all__ = ['Annotations', 'Mark', 'annotation_kind', 'object_numbers', 'open_annotations', 'read_cvat', 'read_labelme']
