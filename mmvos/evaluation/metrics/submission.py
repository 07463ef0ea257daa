"""Writers: what a model predicts as files, and as the archives that benchmark servers take.

Files are written frame by frame while the model runs; an archive is put together by the main process at the end, in the
order of names, so that its bytes depend on its content only.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import MMLogger
from PIL import Image
from typing_extensions import override

from mmvos.registry import METRICS
from mmvos.structures import VOID, InputError, MissingFileError, atomic_path, check_name, write_label_map
from mmvos.videos import LabelSource

from ..archive import zip_writer
from .base import VideoMetric
from .youtube_vis_metric import YouTubeVISMetric


class _FrameWriter(VideoMetric):
    """Writes one file per frame under ``folder/<video>/<frame>.png``; the result of a video is the list of its files."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def new_video(self, result: dict) -> tuple[np.ndarray | None, list[str]]:
        check_name(result['video_id'], self.folder)
        return self.palette_of(result), []

    @staticmethod
    def palette_of(result: dict) -> np.ndarray | None:
        """The palette of the first annotation, uint8 ``(256, 3)``, where there is one in a file; else None."""
        annotation = result.get('annotation')
        return None if annotation is None else LabelSource.of(annotation).palette()

    def wants(self, result: dict) -> bool:  # noqa: ARG002  (for subclasses)
        """Whether this frame is written."""
        return True

    def check(self, result: dict, label_map: np.ndarray) -> None:
        """Raise InputError for a label map that must not be written."""

    def write(self, path: str, label_map: np.ndarray, palette: np.ndarray | None) -> None:
        write_label_map(path, label_map, palette)

    def add_frame(self, video: tuple[np.ndarray | None, list[str]], result: dict) -> None:
        if not self.wants(result):
            return
        palette, names = video
        if 'pred_label_map' not in result:
            raise InputError('this model gives instances, not label maps; write its results with --submission.')
        label_map = np.asarray(result['pred_label_map'])
        if label_map.shape != tuple(result['ori_shape']):
            raise InputError(f'the label map is {label_map.shape}, the frame {tuple(result["ori_shape"])}.')
        self.check(result, label_map)
        name = f'{result["video_id"]}/{result["frame_name"]}.png'
        self.write(os.path.join(self.folder, name), label_map, palette)
        names.append(name)

    def finish_video(self, video: tuple[np.ndarray | None, list[str]]) -> list[str]:
        return video[1]

    def abandon(self) -> None:
        written: list[str] = self._video[1] if self._video is not None else []
        for name in written:
            Path(self.folder, name).unlink(missing_ok=True)
        with suppress(OSError):  # folders that hold results of other videos
            for folder in Path(self.folder, written[0]).parents if written else ():
                folder.rmdir()
                if folder == Path(self.folder):
                    break
        super().abandon()

    def is_there(self, result: list[str]) -> bool:
        return all(os.path.isfile(os.path.join(self.folder, name)) for name in result)

    def compute_metrics(self, results: list[tuple[str, list[str]]]) -> dict[str, Any]:
        count = sum(len(names) for _, names in results)
        MMLogger.get_current_instance().info(f'{self.folder}: {count} label maps of {len(results)} videos.')
        return {}


@METRICS.register_module()
class LabelMapWriter(_FrameWriter):
    """Writes every frame's label map as an indexed PNG, ``out_dir/<video>/<frame>.png``.

    Args:
        out_dir (str): folder; made where it is missing, files in it are replaced.
    """

    def __init__(self, out_dir: str) -> None:
        super().__init__(out_dir)


class _ZipSubmission(_FrameWriter):
    """An archive of label maps.

    While the model runs, files lie in ``<outfile>.parts``, which all processes must be able to write to.

    Args:
        outfile (str): path of the zip file.
    """

    #: folder of the archive that holds the videos
    top = ''

    def __init__(self, outfile: str) -> None:
        if not outfile.endswith('.zip'):
            raise InputError(f'{outfile}: expected the name of a .zip file.')
        super().__init__(f'{outfile}.parts')
        self.outfile = outfile

    def compute_metrics(self, results: list[tuple[str, list[str]]]) -> dict[str, Any]:
        if not self.complete:
            MMLogger.get_current_instance().error(
                f'{self.outfile}: not written, for videos failed. Label maps of the others stay in {self.folder} for --resume.'
            )
            return {}
        names = sorted(name for _, video_names in results for name in video_names)
        if not names:
            raise InputError(f'{self.outfile}: nothing to write, no frame was segmented.')
        with zip_writer(self.outfile) as add:
            for name in names:
                try:
                    with open(os.path.join(self.folder, name), 'rb') as file:
                        add(self.top + name, file.read())
                except FileNotFoundError as error:
                    raise MissingFileError(
                        f'{os.path.join(self.folder, name)}: written by another process but not '
                        f'there; {self.outfile} must be in a folder that all machines share.'
                    ) from error
        shutil.rmtree(self.folder)
        MMLogger.get_current_instance().info(f'{self.outfile}: {len(names)} label maps of {len(results)} videos.')
        return {}


@METRICS.register_module()
class DAVISSubmission(_ZipSubmission):
    """DAVIS 2017 (CodaLab): ``<sequence>/<frame>.png`` for every frame, ids of the first annotation or of proposals.

    Args:
        outfile (str): path of the zip file.
        max_proposals (int | None): unsupervised task: the largest id that the server takes (None: semi-supervised, the ids are
            those that the model was given).
    """

    def __init__(self, outfile: str, max_proposals: int | None = None) -> None:
        super().__init__(outfile)
        self.max_proposals = max_proposals

    def check(self, result: dict, label_map: np.ndarray) -> None:
        if self.max_proposals is None:
            _check_ids(label_map, result['object_ids'])
        elif label_map.max() > self.max_proposals:
            raise InputError(
                f'proposal {label_map.max()}, but the server takes at most {self.max_proposals}; let the model keep fewer.'
            )


@METRICS.register_module()
class DAVIS2016Submission(_ZipSubmission):
    """DAVIS 2016: ``<sequence>/<frame>.png``, grey, 255 where any object is."""

    @override
    def write(self, path: str, label_map: np.ndarray, palette: np.ndarray | None) -> None:
        """Write a mask as a PNG of 0 and 255.

        Args:
            path (str): the file.
            label_map (np.ndarray): uint8 ``(H, W)``; every object is foreground.
            palette (np.ndarray | None): not used.
        """
        mask = Image.fromarray(((label_map > 0) & (label_map != VOID)).astype(np.uint8) * np.uint8(255))
        with atomic_path(path) as temporary:
            mask.save(temporary, format='PNG', compress_level=3)


@METRICS.register_module()
class YouTubeVOSSubmission(_ZipSubmission):
    """YouTube-VOS (CodaLab): ``Annotations/<video>/<frame>.png`` for the frames that the data set lists
    (``submit_frames``; all where it lists none), with the data set's own ids."""

    top = 'Annotations/'

    def wants(self, result: dict) -> bool:
        frames = result.get('submit_frames')
        return frames is None or result['frame_name'] in frames

    def check(self, result: dict, label_map: np.ndarray) -> None:
        _check_ids(label_map, result['object_ids'])


@METRICS.register_module()
class YouTubeVISSubmission(YouTubeVISMetric):
    """YouTube-VIS (CodaLab): a zip with ``results.json``, from the results' ``pred_track_instances``.

    Args:
        outfile (str): path of the zip file.
    """

    def __init__(self, outfile: str) -> None:
        super().__init__(format_only=True, outfile=outfile)


def _check_ids(label_map: np.ndarray, object_ids: list[int]) -> None:
    found = np.flatnonzero(np.bincount(label_map.ravel()))
    extra = set(found.tolist()) - {0} - set(object_ids)
    if extra:
        raise InputError(f'object {min(extra)} was predicted but not given; given are {sorted(object_ids)}.')
