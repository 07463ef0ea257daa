"""Metrics, submissions and reports."""

from . import metrics
from .archive import write_youtube_vis_zip, zip_writer
from .metrics import *  # noqa: F403  (its __all__ counts)
from .report import format_table, write_csv, write_json

__all__ = ['format_table', 'write_csv', 'write_json', 'write_youtube_vis_zip', 'zip_writer'] + metrics.__all__
