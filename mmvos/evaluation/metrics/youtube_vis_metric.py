"""AP of YouTube-VIS while testing, and its submission file."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.logging import MMLogger

from mmvos.registry import METRICS
from mmvos.structures import InputError, InstanceTracks, MissingFileError, atomic_path, load_youtube_vis

from ..archive import write_youtube_vis_zip
from ..functional.youtube_vis import STATS, youtube_vis_ap
from .base import VideoMetric

#: mmdet's names of the figures
MMDET_NAMES = dict(
    zip(
        ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l', 'AR@1', 'AR@10', 'AR@100', 'AR_s@100', 'AR_m@100', 'AR_l@100'),
        STATS,
        strict=True,
    )
)


@dataclass
class _RunningVideo:
    tracks: InstanceTracks
    vis_id: int
    num_frames: int


@METRICS.register_module()
class YouTubeVISMetric(VideoMetric):
    """AP and AR of YouTube-VIS, and results in the layout that its server takes.

    Stands in for mmdet's metric of this name, with the same names of figures. Differs from it: it takes results frame
    by frame; sizes are those of the masks (mmdet: of the boxes, so that its APs, APm and APl are not the benchmark's);
    it may be evaluated any number of times; no results at all score 0; figures are not rounded; several processes give
    the same result as one.

    Args:
        ann_file (str | None): annotation file of the videos (YouTube-VIS or COCO-video). Not needed for ``format_only``.
        metric_items (Sequence[str] | None): which figures (default: ``mAP``, ``mAP_50``, ``mAP_75``, ``mAP_s``, ``mAP_m``,
            ``mAP_l``, ``AR@1``, ``AR@10``).
        format_only (bool): no figures.
        outfile_prefix (str | None): write ``<prefix>.json`` and ``<prefix>.submission_file.zip``.
        outfile (str | None): write the submission (.zip) under this very name.
        collect_device (str): where the ranks' results are gathered, ``'cpu'`` or ``'gpu'``.
        prefix (str | None): prefix of the figures, default ``youtube_vis``.

    Results are written by the main process when all videos are done.

    Raises:
        InputError: neither figures nor a file are asked for, an unknown figure, or no such annotation file.
    """

    default_prefix = 'youtube_vis'

    def __init__(
        self,
        ann_file: str | None = None,
        metric_items: Sequence[str] | None = None,
        format_only: bool = False,
        outfile_prefix: str | None = None,
        outfile: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix, collect_device=collect_device)
        if ann_file is None and not format_only:
            raise InputError('YouTubeVISMetric needs ann_file, or format_only=True for a split without annotations.')
        if format_only and not (outfile or outfile_prefix):
            raise InputError('YouTubeVISMetric(format_only=True) needs outfile or outfile_prefix.')
        self.metric_items = list(metric_items or list(MMDET_NAMES)[:8])
        unknown = [item for item in self.metric_items if item not in MMDET_NAMES]
        if unknown:
            raise InputError(f'metric item {unknown[0]!r} is not known; there are {list(MMDET_NAMES)}.')
        if ann_file is not None and not format_only and not os.path.isfile(ann_file):
            raise MissingFileError(f'{ann_file}: annotation file not found.')
        self.ann_file, self.format_only = ann_file, format_only
        self.outfile_prefix, self.outfile = outfile_prefix, outfile

    def new_video(self, result: dict) -> '_RunningVideo':
        """Collects the instances of the video."""
        tracks = InstanceTracks((self.dataset_meta or {}).get('cat_ids'))
        return _RunningVideo(tracks, result['vis_id'], result['num_frames'])

    def add_frame(self, video: '_RunningVideo', result: dict) -> None:
        """Take in the instances of a frame; the video is as long as its last frame says (a file's header may be wrong)."""
        video.tracks.add(result['frame_index'], result['pred_track_instances'])
        video.num_frames = result['num_frames']

    def finish_video(self, video: '_RunningVideo') -> list[dict]:
        """Results of the video, see :meth:`InstanceTracks.results`."""
        return video.tracks.results(video.vis_id, video.num_frames)

    def compute_metrics(self, results: list) -> dict[str, Any]:
        """Figures from ``[(video name, results of the video)]``; writes the files."""
        entries = [entry for _, video in results for entry in video]
        entries.sort(key=lambda entry: entry['video_id'])  # stable: instances stay in order
        if self.complete:
            self._write(entries)
        if self.format_only:
            return {}
        figures = youtube_vis_ap(load_youtube_vis(str(self.ann_file)), entries)
        table = '\n'.join(f'  {name:<24} {value:.4f}' for name, value in figures['per_category'].items())
        MMLogger.get_current_instance().info(
            f'YouTube-VIS: {len(entries)} instances found in {len(results)} videos; AP per category:\n{table}'
        )
        return {f'segm_{item}': figures[MMDET_NAMES[item]] for item in self.metric_items}

    def _write(self, entries: list[dict]) -> None:
        paths = [self.outfile] if self.outfile else []
        if self.outfile_prefix:
            write_results_json(entries, f'{self.outfile_prefix}.json')
            paths.append(f'{self.outfile_prefix}.submission_file.zip')
        for path in paths:
            if entries:
                write_youtube_vis_zip(entries, path)
            else:  # the server cannot read an empty list
                MMLogger.get_current_instance().warning(f'{path}: not written, no instance was found in any video.')


def write_results_json(entries: list[dict], path: str) -> None:
    """Write ``results.json``; the file appears when it is complete."""
    with atomic_path(path) as temporary, open(temporary, 'w') as file:
        json.dump(entries, file, allow_nan=False)
