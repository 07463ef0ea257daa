"""Where a hook can act while videos are segmented."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvos.videos import Video


class VideoHook(Hook):
    """A hook of :class:`~mmvos.engine.VideoValLoop` and :class:`~mmvos.engine.VideoTestLoop`.

    An iteration is a video: ``before_test_iter`` and ``after_test_iter`` (``..._val_iter``) come before and after it, with
    ``data_batch['inputs'][0]`` the :class:`~mmvos.videos.Video`. The points of a frame are:
    """

    def before_test_frame(self, runner: Runner, video_idx: int, video: Video, frame_idx: int) -> None:
        """Before a frame is segmented in a test.

        Args:
            runner (Runner): the runner.
            video_idx (int): number of the video on this process, from 0.
            video (Video): the video.
            frame_idx (int): position of the frame in the video, from 0.
        """

    def after_test_frame(self, runner: Runner, video_idx: int, video: Video, result: Any) -> None:
        """After a frame has been segmented in a test.

        Args:
            runner (Runner): the runner.
            video_idx (int): number of the video on this process, from 0.
            video (Video): the video.
            result (Any): the session's result; ``result.frame_index`` is the position of the frame.
        """

    def after_failed_video(self, runner: Runner, video_idx: int, video: Video) -> None:
        """After an error has ended a video; ``after_test_iter`` follows. What it left unfinished is to be removed.

        Args:
            runner (Runner): the runner.
            video_idx (int): number of the video on this process, from 0.
            video (Video): the video.
        """

    def before_val_frame(self, runner: Runner, video_idx: int, video: Video, frame_idx: int) -> None:
        """As :meth:`before_test_frame`, in a validation."""

    def after_val_frame(self, runner: Runner, video_idx: int, video: Video, result: Any) -> None:
        """As :meth:`after_test_frame`, in a validation."""
