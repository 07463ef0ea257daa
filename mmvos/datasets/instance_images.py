"""Still images with instances given as label maps: folders (PASCAL VOC, CVPPP) and synthetic images."""

from typing import Any

import numpy as np
from mmdet.datasets import BaseDetDataset

from mmvos.registry import DATASETS, TASK_UTILS
from mmvos.structures import InputError, join_path, read_lines
from mmvos.videos.storage import StoredData

from .synth import SynthEngine, SynthSettings


@DATASETS.register_module()
class InstanceMapDataset(StoredData, BaseDetDataset):
    """Images whose instances are the values of a label map (0 background, 255 void).

    ``LoadInstanceMap`` turns an item's ``instance_map`` (and ``class_map``, a label map of classes of the same size)
    into mmdet's ``gt_masks``, ``gt_bboxes`` and ``gt_bboxes_labels``.

    Examples::

        # PASCAL VOC 2012
        dict(
            type='InstanceMapDataset',
            data_root='data/VOC2012',
            ann_file='ImageSets/Segmentation/train.txt',
            data_prefix=dict(img='JPEGImages/{}.jpg', instance='SegmentationObject/{}.png', cls='SegmentationClass/{}.png'),
            metainfo=dict(classes=(...)),
        )
        # CVPPP A1
        dict(
            type='InstanceMapDataset',
            data_root='data/CVPPP/A1',
            ann_file='train.txt',
            data_prefix=dict(img='{}_rgb.png', instance='{}_label.png'),
            metainfo=dict(classes=('leaf',)),
        )

    Args:
        data_root (str): root folder.
        ann_file (str): text file with one image name per line.
        data_prefix (dict[str, str]): patterns relative to ``data_root``, ``{}`` is the name: ``img``, ``instance``, and ``cls``
            where there is more than one class.
        kwargs (dict): arguments of mmdet's data sets; ``metainfo`` must name the ``classes``.

    Raises:
        InputError: a ``data_prefix`` without ``img`` or ``instance``.
    """

    def __init__(self, data_root: str, ann_file: str, data_prefix: dict[str, str], **kwargs: Any) -> None:
        missing = {'img', 'instance'} - data_prefix.keys()
        if missing:
            raise InputError(
                f'data_prefix lacks {sorted(missing)[0]!r}: expected patterns for img and instance, and '
                'cls if there are several classes.'
            )
        self.patterns = dict(data_prefix)
        super().__init__(data_root=data_root, ann_file=ann_file, data_prefix=dict(img=''), **kwargs)

    def load_data_list(self) -> list[dict]:
        """One item per name of the list."""
        items = []
        for index, name in enumerate(read_lines(self.ann_file, 'a text file with one image name per line')):
            paths = {k: join_path(self.data_root, pattern.format(name)) for k, pattern in self.patterns.items()}
            items.append(dict(img_path=paths['img'], img_id=index, instance_map=paths['instance'], class_map=paths.get('cls')))
        return items

    def filter_data(self) -> list[dict]:
        """All of them: an image without instances teaches to stop at once."""
        return self.data_list


@DATASETS.register_module()
class SynthInstanceDataset(BaseDetDataset):
    """Endless synthetic still images of objects on a background; image i is the same in every process and every run.

    Args:
        length (int): number of different images.
        size (tuple[int, int]): ``(h, w)``.
        num_objects (tuple[int, int]): range of their number.
        objects, backgrounds (dict | None): configs of the sources of cut-outs, as in ``SynthVOSDataset``.
        settings (dict[str, Any] | None): further fields of :class:`~mmvos.datasets.synth.SynthSettings`.
        seed (int): different seeds give different images.
        kwargs (dict): arguments of mmdet's data sets.
    """

    def __init__(
        self,
        length: int = 10_000_000,
        size: tuple[int, int] = (96, 96),
        num_objects: tuple[int, int] = (1, 4),
        objects: dict | None = None,
        backgrounds: dict | None = None,
        settings: dict[str, Any] | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        self.length, self.seed = length, seed
        sources = (objects or dict(type='ProceduralObjects'), backgrounds or dict(type='ProceduralBackgrounds'))
        self._objects, self._backgrounds = (TASK_UTILS.build(source) for source in sources)
        self._settings = SynthSettings(**dict(settings or {}, size=tuple(size), num_objects=tuple(num_objects)))
        self._engine: SynthEngine | None = None
        kwargs.setdefault('metainfo', dict(classes=tuple(self._objects.classes)))
        super().__init__(**kwargs)

    def full_init(self) -> None:
        """Nothing to read."""
        self._fully_initialized = True

    def __len__(self) -> int:
        return self.length

    def get_data_info(self, idx: int) -> dict:
        """Render image ``idx``."""
        idx = idx % self.length
        if self._engine is None:  # each worker has its own
            self._engine = SynthEngine(self._objects, self._backgrounds, self._settings)
        clip = self._engine.render(np.random.default_rng((self.seed, idx)), 1)
        classes = list(self.metainfo['classes'])
        return dict(
            img_id=idx,
            img_path=f'synth_{idx:06d}',
            img=clip.frames[0],
            instance_map=clip.label_maps[0],
            sample_idx=idx,
            labels={i: classes.index(c) for i, c in clip.categories.items()},
        )
