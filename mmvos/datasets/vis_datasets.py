"""Data sets of video instance segmentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pycocotools.mask as rle
from mmdet.datasets import YouTubeVISDataset as MMDetYouTubeVISDataset
from mmdet.datasets.base_video_dataset import BaseVideoDataset

from mmvos.registry import DATASETS
from mmvos.structures import InputError, check_name, check_unique, join_path, settings_from
from mmvos.structures.run_length import as_code
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.videos.storage import StoredData


@dataclass(frozen=True)
class FrameFilter:
    """Which frames training leaves out.

    Args:
        filter_empty_gt (bool): those without an object to learn from.
        min_size (int): those with a shorter side, in pixels.
    """

    filter_empty_gt: bool = True
    min_size: int = 32


@DATASETS.register_module()
class VISDataset(StoredData, BaseVideoDataset):
    """Videos with instances, from an annotation file of YouTube-VIS or COCO-video (see :func:`load_youtube_vis`).

    Training: as mmdet's ``BaseVideoDataset``, a video with the annotations of its frames, for mmdet's transforms of
    tracking. Test (``test_mode=True``): an item is ``dict(inputs=Video)``, whose frames are decoded when they are
    asked for.

    Differs from mmdet's class: YouTube-VIS's own files are read without a conversion; frames without annotation are
    left out of training also if that leaves nothing of a video (mmdet keeps such a video, with a length of 0); an
    instance with the id 0 is an instance; a class that the file lacks is an error.

    Args:
        ann_file (str): annotation file, relative to ``data_root``.
        data_prefix (dict): ``dict(img_path=folder of the frames)``, relative to ``data_root``.
        metainfo (dict | None): ``dict(classes=...)``: classes to use, in the order of their labels (default: those of the data
            set; where it has none, those of the file).
        filter_cfg (dict | None): settings of a :class:`FrameFilter`: which frames training leaves out.
        pipeline (Sequence[dict] | None): training: mmdet's transforms of tracking, ending with ``mmdet.PackTrackInputs``. Test:
            default ``PackVideo``.
        test_mode (bool): whether items are whole videos.
        kwargs (dict): arguments of ``mmdet.BaseVideoDataset``; ``backend_args`` as for
            :class:`~mmvos.datasets.BaseVOSDataset`.
    """

    def __init__(self, *args: Any, pipeline: Sequence[dict] | None = None, test_mode: bool = False, **kwargs: Any) -> None:
        if pipeline is None:
            pipeline = [dict(type='mmvos.PackVideo', meta_keys=('vis_id',))] if test_mode else []
        super().__init__(*args, pipeline=pipeline, test_mode=test_mode, **kwargs)

    def load_data_list(self) -> list[dict]:
        """``[dict(video_id, name, height, width, video_length, images=[dict(img_path, instances, ...)])]``.

        Raises:
            InputError: not a file of this layout, a class that it lacks, a name twice, or, for training, no annotations.
        """
        data = load_youtube_vis(self.ann_file)
        self._set_classes(data['categories'])
        labels = {cat_id: label for label, cat_id in enumerate(self.metainfo['cat_ids'])}
        folder = self.data_prefix.get('img_path', '')
        if not self.test_mode and not data.get('annotations'):
            raise InputError(f'{self.ann_file}: no annotations, so it cannot be trained on.')
        videos = {}
        for video in data['videos']:
            common = dict(video_id=video['id'], height=video['height'], width=video['width'])
            images = [
                dict(common, img_id=(video['id'], frame), img_path=join_path(folder, name), frame_id=frame, instances=[])
                for frame, name in enumerate(video['file_names'])
            ]
            videos[video['id']] = dict(common, name=video_name(video), video_length=len(images), images=images)
        if not self.test_mode:
            for number, annotation in enumerate(data['annotations'], 1):
                if annotation['category_id'] in labels:
                    self._add_instances(videos[annotation['video_id']], annotation, number, labels[annotation['category_id']])
        names = [check_name(video['name'], self.ann_file) for video in videos.values()]
        check_unique(names, self.ann_file)
        return list(videos.values())

    def _set_classes(self, categories: list[dict]) -> None:
        names = {category['name'].lower(): category['id'] for category in categories}
        classes = self._metainfo.get('classes')
        if classes is None:
            classes = tuple(category['name'] for category in categories)
        unknown = [name for name in classes if name.lower() not in names]
        if unknown:
            raise InputError(f'{self.ann_file}: no category named {unknown[0]!r}; it has {sorted(names)}.')
        self._metainfo.update(classes=tuple(classes), cat_ids=tuple(names[name.lower()] for name in classes))

    @staticmethod
    def _add_instances(video: dict, annotation: dict, instance_id: int, label: int) -> None:
        size = video['height'], video['width']
        boxes = annotation.get('bboxes') or [None] * len(annotation['segmentations'])
        for image, mask, box in zip(video['images'], annotation['segmentations'], boxes, strict=True):
            if not mask:
                continue
            if box is None:
                box = rle.toBbox(as_code(mask, size)).tolist()
            x1, y1, width, height = box
            x2, y2 = min(x1 + width, video['width']), min(y1 + height, video['height'])
            x1, y1 = max(x1, 0), max(y1, 0)
            if x2 - x1 >= 1 and y2 - y1 >= 1:
                image['instances'].append(
                    dict(
                        bbox=[x1, y1, x2, y2],
                        bbox_label=label,
                        mask=mask,
                        instance_id=instance_id,
                        ignore_flag=int(bool(annotation.get('iscrowd', 0))),
                    )
                )

    def filter_data(self) -> list[dict]:
        """Training only: frames without an object to learn from, and very small ones, go.

        Raises:
            InputError: nothing is left.
        """
        if self.test_mode:
            return self.data_list
        rule = settings_from(FrameFilter, self.filter_cfg, f'{type(self).__name__}.filter_cfg')
        videos = []
        for video in self.data_list:
            images = [
                image
                for image in video['images']
                if min(image['height'], image['width']) >= rule.min_size
                and (not rule.filter_empty_gt or any(not i['ignore_flag'] for i in image['instances']))
            ]
            if images:
                videos.append(dict(video, images=images, video_length=len(images)))
        if not videos:
            raise InputError(f'{self.ann_file}: no frame is left to train on (classes {self.metainfo["classes"]}).')
        return videos

    def prepare_data(self, idx: Any) -> dict:
        """Training: a sample of the pipeline. Test: the video."""
        if not self.test_mode:
            return super().prepare_data(idx)
        info = self.get_data_info(idx)
        return self.pipeline(
            dict(
                video_id=info['name'],
                frames=[image['img_path'] for image in info['images']],
                prompts={},
                vis_id=info['video_id'],
            )
        )

    def video_lengths(self) -> list[int]:
        """Number of frames of every video, for samplers that share out work by it."""
        return [self.get_data_info(i)['video_length'] for i in range(len(self))]


def video_name(video: dict) -> str:
    """The data set's own name of a video: as its file says, or the folder of its frames, or its id."""
    name = video.get('name')
    if not name and video['file_names']:
        parent = PurePosixPath(video['file_names'][0]).parent
        name = parent.name if parent.is_absolute() or '..' in parent.parts else str(parent)
    return str(video['id']) if name in (None, '', '.') else name


@DATASETS.register_module()
class YouTubeVISDataset(VISDataset):
    """YouTube-VIS.

    Args:
        dataset_version (str): ``'2019'`` or ``'2021'``: which 40 classes.
        metainfo (dict | None): replaces entries of the version's own, e.g. ``dict(classes=...)``.
        kwargs (dict): arguments of :class:`VISDataset`.
    """

    def __init__(self, dataset_version: str, *args: Any, metainfo: dict | None = None, **kwargs: Any) -> None:
        MMDetYouTubeVISDataset.set_dataset_classes(dataset_version)
        super().__init__(*args, metainfo=dict(MMDetYouTubeVISDataset.METAINFO, **(metainfo or {})), **kwargs)


@DATASETS.register_module()
class OVISDataset(VISDataset):
    """OVIS: occluded instances, 25 classes, in the layout of YouTube-VIS ("Occluded Video Instance Segmentation")."""

    METAINFO = dict(
        classes=(
            'Person',
            'Bird',
            'Cat',
            'Dog',
            'Horse',
            'Sheep',
            'Cow',
            'Elephant',
            'Bear',
            'Zebra',
            'Giraffe',
            'Poultry',
            'Giant_panda',
            'Lizard',
            'Parrot',
            'Monkey',
            'Rabbit',
            'Tiger',
            'Fish',
            'Turtle',
            'Bicycle',
            'Motorcycle',
            'Airplane',
            'Boat',
            'Vehical',
        )
    )  # spelt as in its files


@DATASETS.register_module()
class SynthVISDataset(VISDataset):
    """Procedural videos made by ``tools/dataset_converters/make_synthvis.py``; the classes are those of the file."""
