"""How each protocol counts: its settings, the scorer of a video, and the figures from the rows of all objects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from mmvos.structures import InputError

from .functional import (
    BOUND_TH,
    TEMPORAL_SEQUENCES,
    DAVIS2016Sequence,
    DAVISSemiSequence,
    DAVISUnsupSequence,
    LVOSVideo,
    MeanIoUVideo,
    YouTubeVOSVideo,
    davis_summary,
    lvos_summary,
    mean_iou_summary,
    youtube_vos_summary,
)
from .functional.scorer import Row, Scorer
from .functional.youtube_vos import check_convention


@dataclass(frozen=True)
class VideoFacts:
    """What a scorer may know of a video before its first frame.

    Attributes:
        video_id (str): the data set's own name.
        num_frames (int): how many frames there are; positions are counted in them.
        categories (Mapping[int, str] | None): classes by object id.
        object_frames (Mapping[int, Sequence[int]]): positions of the frames that list an object, by object id.
        first_frames (Mapping[int, int]): position of the frame in which an object's mask is given, by object id.
        group (str | None): a key for means of means.
    """

    video_id: str
    num_frames: int
    categories: Mapping[int, str] | None = None
    object_frames: Mapping[int, Sequence[int]] = field(default_factory=dict)
    first_frames: Mapping[int, int] = field(default_factory=dict)
    group: str | None = None


class Scoring(Protocol):
    """How a protocol counts: a frozen dataclass, whose fields are the settings that a user may change."""

    #: whether frames without an annotation are passed over; else one of them is an error
    sparse: ClassVar[bool]
    #: whether a prediction of another size is resized to that of the annotation; else it is an error
    resized: ClassVar[bool]

    def scorer(self, video: VideoFacts) -> Scorer:
        """A scorer for one video."""
        ...

    def summary(self, rows: Iterable[Row]) -> dict[str, float]:
        """The official figures from the rows of all objects of all videos, which name their ``video``."""
        ...

    @property
    def conventions(self) -> str:
        """Choices that a report has to name; empty where there are none."""
        ...


class _Default:
    sparse: ClassVar[bool] = False
    resized: ClassVar[bool] = False

    @property
    def conventions(self) -> str:
        """None."""
        return ''


class _DAVIS(_Default):
    def summary(self, rows: Iterable[Row]) -> dict[str, float]:
        """See :func:`davis_summary`."""
        return davis_summary(rows)


@dataclass(frozen=True)
class DAVIS2016Scoring(_DAVIS):
    """DAVIS 2016: one object; the first and the last frame do not count.

    Attributes:
        temporal (str | Sequence[str]): sequences on which T is measured: ``'official'`` (those without occlusions), ``'all'``,
            ``'none'``, or their names.
        bound_th (float): tolerance of F.
    """

    temporal: str | Sequence[str] = 'official'
    bound_th: float = BOUND_TH

    def __post_init__(self) -> None:
        if isinstance(self.temporal, str) and self.temporal not in ('official', 'all', 'none'):
            raise InputError(f"temporal={self.temporal!r}: expected 'official', 'all', 'none' or a list of sequences.")

    def scorer(self, video: VideoFacts) -> DAVIS2016Sequence:
        """See :class:`DAVIS2016Sequence`."""
        return DAVIS2016Sequence(video.num_frames, self._measures_t(video.video_id), self.bound_th)

    def _measures_t(self, video_id: str) -> bool:
        if isinstance(self.temporal, str):
            return self.temporal == 'all' or (self.temporal == 'official' and video_id in TEMPORAL_SEQUENCES)
        return video_id in self.temporal


@dataclass(frozen=True)
class DAVISSemiScoring(_DAVIS):
    """DAVIS 2017, semi-supervised: objects by id; the first and the last frame do not count.

    Attributes:
        strict (bool): whether a predicted id that the first annotation does not have is an error, as on the server; else such
            pixels are background.
        bound_th (float): tolerance of F.
    """

    strict: bool = True
    bound_th: float = BOUND_TH
    #: whether ids that the first annotation skips are objects
    gaps: ClassVar[bool] = True

    def scorer(self, video: VideoFacts) -> DAVISSemiSequence:
        """See :class:`DAVISSemiSequence`."""
        return DAVISSemiSequence(video.num_frames, self.strict, self.bound_th, self.gaps)


@dataclass(frozen=True)
class MOSEScoring(DAVISSemiScoring):
    """MOSE: as DAVIS, but objects are those that the first annotation shows, and other predicted ids do not count.

    Attributes:
        strict (bool): whether a predicted id that is larger than all given ones is an error.
    """

    strict: bool = False
    gaps: ClassVar[bool] = False


@dataclass(frozen=True)
class DAVISUnsupScoring(_DAVIS):
    """DAVIS 2017 and 2019, unsupervised: proposals are matched, all frames count, void is masked.

    Attributes:
        max_proposals (int): more are an error.
        bound_th (float): tolerance of F.
    """

    max_proposals: int = 20
    bound_th: float = BOUND_TH

    def scorer(self, video: VideoFacts) -> DAVISUnsupSequence:
        """See :class:`DAVISUnsupSequence`."""
        return DAVISUnsupSequence(video.num_frames, self.max_proposals, self.bound_th)


@dataclass(frozen=True)
class YouTubeVOSScoring(_Default):
    """YouTube-VOS: every object in the annotated frames after its first.

    Attributes:
        first (str): whether the frame in which an object is given counts, ``'exclude'`` or ``'include'``.
        last (str): whether the last annotated frame of a video counts. ``'exclude'`` is what pytracking's local scores do.
        bound_th (float): tolerance of F.
    """

    first: str = 'exclude'
    last: str = 'include'
    bound_th: float = BOUND_TH
    sparse: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_convention(self.first, self.last)

    def scorer(self, video: VideoFacts) -> YouTubeVOSVideo:
        """See :class:`YouTubeVOSVideo`."""
        return YouTubeVOSVideo(video.categories, video.first_frames, self.first, self.last, self.bound_th)

    def summary(self, rows: Iterable[Row]) -> dict[str, float]:
        """See :func:`youtube_vos_summary`."""
        return youtube_vos_summary(rows)

    @property
    def conventions(self) -> str:
        """Which frames count."""
        return f'first frame of an object: {self.first}d, last annotated frame: {self.last}d'


@dataclass(frozen=True)
class LVOSScoring(_Default):
    """LVOS: every object in the annotated frames of its range but the first and the last.

    Attributes:
        bound_th (float): tolerance of F.
    """

    bound_th: float = BOUND_TH
    sparse: ClassVar[bool] = True

    def scorer(self, video: VideoFacts) -> LVOSVideo:
        """See :class:`LVOSVideo`."""
        return LVOSVideo(video.object_frames, video.group, self.bound_th)

    def summary(self, rows: Iterable[Row]) -> dict[str, float]:
        """See :func:`lvos_summary`."""
        return lvos_summary(rows)


@dataclass(frozen=True)
class MeanIoUScoring(_Default):
    """SegTrack v2, YouTube-Objects and FBMS-59: J on the annotated frames, at the size of the annotation.

    Attributes:
        objects (str): ``'union'`` (one foreground) or ``'each'`` (every object by itself).
        skip_first (bool): whether a video's first annotated frame is left out (semi-supervised).
        average (str | None): what ``mIoU`` is a mean of: ``'object'`` or ``'class'``. None: classes where there are any.
    """

    objects: str = 'union'
    skip_first: bool = False
    average: str | None = None
    sparse: ClassVar[bool] = True
    resized: ClassVar[bool] = True

    def __post_init__(self) -> None:
        MeanIoUVideo(self.objects)  # raises on a value that does not exist

    def scorer(self, video: VideoFacts) -> MeanIoUVideo:
        """See :class:`MeanIoUVideo`."""
        return MeanIoUVideo(self.objects, self.skip_first, video.group)

    def summary(self, rows: Iterable[Row]) -> dict[str, float]:
        """See :func:`mean_iou_summary`."""
        return mean_iou_summary(rows, self.average)

    @property
    def conventions(self) -> str:
        """What is counted."""
        return f'objects: {self.objects}, first annotated frame: {"ex" if self.skip_first else "in"}cluded'
