"""Drawing results while testing (``tools/test.py --show-dir``)."""

import os
from pathlib import Path
from typing import Any

import cv2

from mmvos.registry import HOOKS
from mmvos.videos import Video
from mmvos.visualization import VideoWriter, draw_result

from .video_hook import VideoHook


@HOOKS.register_module()
class VOSVisualizationHook(VideoHook):
    """Draws every result over its frame: ``<out_dir>/<video>/<frame>.jpg`` and ``<out_dir>/<video>.mp4``.

    Args:
        draw: off by default; ``tools/test.py --show-dir`` turns it on.
        out_dir: default ``vis`` in the work dir.
        images, video: what is written.
        fps: of the video.
        options: keyword arguments of the drawing function (``alpha``, ``contour``; for instances ``score_thr``).
    """

    priority = 'LOW'

    def __init__(
        self,
        draw: bool = False,
        out_dir: str | None = None,
        images: bool = True,
        video: bool = True,
        fps: float = 12.0,
        options: dict | None = None,
    ) -> None:
        self.draw, self.out_dir, self.images, self.video, self.fps = draw, out_dir, images, video, fps
        self.options = options or {}
        self._writer: VideoWriter | None = None

    def after_test_frame(self, runner, video_idx: int, video: Video, result: Any) -> None:
        if not self.draw:
            return
        folder = Path(self.out_dir or os.path.join(runner.work_dir, 'vis'))
        frame = result.get('frame')
        frame = video.read(result.frame_index) if frame is None else frame
        options = dict(self.options)
        classes = (getattr(runner.test_dataloader.dataset, 'metainfo', None) or {}).get('classes')
        drawn = draw_result(frame, result, classes=classes, **options)
        if self.images:
            path = folder / video.video_id / f'{result.frame_name}.jpg'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(os.fspath(path), drawn)
        if self.video:
            if self._writer is None:
                self._writer = VideoWriter(folder / f'{video.video_id}.mp4', fps=self.fps)
            self._writer.write(drawn)

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
