"""Drawing results while testing (``tools/test.py --show-dir`` and ``--show``)."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
from mmengine.runner import Runner
from typing_extensions import override

from mmvos.registry import HOOKS
from mmvos.structures import InputError
from mmvos.utils.paths import path_inside
from mmvos.videos import Video, write_image
from mmvos.visualization import VideoWriter, draw_result

from .video_hook import VideoHook


@HOOKS.register_module()
class VOSVisualizationHook(VideoHook):
    """Draws every result over its frame: ``<out_dir>/<video>/<frame>.jpg`` and ``<out_dir>/<video>.mp4``, or in a window.

    Args:
        draw (bool): whether files are written; ``tools/test.py --show-dir`` turns it on.
        out_dir (str | None): where they go (default: ``vis`` in the work dir).
        images (bool): whether pictures are written.
        video (bool): whether a video is written.
        fps (float): frames per second of the video.
        options (Mapping | None): keyword arguments of the drawing function (``alpha``, ``contour``; for instances
            ``score_thr``).
        show (bool): show every frame in a window; ``tools/test.py --show`` turns it on.
        wait_time (float): seconds that a window stays before the next frame; 0: until a key is pressed.

    Raises:
        InputError: a window without a screen, or a video or a frame whose name leads out of the folder.
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
        options: Mapping[str, Any] | None = None,
        show: bool = False,
        wait_time: float = 0.0,
    ) -> None:
        self.draw, self.out_dir, self.images, self.video, self.fps = draw, out_dir, images, video, fps
        self.options, self.show, self.wait_time = dict(options or {}), show, wait_time
        self._writers: list[VideoWriter] = []  # none, or that of the present video
        self._pictures: list[Path] = []  # of the present video
        if show and sys.platform.startswith('linux') and not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
            raise InputError('--show needs a screen, and there is none here (DISPLAY is not set); use --show-dir.')

    def _folder(self, runner: Runner) -> Path:
        return Path(self.out_dir or os.path.join(runner.work_dir, 'vis'))

    @override
    def after_test_frame(self, runner: Runner, video_idx: int, video: Video, result: Any) -> None:
        if not (self.draw or self.show):
            return
        folder = self._folder(runner)
        classes = (getattr(runner.test_dataloader.dataset, 'metainfo', None) or {}).get('classes')
        drawn = draw_result(result.frame, result, classes=classes, **self.options)
        if self.show:
            runner.visualizer.show(cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB), win_name=video.video_id, wait_time=self.wait_time)
        if self.draw and self.images:
            self._pictures.append(path_inside(folder, video.video_id, f'{result.frame_name}.jpg'))
            write_image(self._pictures[-1], drawn)
        if self.draw and self.video:
            if not self._writers:
                self._writers = [VideoWriter(path_inside(folder, f'{video.video_id}.mp4'), fps=self.fps)]
            self._writers[0].write(drawn)

    @override
    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None) -> None:
        self._discard()  # a loop without `after_failed_video` had an error

    @override
    def after_failed_video(self, runner: Runner, video_idx: int, video: Video) -> None:
        self._discard()

    def _discard(self) -> None:
        """Leave nothing of a video that was not finished."""
        for writer in self._writers:
            writer.discard()
        for path in self._pictures:
            path.unlink(missing_ok=True)
        self._writers, self._pictures = [], []

    @override
    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None, outputs: Any = None
    ) -> None:
        for writer in self._writers:
            writer.close()
        self._writers, self._pictures = [], []
