"""What a data set of videos is: a list of videos, each a dict that a pipeline turns into a clip or a video."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmvos.registry import DATASETS
from mmvos.structures import InputError, check_name, check_unique
from mmvos.videos import LabelSource
from mmvos.videos.storage import StoredData

from .selection import VideoSelection


@DATASETS.register_module()
class BaseVOSDataset(StoredData, BaseDataset, ABC):
    """Base of all data sets of videos.

    A subclass implements :meth:`load_data_list`, which returns one dict per video:

    - ``video_id`` (str): the data set's own name of the video; unique, and a relative path.
    - ``frames`` (list): paths of the frames, in order (or BGR uint8 ``(H, W, 3)`` arrays).
    - ``annotations`` (dict): ``{frame index: label map}`` of the frames that have one; may be sparse. Whatever
      :meth:`mmvos.videos.LabelSource.of` takes; items hold a :class:`~mmvos.videos.LabelSource`.
    - ``prompts`` (dict): ``{frame index: label map}``: what a model is given at test. Each holds the objects that begin
      there. Empty for tasks without prompts.
    - ``label_options`` (dict): keyword arguments of :class:`~mmvos.videos.LabelSource` for label maps that are none yet.
    - Optional: ``categories`` (``{object id: name}``), ``eval_frames`` (indices that count; default: the metric's own
      rule), ``submit_frames`` (names of the frames that a submission holds; default all), ``frame_names`` (names of result
      files; default the frames' own), ``group`` (a key for a mean of means, such as the class), ``labelled`` (indices that
      training may sample; default: those with an annotation), ``object_frames`` (``{object id: indices}`` where it is known
      without reading masks that the object is visible), ``flows`` (``{frame index: path}`` of cached backward flow).

    Args:
        data_root (str): root folder of the data set.
        ann_file (str): file that lists the split, relative to ``data_root``.
        data_prefix (dict | None): ``{name: folder}`` relative to ``data_root``.
        pipeline (Sequence): transforms; training ends with ``PackVOSInputs``, test with ``PackVideo``.
        size_mismatch (str): what to do with a mask that is not of its frame's size: ``'error'``, or ``'resize'`` (nearest).
        sequences (str | Sequence[str] | None): use only these videos: their names, or a text file with one per line; None: all.
        exclude (str | Sequence[str] | None): leave these out, likewise.
        min_labelled (int): leave out videos with fewer labelled frames.
        frame_size (tuple[int, int] | None): ``(H, W)``: leave out videos of another size.
        split_clips (int): items are clips of this many labelled frames; 0: whole videos.
        split_objects (bool): items are sets of objects that are visible together; see
            :class:`~mmvos.datasets.selection.VideoSelection` for these six.
        max_refetch (int): training: how many other videos are tried where one gives no clip.
        backend_args (dict | None): storage of lists, frames and masks, as mmengine has it: ``dict(backend='pack')``,
            ``dict(backend='lmdb', db_path=...)``. None: the disk, or the server that ``data_root`` names.
        kwargs (dict): arguments of ``mmengine.dataset.BaseDataset``.
    """

    METAINFO: dict[str, Any] = dict()

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
        backend_args: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if size_mismatch not in ('error', 'resize'):
            raise InputError(f"size_mismatch is {size_mismatch!r}; expected 'error' or 'resize'.")
        self.size_mismatch, self.backend_args = size_mismatch, backend_args
        self.selection = VideoSelection(sequences, exclude or (), min_labelled, frame_size, split_clips, split_objects)
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=data_prefix or {},
            pipeline=list(pipeline),
            max_refetch=max_refetch,
            **kwargs,
        )

    @abstractmethod
    def load_data_list(self) -> list[dict]:
        """One dict per video, see the class."""

    def filter_data(self) -> list[dict]:
        """Fill in what a video may leave out, choose videos, and divide them into training items if asked for.

        Raises:
            InputError: two videos of one name, a name that leads out of its folder, a video without frames, or none is left.
        """
        videos = [self._complete(video) for video in self.data_list]
        check_unique([video['video_id'] for video in videos], self.source_name)
        videos = self.selection.choose(videos, self.source_name)
        frames, labelled = sum(len(v['frames']) for v in videos), sum(len(v['annotations']) for v in videos)
        print_log(
            f'{type(self).__name__}: {len(videos)} videos, {frames} frames, {labelled} annotated ({self.source_name})',
            logger='current',
        )
        return self.selection.items(videos)

    @property
    def source_name(self) -> str:
        """What error messages call this data set: its list file, or its root."""
        return self.ann_file or self.data_root or type(self).__name__

    def _complete(self, video: dict) -> dict:
        check_name(video['video_id'], self.source_name)
        options = dict(size_mismatch=self.size_mismatch, **video.pop('label_options', {}))
        video = dict(dict(annotations={}, prompts={}, categories={}, eval_frames=None), **video)
        if not video['frames']:
            raise InputError(f'{video["video_id"]}: this video of {self.source_name} has no frames.')
        for key in ('annotations', 'prompts'):
            video[key] = {index: LabelSource.of(source, **options) for index, source in video[key].items()}
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
            raise InputError(f'{self.get_data_info(idx)["video_id"]}: the test pipeline returned nothing.')
        for _ in range(self.max_refetch):
            data = self.prepare_data(self._rand_another())
            if data is not None:
                return data
        raise InputError(
            f'{self.source_name}: none of {self.max_refetch} random videos gave a clip. Is the clip '
            'longer than the videos, or are all objects smaller than asked for?'
        )

    def video_lengths(self) -> list[int]:
        """Number of frames of every video, for samplers that share out work by it."""
        if not self._fully_initialized:
            self.full_init()
        return [len(self.get_data_info(i)['frames']) for i in range(len(self))]
