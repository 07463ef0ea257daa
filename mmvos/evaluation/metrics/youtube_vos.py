"""YouTube-VOS as a metric."""

from mmvos.registry import METRICS

from ..functional.boundary import BOUND_TH
from ..functional.youtube_vos import YouTubeVOSVideo, check_convention, youtube_vos_summary
from .base import ScoredVideoMetric


@METRICS.register_module()
class YouTubeVOSMetric(ScoredVideoMetric):
    """J and F of seen and unseen categories, and their mean ``overall``.

    The annotations of the official valid and test sets are on the server only: this is for held-out training videos. A
    frame counts if it has an annotation and, where the data set names ``eval_frames``, if it is one of them. Categories
    come from ``categories`` of the results.

    Args:
        first, last: which frames count, see :class:`~mmvos.evaluation.functional.YouTubeVOSVideo`. ``last='exclude'``
            is what pytracking's local scores do.
        bound_th: tolerance of F.
        json_file, csv_file, prefix: see :class:`ScoredVideoMetric`.
    """

    def __init__(
        self,
        first: str = 'exclude',
        last: str = 'include',
        bound_th: float = BOUND_TH,
        json_file: str | None = None,
        csv_file: str | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
    ) -> None:
        super().__init__(json_file, csv_file, prefix, collect_device)
        check_convention(first, last)
        self.first, self.last, self.bound_th = first, last, bound_th

    @property
    def protocol_name(self) -> str:
        return f'youtube-vos (first frame of an object: {self.first}d, last annotated frame: {self.last}d)'

    def new_video(self, result: dict) -> YouTubeVOSVideo:
        return YouTubeVOSVideo(result.get('categories'), result.get('prompt_frames'), self.first, self.last, self.bound_th)

    def add_frame(self, video: YouTubeVOSVideo, result: dict) -> None:
        if self.is_scored(result):
            video.update(result['frame_index'], self.label_map(result), result['pred_label_map'])

    def summary(self, rows: list[dict]) -> dict[str, float]:
        return youtube_vos_summary(rows)
