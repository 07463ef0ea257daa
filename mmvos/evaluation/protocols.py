"""The one table of protocols: how a benchmark counts, where it keeps its data, and what its server takes.

A benchmark of label maps is added by one entry here; if it counts or keeps its data in a way of its own, with a
:class:`~mmvos.evaluation.scoring.Scoring` or a :class:`~mmvos.videos.layouts.Layout`.
"""

import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from typing import Protocol as Interface

from typing_extensions import override

from mmvos.registry import DATASETS
from mmvos.structures import InputError, MissingFileError, PathLike, load_youtube_vis, placed, read_json, settings_from
from mmvos.videos.archive import Archive, MaskFiles
from mmvos.videos.layouts import DAVIS2016, DAVIS2017, DAVIS_UNSUP, LVOS, MOSE, YOUTUBE_VOS, AnnotatedVideo

from . import submission_rules as rules
from .evaluate import Progress, score_videos, silent, videos_of_dataset
from .functional.scorer import Row, phantom_warnings
from .functional.youtube_vis import STATS, youtube_vis_ap
from .scoring import (
    DAVIS2016Scoring,
    DAVISSemiScoring,
    DAVISUnsupScoring,
    LVOSScoring,
    MeanIoUScoring,
    MOSEScoring,
    Scoring,
    YouTubeVOSScoring,
)
from .submission_rules import MaskArchive


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        heading (str): protocol and conventions.
        metrics (dict[str, float]): figures by their official names.
        rows (list[dict]): one per object.
        warnings (list[str]): what a reader of the figures must know.
    """

    heading: str
    metrics: dict[str, float]
    rows: list[Row]
    warnings: list[str] = field(default_factory=list)


class Protocol(ABC):
    """How a benchmark counts, and what its server takes.

    Attributes:
        name (str): name on command lines and in configs.
        submission (Submission): what its server takes.
    """

    name: str
    submission: rules.Submission

    @abstractmethod
    def evaluate(
        self,
        gt: PathLike,
        predictions: PathLike,
        split: str | None = None,
        sequences: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        num_workers: int = 1,
        progress: Progress = silent,
    ) -> Report:
        """Score predictions that lie in files.

        Args:
            gt (PathLike): root of the data set, or its annotation file.
            predictions (PathLike): folder, zip file, or file of results.
            split (str | None): list of videos; None: the benchmark's validation set.
            sequences (Sequence[str]): score only these videos; empty: all.
            options (Mapping | None): settings of the protocol's scoring.
            num_workers (int): processes.
            progress (Progress): called after every video.

        Raises:
            InputError: naming the file or setting.
        """


class VideoSource(Interface):
    """Where annotated videos come from."""

    def videos(self, root: PathLike, split: str | None = None) -> list[AnnotatedVideo]:
        """The annotated frames of all videos of a split."""
        ...


@dataclass(frozen=True)
class DatasetSource:
    """Videos as one of MMVOS's data sets finds them, in the benchmark's own layout or in the flat one.

    Attributes:
        config (dict): config of the data set.
    """

    config: dict[str, Any]

    def videos(self, root: PathLike, split: str | None = None) -> list[AnnotatedVideo]:
        """See :class:`VideoSource`."""
        layout = 'flat' if os.path.isdir(os.path.join(root, 'Annotations')) else 'official'
        config = dict(self.config, data_root=os.fspath(root), split=split or 'test', layout=layout, test_mode=True)
        return videos_of_dataset(DATASETS.build(config))


@dataclass(frozen=True)
class MaskProtocol(Protocol):
    """A benchmark of label maps.

    Attributes:
        name (str): see :class:`Protocol`.
        scoring (Scoring): how it counts, with the settings that it has where none are given.
        source (VideoSource): where it keeps its data.
        submission (Submission): see :class:`Protocol`.
    """

    name: str
    scoring: Scoring
    source: VideoSource
    submission: rules.Submission = field(default_factory=rules.NoServer)

    def with_options(self, options: Mapping[str, Any] | None, place: str) -> Scoring:
        """The scoring with other settings.

        Args:
            options (Mapping | None): settings by name.
            place (str): where they stand, for messages.

        Raises:
            InputError: a setting that this protocol does not have, or a value out of its range.
        """
        scoring: Any = self.scoring
        return settings_from(type(scoring), {**asdict(scoring), **(options or {})}, place)

    def heading(self, scoring: Scoring) -> str:
        """What a report is headed with: the name, and conventions that were chosen."""
        return f'{self.name} ({scoring.conventions})' if scoring.conventions else self.name

    def evaluate(
        self,
        gt: PathLike,
        predictions: PathLike,
        split: str | None = None,
        sequences: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        num_workers: int = 1,
        progress: Progress = silent,
    ) -> Report:
        """Scores of label maps, see :class:`Protocol`.

        Args:
            gt (PathLike): root of the data set.
            predictions (PathLike): folder or zip file of ``<video>/<frame>.png``.
            split (str | None): part of the data set; None: the protocol's own.
            sequences (Sequence[str]): names of the videos to score; empty: all.
            options (Mapping[str, Any] | None): settings of the way of counting, by the names of its fields.
            num_workers (int): number of processes, at least 1; each takes whole videos.
            progress (Progress): function that is called with the number of videos done and of all.

        Raises:
            InputError: a file is missing or wrong, or nothing was scored.
        """
        scoring = self.with_options(options, self.name)
        videos = _chosen(self.source.videos(gt, split), sequences, os.fspath(gt))
        rows = score_videos(videos, MaskFiles(predictions), scoring, num_workers, progress)
        if not rows:
            raise InputError(f'{os.fspath(gt)}: no object was scored; does any of its videos have an annotation that counts?')
        return Report(self.heading(scoring), scoring.summary(rows), rows, phantom_warnings(rows))


def _chosen(videos: list[AnnotatedVideo], wanted: Sequence[str], place: str) -> list[AnnotatedVideo]:
    if not wanted:
        return videos
    found = {video.video_id: video for video in videos}
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise InputError(f'{place}: no video {unknown[0]!r} in this split.')
    return [found[name] for name in wanted]


@dataclass(frozen=True)
class InstanceProtocol(Protocol):
    """Video instance segmentation: average precision of ``results.json``, which may lie in a zip file.

    Attributes:
        name (str): see :class:`Protocol`.
        submission (Submission): see :class:`Protocol`.
    """

    name: str
    submission: rules.Submission

    @override
    def evaluate(
        self,
        gt: PathLike,
        predictions: PathLike,
        split: str | None = None,
        sequences: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        num_workers: int = 1,
        progress: Progress = silent,
    ) -> Report:
        """See :class:`Protocol`; ``gt`` is the annotation file."""
        if split or sequences or options:
            raise InputError(f'{self.name}: takes no split, sequences or options; the annotation file lists the videos.')
        place = os.fspath(predictions)
        zipped = os.path.isfile(place) and zipfile.is_zipfile(place)  # which would wait at a pipe
        results = rules.read_results(Archive(place)) if zipped else read_json(place, 'a list of results')
        truth = load_youtube_vis(gt)
        if not truth.get('annotations'):
            raise InputError(f'{os.fspath(gt)}: no annotations; results on such a split can only be submitted.')
        try:
            figures = youtube_vis_ap(truth, results)
        except InputError as error:
            raise placed(error, place) from error
        rows = [dict(category=category, AP=value) for category, value in figures['per_category'].items()]
        return Report(self.name, {name: figures[name] for name in STATS}, rows)


_SEGTRACK, _OBJECTS = dict(type='mmvos.SegTrackV2Dataset'), dict(type='mmvos.YouTubeObjectsDataset')
_YOUTUBE_VOS_ARCHIVE = MaskArchive(YOUTUBE_VOS, rules.ListedIds, top='Annotations/', listed=True)

#: protocols that score label maps, by name
MASK_PROTOCOLS: dict[str, MaskProtocol] = {
    protocol.name: protocol
    for protocol in (
        MaskProtocol('davis2016', DAVIS2016Scoring(), DAVIS2016, MaskArchive(DAVIS2016, rules.AnyValue)),
        MaskProtocol('davis2017-semi', DAVISSemiScoring(), DAVIS2017, MaskArchive(DAVIS2017, rules.IdsUpToLargest)),
        MaskProtocol('davis2017-unsup', DAVISUnsupScoring(), DAVIS_UNSUP, MaskArchive(DAVIS_UNSUP, rules.Proposals)),
        MaskProtocol('youtube-vos', YouTubeVOSScoring(), YOUTUBE_VOS, _YOUTUBE_VOS_ARCHIVE),
        MaskProtocol('mose', MOSEScoring(), MOSE, MaskArchive(MOSE, rules.GivenIds)),
        MaskProtocol('lvos', LVOSScoring(), LVOS, MaskArchive(LVOS, rules.ListedIds, listed=True)),
        MaskProtocol('segtrack-v2', MeanIoUScoring(), DatasetSource(_SEGTRACK)),
        MaskProtocol('segtrack-v2-semi', MeanIoUScoring('each', True), DatasetSource(dict(_SEGTRACK, merge=False))),
        MaskProtocol('youtube-objects', MeanIoUScoring(), DatasetSource(_OBJECTS)),
        MaskProtocol('youtube-objects-semi', MeanIoUScoring('union', True), DatasetSource(dict(_OBJECTS, min_labels=2))),
        MaskProtocol('fbms', MeanIoUScoring(), DatasetSource(dict(type='mmvos.FBMSDataset'))),
    )
}
#: all protocols, by name
PROTOCOLS: dict[str, Protocol] = {**MASK_PROTOCOLS, 'youtube-vis': InstanceProtocol('youtube-vis', rules.ResultsArchive())}
#: names of the protocols whose benchmark has a server
SUBMITTED = tuple(name for name, protocol in PROTOCOLS.items() if not isinstance(protocol.submission, rules.NoServer))


def validate_submission(name: str, path: PathLike, root: PathLike, split: str | None = None) -> Iterator[str]:
    """What a benchmark's server would not take, or would score as something else; one sentence each.

    Args:
        name (str): protocol, of :data:`SUBMITTED`.
        path (PathLike): zip file.
        root (PathLike): root of the data set (``youtube-vis``: the annotation file).
        split (str | None): list of videos; None: the benchmark's validation set.

    Raises:
        InputError: the archive or the data set is not there, or the data set is not as expected.
    """
    if name not in PROTOCOLS:
        raise InputError(f'format {name!r}: expected one of {", ".join(SUBMITTED)}.')
    if not os.path.isfile(path):
        raise MissingFileError(f'{os.fspath(path)}: not found. Expected a zip file.')
    try:
        archive = Archive(path)
    except InputError as error:
        yield str(error)
        return
    yield from archive.problems().values()
    yield from PROTOCOLS[name].submission.problems(archive, root, split)
