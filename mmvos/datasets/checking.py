"""Whether the files of a data set are what the configs expect: every fault a line, not only the first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmvos.registry import DATASETS
from mmvos.structures import InputError, is_file, is_folder, join_path
from mmvos.videos import LabelSource, image_size, read_frame
from mmvos.videos.packed import META
from mmvos.videos.storage import stored

#: videos of which a frame and a mask are decoded where not all are asked for
SAMPLE = 50


@dataclass(frozen=True)
class Split:
    """A split as the configs read it.

    Attributes:
        name (str): its name.
        dataset (Mapping): config of its data set, without root and pipeline.
        videos (tuple[int, ...]): numbers of videos that the benchmark publishes (of its editions).
        place (str): file or folder below the root that says that the split is there.
        dense (bool): whether every frame has a mask.
    """

    name: str
    dataset: Mapping[str, Any]
    videos: tuple[int, ...] = ()
    place: str = ''
    dense: bool = False


@dataclass
class Report:
    """What lies there.

    Attributes:
        split (str): name of the split.
        videos, frames, masks (int): how many there are.
        expected (tuple[int, ...]): numbers of videos that the benchmark publishes.
        problems (list[str]): what is wrong, one line each.
        read (int): how many files were decoded.
    """

    split: str
    expected: tuple[int, ...] = ()
    videos: int = 0
    frames: int = 0
    masks: int = 0
    problems: list[str] = field(default_factory=list)
    read: int = 0

    def __str__(self) -> str:
        published = f' of {" or ".join(map(str, self.expected))}' if self.expected else ''
        state = f'{len(self.problems)} faults' if self.problems else 'ok'
        counts = f'{self.videos}{published} videos, {self.frames} frames, {self.masks} masks, {self.read} files decoded'
        return f'{self.split}: {counts}: {state}'


def _davis(year: str, count: Mapping[str, int], **config: Any) -> tuple[Split, ...]:
    return tuple(
        Split(
            name,
            dict(type=f'DAVIS{year}Dataset', ann_file=f'ImageSets/{year}/{name}.txt', **config),
            (number,),
            f'ImageSets/{year}/{name}.txt',
            name in ('train', 'val'),
        )
        for name, number in count.items()
    )


def _meta(kind: str, meta: str, **count: tuple[int, ...]) -> tuple[Split, ...]:
    return tuple(
        Split(name, dict(type=kind, split=name), numbers, f'{name}/{meta.format(name)}') for name, numbers in count.items()
    )


def _vis(frames: str, file: str, **count: int) -> tuple[Split, ...]:
    return tuple(
        Split(
            name,
            dict(type='VISDataset', ann_file=file.format(name), data_prefix=dict(img_path=frames.format(name))),
            (number,),
            file.format(name),
        )
        for name, number in count.items()
    )


def _folders(**count: int) -> tuple[Split, ...]:
    return tuple(
        Split(
            name,
            dict(
                type='FolderDataset',
                data_prefix=dict(img=f'{name}/JPEGImages', ann=f'{name}/Annotations'),
                prompt='first' if name != 'test' else 'none',
            ),
            (number,),
            f'{name}/JPEGImages',
            name == 'train',
        )
        for name, number in count.items()
    )


def _whole(kind: str, number: int, **config: Any) -> tuple[Split, ...]:
    return (Split('all', dict(type=kind, **config), (number,)),)


#: splits of every data set, by the names that ``mmvos download`` has
LAYOUTS: dict[str, tuple[Split, ...]] = {
    'davis2016': (
        *_davis('2016', dict(train=30, val=20)),
        *(
            Split(
                f'{name} (list of files)',
                dict(type='DAVIS2016Dataset', ann_file=f'ImageSets/480p/{name}.txt'),
                (number,),
                f'ImageSets/480p/{name}.txt',
                True,
            )
            for name, number in (('train', 30), ('val', 20))
        ),
    ),
    'davis2017': _davis('2017', {'train': 60, 'val': 30, 'test-dev': 30, 'test-challenge': 30}),
    'davis2017-unsup': _davis('2017', dict(train=60, val=30), task='unsup'),
    'ytvos2018': _meta('YouTubeVOSDataset', 'meta.json', train=(3471,), valid=(474,), test=(508,)),
    'ytvos2019': _meta('YouTubeVOSDataset', 'meta.json', train=(3471,), valid=(507,), test=(541,)),
    'lvos': _meta('LVOSDataset', '{}_meta.json', train=(120, 420), valid=(50, 140), test=(50, 160)),
    'mose': _folders(train=1507, valid=311),
    'ytvis2019': _vis('{}/JPEGImages', '{}.json', train=2238, valid=302, test=343),
    'ytvis2021': _vis('{}/JPEGImages', '{}/instances.json', train=2985, valid=421, test=453),
    'ovis': _vis('{}', 'annotations_{}.json', train=607, valid=140, test=154),
    'segtrack': _whole('SegTrackV2Dataset', 14),
    'fbms': tuple(
        Split(name, dict(type='FBMSDataset', split=name), (number,), folder)
        for name, number, folder in (('train', 29, 'Trainingset'), ('test', 30, 'Testset'))
    ),
    'youtube-objects': _whole('YouTubeObjectsDataset', 126),
    'msra10k': _whole('MSRA10KDataset', 10_000),
    'duts': _whole('DUTSDataset', 10_553),
    'dut-omron': _whole('DUTOMRONDataset', 5_168),
    'ecssd': _whole('ECSSDDataset', 1_000),
    'voc2012': _whole('VOCInstanceDataset', 2_913),
}


def check(name: str, root: str, everything: bool = False) -> list[Report]:
    """Check the splits of a data set that are there.

    Args:
        name (str): one of :data:`LAYOUTS`.
        root (str): its folder, or a packed copy.
        everything (bool): decode every frame and mask; else one of each in up to 50 videos, and compare the sizes of the first
            frame and mask of every video.

    Returns:
        A report for each split; splits whose list is not there have none.

    Raises:
        InputError: none of the splits is there.
    """
    args = dict(backend='pack') if is_file(join_path(root, META)) else None
    place, splits = stored(root, args), LAYOUTS[name]
    present = [
        split
        for split in splits
        if is_folder(place) and (not split.place or is_file(path := join_path(place, split.place)) or is_folder(path))
    ]
    if not present:
        expected = ', '.join(split.place for split in splits if split.place) or 'its files'
        raise InputError(f'{root}: no split of {name} found. Expected one of: {expected}.')
    return [_check_split(split, root, args, everything) for split in present]


def _check_split(split: Split, root: str, backend_args: dict | None, everything: bool) -> Report:
    report = Report(split.name, split.videos)
    extra = dict(test_mode=True) if split.dataset['type'] == 'VISDataset' else {}
    config = dict(split.dataset, data_root=root, backend_args=backend_args, pipeline=[], lazy_init=True, **extra)
    dataset = DATASETS.build(dict(config, type=f'mmvos.{config["type"]}'))
    videos = list(_videos_of(dataset, report))
    report.videos = len(videos)
    chosen = set(np.linspace(0, len(videos) - 1, min(SAMPLE, len(videos))).round().astype(int).tolist()) if videos else set()
    for number, video in enumerate(videos):
        frames, masks = _files_of(video)
        report.frames += len(frames)
        report.masks += len(masks)
        if split.dense and len(masks) < len(frames):
            report.problems.append(f'{video["video_id"]}: {len(frames)} frames, but {len(masks)} masks')
        if 'images' in video:  # its file names the frames, so that they may be missing
            missing = [path for path in frames if not is_file(path)]
            if missing:
                report.problems.append(f'{missing[0]}: not found ({len(missing)} of {len(frames)} frames of this video)')
                continue
        try:
            _check_video(frames, masks, report, everything, number in chosen)
        except InputError as error:
            report.problems.append(str(error))
    if split.videos and report.videos not in split.videos and not report.problems:
        report.problems.append(f'{report.videos} videos; the benchmark has {" or ".join(map(str, split.videos))}')
    return report


def _videos_of(dataset: Any, report: Report) -> Iterator[dict]:
    """Videos of a data set; one that is wrong is a problem, the others go on where the data set can tell them apart."""
    try:
        if not hasattr(dataset, 'entries'):
            yield from dataset.load_data_list()
            return
        entries = dataset.entries()
    except InputError as error:
        report.problems.append(str(error))
        return
    for entry in entries:
        try:
            video = dataset.video(entry)
        except InputError as error:
            report.problems.append(str(error))
            continue
        masks = set(entry.masks())
        lacking = [name for name in entry.listed_frames() if name not in masks] if report.split == 'train' else []
        if lacking:
            report.problems.append(
                f'{entry.masks_dir}/{lacking[0]}.png: not found, nor are {len(lacking) - 1} more listed masks'
            )
        yield video


def _files_of(video: Mapping[str, Any]) -> tuple[list[str], dict[int, LabelSource]]:
    if 'images' in video:
        return [image['img_path'] for image in video['images']], {}
    options = video.get('label_options', {})
    sources = {**video.get('annotations', {}), **video.get('prompts', {})}
    return list(video['frames']), {index: LabelSource.of(source, **options) for index, source in sources.items()}


def _check_video(
    frames: Sequence[str], masks: Mapping[int, LabelSource], report: Report, everything: bool, chosen: bool
) -> None:
    """Sizes and contents of a video's files; the first fault is raised, so that a video takes one line."""
    if everything:
        size = None
        for index, path in enumerate(frames):
            shape = read_frame(path).shape[:2]
            report.read += 1
            if size is not None and shape != size:
                raise InputError(f'{path}: {shape[1]}x{shape[0]}; the frames before are {size[1]}x{size[0]} (width x height).')
            size = shape
            if index in masks:
                masks[index].read(shape)
                report.read += 1
        return
    first = min(masks, default=0)
    if chosen:
        shape = read_frame(frames[first]).shape[:2]
        report.read += 1
    else:
        shape = image_size(frames[first])
    if masks and (chosen or masks[first].reader is None):
        if chosen:
            masks[first].read(shape)
            report.read += 1
        elif image_size(masks[first].paths[0]) != shape:
            masks[first].read(shape)  # says what is wrong
