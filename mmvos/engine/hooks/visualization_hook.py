"""Drawing results while testing (``tools/test.py --show-dir``)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
from mmengine.runner import Runner

from mmvos.registry import HOOKS
from mmvos.utils.paths import path_inside
from mmvos.videos import Video
from mmvos.visualization import VideoWriter, draw_result

from .video_hook import VideoHook


@HOOKS.register_module()
class VOSVisualizationHook(VideoHook):
    """Draws every result over its frame: ``<out_dir>/<video>/<frame>.jpg`` and ``<out_dir>/<video>.mp4``.

    Args:
        draw (bool): off by default; ``tools/test.py --show-dir`` turns it on.
        out_dir (str | None): folder of the drawings (default: ``vis`` in the work dir).
        images (bool): write an image for each frame.
        video (bool): write a video for each video.
        fps (float): frames per second of the written videos.
        options (dict | None): keyword arguments of the drawing function (``alpha``, ``contour``; for instances
            ``score_thr``).

    Raises:
        InputError: a video or a frame whose name leads out of the folder.
        OSError: a drawing cannot be written.
    """

    priority = 'LOW'

    def __init__(
        self,
        draw: bool = False,
        out_dir: str | None = None,
        images: bool = True,
        video: bool = True,
        fps: float = 12.0,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.draw, self.out_dir, self.images, self.video, self.fps = draw, out_dir, images, video, fps
        self.options = options or {}
        self._writers: list[VideoWriter] = []  # of the video in hand: none or one

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Leave nothing of a video that was not finished."""
        self._discard()

    def after_test_frame(self, runner: Runner, video_idx: int, video: Video, result: Any) -> None:
        """Draw one frame."""
        if not self.draw:
            return
        folder = Path(self.out_dir or os.path.join(runner.work_dir, 'vis'))
        classes = (getattr(runner.test_dataloader.dataset, 'metainfo', None) or {}).get('classes')
        drawn = draw_result(result.frame, result, classes=classes, **self.options)
        if self.images:
            path = path_inside(folder, video.video_id, f'{result.frame_name}.jpg')
            path.parent.mkdir(parents=True, exist_ok=True)
            if not cv2.imwrite(os.fspath(path), drawn):
                raise OSError(f'{path}: cannot be written.')
        if self.video:
            if not self._writers:
                self._writers.append(VideoWriter(path_inside(folder, f'{video.video_id}.mp4'), fps=self.fps))
            self._writers[0].write(drawn)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None
    ) -> None:
        """Finish the video."""
        for writer in self._writers:
            writer.close()
        self._writers = []

    def _discard(self) -> None:
        for writer in self._writers:
            writer.discard()
        self._writers = []
