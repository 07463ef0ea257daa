"""What a data set of videos is: a list of videos, each a dict that a pipeline turns into a clip or a video."""

import json
import os
import os.path as osp
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from PIL import Image, UnidentifiedImageError

from mmvos.registry import DATASETS
from mmvos.videos.video import list_frames


@DATASETS.register_module()
class BaseVOSDataset(BaseDataset):
    """Base of all data sets of videos.

    A subclass implements :meth:`load_data_list`, which returns one dict per video:

    - ``video_id`` (str): the data set's own name of the video.
    - ``frames`` (list): paths of the frames, in order (or BGR uint8 ``(H, W, 3)`` arrays).
    - ``annotations`` (dict): ``{frame index: label map}`` of the frames that have one; may be sparse. A label map is a
      path, an array uint8 ``(H, W)``, or a :class:`~mmvos.datasets.LabelSource`.
    - ``prompts`` (dict): ``{frame index: label map}``: what a model is told at test. Each holds the objects that begin
      there. Empty for tasks without prompts.
    - ``label_options`` (dict): keyword arguments of :func:`mmvos.structures.read_label_map` for label maps that are
      paths.
    - Optional: ``categories`` (``{object id: name}``), ``eval_frames`` (indices that count; default: the metric's own
      rule), ``submit_frames`` (stems of the frames that a submission holds; default all), ``frame_names`` (stems of
      result files; default the frames' own), ``group`` (a key for a mean of means, such as the class), ``labelled``
      (indices that training may sample; default: those with an annotation), ``object_frames`` (``{object id: indices}``
      where it is known without reading masks that the object is visible), ``flows`` (``{frame index: path}`` of cached
      backward flow).

    Args:
        data_root: root folder of the data set.
        ann_file: file that lists the split, relative to ``data_root``.
        data_prefix: ``{name: folder}`` relative to ``data_root``.
        pipeline: transforms; training ends with ``PackVOSInputs``, test with ``PackVideo``.
        size_mismatch: what to do with a mask that is not of its frame's size: ``'error'``, or ``'resize'`` (nearest).
        sequences: keep only the videos of these ids: a list, or the path of a text file with one id per line.
        exclude: leave these videos out (as ``sequences``; ids that the split does not have are no error).
        min_labelled: leave out videos with fewer labelled frames, counted from the first one with an object on.
        frame_size: ``(H, W)``: leave out videos whose first frame has another size.
        split_clips: training: an item is not a whole video but one of its clips of this many labelled frames that do
            not overlap (RVOS; a shorter video gives one).
        split_objects: training: an item is a set of objects that are visible together in a video, with the frames that
            show exactly this set (AGSS-VOS). Needs ``object_frames``.
        kwargs: as of ``mmengine.dataset.BaseDataset``.
    """

    METAINFO = dict()

    def __init__(
        self,
        data_root: str = '',
        ann_file: str = '',
        data_prefix: dict | None = None,
        pipeline: Sequence[dict | Callable] = (),
        size_mismatch: str = 'error',
        sequences: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] | None = None,
        min_labelled: int = 0,
        frame_size: tuple[int, int] | None = None,
        split_clips: int = 0,
        split_objects: bool = False,
        max_refetch: int = 100,
        **kwargs,
    ) -> None:
        if size_mismatch not in ('error', 'resize'):
            raise ValueError(f"size_mismatch is {size_mismatch!r}; expected 'error' or 'resize'.")
        self.size_mismatch = size_mismatch
        self.sequences = read_split_list(sequences) if isinstance(sequences, str) else sequences
        self.exclude = set(read_split_list(exclude) if isinstance(exclude, str) else exclude or ())
        self.min_labelled, self.frame_size = min_labelled, frame_size and tuple(frame_size)
        self.split_clips, self.split_objects = split_clips, split_objects
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=data_prefix or {},
            pipeline=list(pipeline),
            max_refetch=max_refetch,
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """One dict per video, see the class."""
        raise NotImplementedError(f'{type(self).__name__} must implement load_data_list.')

    def filter_data(self) -> list[dict]:
        """Fill in what a video may leave out, choose videos, and split them into training items if asked for."""
        videos = [self._complete(video) for video in self.data_list]
        if self.sequences is not None:
            missing = set(self.sequences) - {v['video_id'] for v in videos}
            if missing:
                raise ValueError(f'{self.source_name}: no video {sorted(missing)[0]!r} in this split.')
            videos = [v for v in videos if v['video_id'] in set(self.sequences)]
        found = len(videos)
        videos = [v for v in videos if v['video_id'] not in self.exclude and self._is_eligible(v)]
        if not videos:
            raise ValueError(
                f'{self.source_name}: {type(self).__name__} found {found} videos, and none is left after '
                'exclude, min_labelled and frame_size.'
            )
        frames, labelled = sum(len(v['frames']) for v in videos), sum(len(v['annotations']) for v in videos)
        print_log(
            f'{type(self).__name__}: {len(videos)} videos, {frames} frames, {labelled} annotated ({self.source_name})',
            logger='current',
        )
        if self.split_clips:
            videos = [item for video in videos for item in self._clips_of(video)]
        if self.split_objects:
            videos = [item for video in videos for item in self._visible_sets_of(video)]
        return videos

    def _is_eligible(self, video: dict) -> bool:
        if self.min_labelled:
            first = min((min(f) for f in video.get('object_frames', {}).values()), default=0)
            if sum(i >= first for i in video['labelled']) < self.min_labelled:
                return False
        return not self.frame_size or image_size(video['frames'][0]) == self.frame_size

    def _clips_of(self, video: dict) -> Iterator[dict]:
        labelled, length = video['labelled'], self.split_clips
        for start in range(0, max(1, len(labelled) // length) * length, length):
            yield dict(video, labelled=labelled[start : start + length])

    def _visible_sets_of(self, video: dict) -> Iterator[dict]:
        if 'object_frames' not in video:
            raise ValueError(
                f'{video["video_id"]}: split_objects needs to know in which frames an object is visible, '
                f'which {type(self).__name__} does not say; use SampleClip(same_objects=True) instead.'
            )
        visible: dict[tuple, list[int]] = {}
        for index in video['labelled']:
            pattern = tuple(sorted(i for i, frames in video['object_frames'].items() if index in frames))
            if pattern:
                visible.setdefault(pattern, []).append(index)
        for _, frames in sorted(visible.items()):
            yield dict(video, labelled=frames)

    @property
    def source_name(self) -> str:
        """What error messages call this data set: its list file, or its root."""
        return self.ann_file or self.data_root or type(self).__name__

    def _complete(self, video: dict) -> dict:
        options = dict(size_mismatch=self.size_mismatch, **video.pop('label_options', {}))
        video = dict(dict(annotations={}, prompts={}, categories={}, eval_frames=None), **video, label_options=options)
        if not video['frames']:
            raise ValueError(f'{video["video_id"]}: this video of {self.source_name} has no frames.')
        video.setdefault('labelled', sorted(video['annotations']))
        return video

    def __getitem__(self, idx: int) -> Any:
        """The pipeline's output. A video without a usable clip is replaced by another one in training.

        Unlike mmengine, which would retry forever on a broken file, only a pipeline that says None (nothing to sample
        here) leads to another video; errors are errors.
        """
        if not self._fully_initialized:
            self.full_init()
        data = self.prepare_data(idx)
        if data is not None:
            return data
        if self.test_mode:
            raise ValueError(f'{self.get_data_info(idx)["video_id"]}: the test pipeline returned nothing.')
        for _ in range(self.max_refetch):
            data = self.prepare_data(self._rand_another())
            if data is not None:
                return data
        raise ValueError(
            f'{self.source_name}: none of {self.max_refetch} random videos gave a clip. Is the clip '
            'longer than the videos, or are all objects smaller than asked for?'
        )

    def video_lengths(self) -> list[int]:
        """Number of frames of every video, for samplers that share out work by it."""
        if not self._fully_initialized:
            self.full_init()
        return [len(self.get_data_info(i)['frames']) for i in range(len(self))]


def image_size(source: Any) -> tuple[int, int]:
    """``(H, W)`` of an image file, from its header, or of an array."""
    if hasattr(source, 'shape'):
        return source.shape[:2]
    try:
        with Image.open(source) as image:
            return image.height, image.width
    except FileNotFoundError:
        raise FileNotFoundError(f'{source}: frame not found.') from None
    except UnidentifiedImageError:
        raise ValueError(f'{source}: cannot be decoded as an image.') from None


def read_split_list(path: str) -> list[str]:
    """Non-empty lines of a list file, stripped.

    Raises:
        FileNotFoundError, ValueError: naming the file.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'{path}: split list not found. Expected a text file with one video name per line.')
    with open(path) as file:
        lines = [line.strip() for line in file]
    lines = [line for line in lines if line]
    if not lines:
        raise ValueError(f'{path}: the split list is empty. Expected one video name per line.')
    return lines


def read_json(path: str, expected: str) -> Any:
    """A JSON file; ``expected`` says in the error what it should have been."""
    if not osp.isfile(path):
        raise FileNotFoundError(f'{path}: not found. Expected {expected}.')
    try:
        with open(path) as file:
            return json.load(file)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: broken JSON ({error}). Expected {expected}.') from None


def frames_of(folder: str, video_id: str) -> list[str]:
    """The frames in a video's folder, in order; an error that names the folder if there are none."""
    if not osp.isdir(folder):
        raise FileNotFoundError(f'{folder}: folder of the frames of video {video_id!r} not found.')
    frames = list_frames(folder)
    if not frames:
        raise ValueError(f'{folder}: no frames found for video {video_id!r}.')
    return frames


def masks_by_frame(folder: str, frames: Sequence[str], suffix: str = '.png') -> dict[int, str]:
    """``{frame index: path}`` of the masks in ``folder``, matched to frames by their stems.

    Raises:
        FileNotFoundError: a mask whose frame is missing, named by the frame that was expected.
    """
    position = {osp.splitext(osp.basename(f))[0]: i for i, f in enumerate(frames)}
    masks = {}
    for name in sorted(os.listdir(folder)):
        stem, ending = osp.splitext(name)
        if ending.lower() != suffix or name.startswith('.'):
            continue
        if stem not in position:
            expected = osp.join(osp.dirname(frames[0]), stem + osp.splitext(frames[0])[1])
            raise FileNotFoundError(f'{expected}: frame not found, but there is a mask for it ({osp.join(folder, name)}).')
        masks[position[stem]] = osp.join(folder, name)
    return masks
