"""What all metrics and writers over videos share: frames stream in, results of whole videos are gathered."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from typing_extensions import override

from mmvos.structures import InputError, check_unique, placed


class VideoMetric(BaseMetric):
    """A metric that sees a video frame by frame and keeps nothing of it but one result.

    A subclass gives ``new_video(result)`` -> what is kept while the video runs, ``add_frame(video, result)`` and
    ``finish_video(video)`` -> the picklable result of the video, and :meth:`compute_metrics`.

    Results are gathered over ranks as they are: ranks may hold any number of videos, also none.

    Args:
        prefix (str | None): put before the names of the figures.
        collect_device (str): where the ranks' results are gathered, ``'cpu'`` or ``'gpu'``.
    """

    default_prefix = ''  # figures carry their official names; mmengine warns about None

    def __init__(self, prefix: str | None = None, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self._video = self._video_id = None
        #: False: videos of the test failed; a file with the results of all must not be written
        self.complete = True

    @abstractmethod
    def new_video(self, result: dict) -> Any:
        """State for a video, made at its first frame."""

    @abstractmethod
    def add_frame(self, video: Any, result: dict) -> None:
        """Take in one frame.

        Args:
            video (Any): what is kept of the video, of ``new_video``.
            result (dict): a ``VOSDataSample`` as a dict.
        """

    @abstractmethod
    def finish_video(self, video: Any) -> Any:
        """The result of a video after its last frame."""

    @override
    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take in frames of a video, in order; ``is_last`` closes the video.

        Args:
            data_batch (Any): not used.
            data_samples (Sequence[dict]): results of the frames.

        Raises:
            ValueError: the first frame of a video is missing.
            InputError: a frame that cannot be scored, named.
        """
        for result in data_samples:
            if self._video_id != result['video_id'] and result['frame_index'] != 0:
                raise ValueError(
                    f'{result["video_id"]}: the first frame that {type(self).__name__} got is frame '
                    f'{result["frame_index"]}; videos must come whole and one after the other.'
                )
            try:
                self._take(result)
            except InputError as error:
                raise placed(error, f'{result["video_id"]}, frame {result["frame_name"]}') from error

    def _take(self, result: dict) -> None:
        if self._video_id != result['video_id']:
            self._video_id, self._video = result['video_id'], self.new_video(result)
        self.add_frame(self._video, result)
        if result['is_last']:
            self.results.append((self._video_id, self.finish_video(self._video)))
            self._video = self._video_id = None

    def abandon(self) -> None:
        """Forget the video whose frames are coming in; it will not be finished."""
        self._video = self._video_id = None

    def is_there(self, result: Any) -> bool:  # noqa: ARG002  (for subclasses)
        """Whether an earlier run's result of a video (that of :meth:`finish_video`) can be used again."""
        return True

    @override
    def evaluate(self, size: int) -> dict[str, float]:
        """Metrics over the videos of all ranks.

        A video that two ranks had (a sampler that pads the last round) counts once. mmengine's own collection would
        interleave the ranks' results and cut the list at ``size``, which is right only for equal shares.

        Args:
            size (int): not used.

        Returns:
            dict[str, float]: ``{prefix/name: figure}``, the same on all ranks.

        Raises:
            ValueError: a rank has two results of a video; whatever :meth:`compute_metrics` raises, on all ranks.
        """
        gathered: dict[str, Any] = {}
        for results in all_gather_object(self.results):
            check_unique([video_id for video_id, _ in results], type(self).__name__)
            for video_id, result in results:
                gathered.setdefault(video_id, result)
        self.results.clear()
        self.abandon()
        metrics: list[Any] = [None]
        if is_main_process():
            try:
                computed = self.compute_metrics(sorted(gathered.items()))
                metrics = [{f'{self.prefix}/{k}' if self.prefix else k: v for k, v in computed.items()}]
            except Exception as error:  # the other ranks wait for the broadcast: they must end with this error too
                metrics = [error]
        broadcast_object_list(metrics)
        self.complete = True
        if isinstance(metrics[0], Exception):
            raise metrics[0]
        return metrics[0]
