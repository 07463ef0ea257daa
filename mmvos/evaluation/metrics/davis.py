"""The DAVIS benchmarks as a metric."""

from collections.abc import Sequence

from mmvos.registry import METRICS

from ..functional.boundary import BOUND_TH
from ..functional.davis import TEMPORAL_SEQUENCES, DAVIS2016Sequence, DAVISSemiSequence, DAVISUnsupSequence, davis_summary
from .base import ScoredVideoMetric


@METRICS.register_module()
class DAVISMetric(ScoredVideoMetric):
    """J, F (and T) of the DAVIS benchmarks, as their official evaluators count them.

    Metrics: ``J&F-Mean``, ``J-Mean``, ``J-Recall``, ``J-Decay``, the same of F, and ``T-Mean`` (lower is better).

    Args:
        protocol: ``'davis2016'`` (one object; first and last frame do not count), ``'davis2017-semi'`` (likewise,
            objects by id) or ``'davis2017-unsup'`` (proposals are matched, all frames count, void is masked).
        strict: ``'davis2017-semi'``: a predicted id that the first annotation does not have is an error, as on the
            server; else such pixels are background.
        temporal: ``'davis2016'``: sequences on which T is measured: ``'official'`` (those without occlusions),
            ``'all'``, ``'none'``, or their names.
        max_proposals: ``'davis2017-unsup'``: more are an error.
        bound_th: tolerance of F.
        json_file, csv_file, prefix: see :class:`ScoredVideoMetric`.
    """

    PROTOCOLS = ('davis2016', 'davis2017-semi', 'davis2017-unsup')

    def __init__(
        self,
        protocol: str = 'davis2017-semi',
        strict: bool = True,
        temporal: str | Sequence[str] = 'official',
        max_proposals: int = 20,
        bound_th: float = BOUND_TH,
        json_file: str | None = None,
        csv_file: str | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
    ) -> None:
        super().__init__(json_file, csv_file, prefix, collect_device)
        if protocol not in self.PROTOCOLS:
            raise ValueError(f'protocol={protocol!r}: expected one of {", ".join(self.PROTOCOLS)}.')
        if isinstance(temporal, str) and temporal not in ('official', 'all', 'none'):
            raise ValueError(f"temporal={temporal!r}: expected 'official', 'all', 'none' or a list of sequences.")
        self.protocol, self.strict, self.temporal = protocol, strict, temporal
        self.max_proposals, self.bound_th = max_proposals, bound_th

    @property
    def protocol_name(self) -> str:
        return self.protocol

    def new_video(self, result: dict):
        num_frames = result['num_frames']
        if self.protocol == 'davis2016':
            return DAVIS2016Sequence(num_frames, self._measures_t(result['video_id']), self.bound_th)
        if self.protocol == 'davis2017-semi':
            return DAVISSemiSequence(num_frames, self.strict, self.bound_th)
        return DAVISUnsupSequence(num_frames, self.max_proposals, self.bound_th)

    def _measures_t(self, video_id: str) -> bool:
        if isinstance(self.temporal, str):
            return self.temporal == 'all' or self.temporal == 'official' and video_id in TEMPORAL_SEQUENCES
        return video_id in self.temporal

    def summary(self, rows: list[dict]) -> dict[str, float]:
        return davis_summary(rows)
