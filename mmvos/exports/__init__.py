"""Results of a video in the forms that other programs take, written frame by frame."""

from .annotation_tools import CVATExport, LabelMeExport
from .base import EXPORTS, Export, make_export
from .from_masks import check_exports, export_masks
from .instances import COCOExport, YouTubeVISExport
from .pictures import CutoutExport, MaskExport, TrainingExport
from .videos import CutoutVideoExport, GreenScreenExport, OverlayExport, SideBySideExport

__all__ = [
    'COCOExport',
    'CVATExport',
    'CutoutExport',
    'CutoutVideoExport',
    'EXPORTS',
    'Export',
    'GreenScreenExport',
    'LabelMeExport',
    'MaskExport',
    'OverlayExport',
    'SideBySideExport',
    'TrainingExport',
    'YouTubeVISExport',
    'check_exports',
    'export_masks',
    'make_export',
]
