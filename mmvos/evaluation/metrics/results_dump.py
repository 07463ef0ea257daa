"""All results of a test in one file, for programs that read them."""

from typing import Any

import numpy as np
from mmengine.fileio import dump
from mmengine.logging import MMLogger
from typing_extensions import override

from mmvos.registry import METRICS
from mmvos.structures import InputError, atomic_path, encode_mask

from .base import VideoMetric


@METRICS.register_module()
class ResultsDump(VideoMetric):
    """Writes a pickle file with one dict for each frame (``tools/test.py --out FILE.pkl``).

    Each holds ``video_id``, ``frame_index``, ``frame_name`` and ``ori_shape``; and ``masks``, ``{object id: run-length code}``
    (COCO's, of the object's pixels), or the tracked instances as arrays (``instances_id``, ``labels``, ``scores``, ``bboxes``,
    and ``masks`` as run-length codes).

    Args:
        outfile (str): path of the file.

    Raises:
        InputError: another kind of file.
    """

    def __init__(self, outfile: str) -> None:
        super().__init__()
        if not outfile.endswith(('.pkl', '.pickle')):
            raise InputError(f'{outfile}: expected the name of a .pkl file.')
        self.outfile = outfile

    @override
    def new_video(self, result: dict) -> list[dict[str, Any]]:
        return []

    def add_frame(self, video: list[dict[str, Any]], result: dict) -> None:
        entry = {key: result[key] for key in ('video_id', 'frame_index', 'frame_name', 'ori_shape')}
        if 'pred_label_map' in result:
            label_map = np.asarray(result['pred_label_map'])
            entry['masks'] = {int(i): encode_mask(label_map == i) for i in result['object_ids']}
        else:
            for key, value in result['pred_track_instances'].items():
                entry[key] = value if isinstance(value, list) else np.asarray(value)
        video.append(entry)

    def finish_video(self, video: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return video

    def compute_metrics(self, results: list[tuple[str, list[dict[str, Any]]]]) -> dict[str, Any]:
        logger = MMLogger.get_current_instance()
        if not self.complete:
            logger.error(f'{self.outfile}: not written, for videos failed.')
            return {}
        entries = [entry for _, video in results for entry in video]
        with atomic_path(self.outfile) as temporary:
            dump(entries, temporary, file_format='pkl')
        logger.info(f'{self.outfile}: {len(entries)} frames of {len(results)} videos.')
        return {}
