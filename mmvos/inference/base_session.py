"""What the sessions of both tasks share: one video after the other, frame by frame, through one model."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from mmengine.structures import BaseDataElement

from mmvos.structures import InputError, placed
from mmvos.videos import Video
from mmvos.videos.video import read_ahead

from .frame import Frame, FrameView, check_frame
from .geometry import FrameGeometry

#: frames that are made ready for the network ahead of need, beside those that are decoded ahead
AHEAD = 2
Result = TypeVar('Result', bound=BaseDataElement)


class BaseSession(ABC, Generic[Result]):
    """Drives one model over one video after the other.

    Args:
        model (Any): a model of the session's task, or its distributed wrapper.
        device (str | torch.device | None): where the model is moved (default: it stays where its parameters are).
        amp (bool | torch.dtype | None): mixed precision: False, True (float16; bfloat16 on a CPU) or a dtype (default:
            as the model's ``test_cfg`` says).
        settings (Any): used in place of the model's ``test_cfg``.
    """

    def __init__(
        self, model: Any, device: str | torch.device | None = None, amp: bool | torch.dtype | None = None, settings: Any = None
    ) -> None:
        self.model = model.module if is_model_wrapper(model) else model
        if device is not None:
            self.model.to(device)
        self.model.eval()
        self.device: torch.device = self.model.data_preprocessor.device
        self.settings = self.model.test_cfg if settings is None else settings
        amp = self.settings.amp if amp is None else amp
        if amp is True:
            amp = torch.bfloat16 if self.device.type == 'cpu' else torch.float16
        self._precision: torch.dtype | None = amp or None
        self.reset()

    def reset(self) -> None:
        """Forget everything about the video."""
        self.state: Any = None
        self.view: FrameView | None = None
        self.frame_index = -1
        self._ahead: tuple[np.ndarray, Frame] | None = None

    @abstractmethod
    def step(self, frame: np.ndarray) -> Result:
        """The result of the next frame of a video, BGR uint8 ``(H, W, 3)``."""

    def run(self, video: Video) -> Iterator[Result]:
        """Results of a video from its first frame, one per frame, as soon as each is there.

        Raises:
            InputError: a frame or a prompt that cannot be used; the message names the video and the frame.
        """
        self.reset()
        for result in self._results(video):
            result.set_metainfo(video_info(video, result.frame_index))
            yield result

    def _results(self, video: Video) -> Iterator[Result]:
        for index, frame in self._frames(video):
            with place_named(video, index):
                result = self.step(frame)
            yield result

    def _frames(self, video: Video) -> Iterator[tuple[int, np.ndarray]]:
        """``(index, frame)`` of a video; what the network sees of a frame (:meth:`_seen`) is made ahead, in another thread."""
        frames = named_frames(video)
        first: FrameView | None = None
        last: Frame | None = None

        def prepared(_: int) -> tuple[int, np.ndarray, Frame] | None:
            nonlocal first, last
            item = next(frames, None)
            if item is None:
                return None
            index, frame = item
            with place_named(video, index):
                view = self.view or first
                if view is None:
                    view = first = self._new_view(frame, index)
                seen = view.view(frame, index)
            if last is not None and last.image.shape == seen.image.shape:
                self._look_ahead(seen, last)
            last = seen
            return index, frame, seen

        for item in read_ahead(prepared, itertools.count(), min(video.prefetch, AHEAD)):
            if item is None:
                return
            index, frame, seen = item
            self._ahead = frame, seen
            yield index, frame

    def _look_ahead(self, frame: Frame, last: Frame) -> None:
        """Compute what can be computed of a frame, and of the one before it, before that one is segmented."""

    def _seen(self, frame: np.ndarray) -> Frame:
        """The next frame of a video as the model sees it."""
        ahead, self._ahead = self._ahead, None
        view = self._view(frame)
        if ahead is not None and ahead[0] is frame:
            seen = ahead[1]
            # a prompt may have changed the size since
            if (seen.index, seen.img_shape) == (self.frame_index + 1, view.geometry.input_shape):
                return seen
        return view.view(frame, self.frame_index + 1)

    def _view(self, frame: np.ndarray) -> FrameView:
        """The view of the video's frames; its geometry is that of the first one, or of the first prompt."""
        if self.view is None:
            self.view = self._new_view(frame, self.frame_index + 1)
        return self.view

    def _new_view(self, frame: np.ndarray, index: int) -> FrameView:
        check_frame(frame, index)
        return FrameView(self._geometry((frame.shape[0], frame.shape[1])), self.model.data_preprocessor, self.device)

    @abstractmethod
    def _geometry(self, shape: tuple[int, int]) -> FrameGeometry:
        """The way from frames of shape ``(H, W)`` to the network's size and back."""

    def _autocast(self) -> AbstractContextManager[Any]:
        if self._precision is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self._precision)


def video_info(video: Video, index: int) -> dict[str, Any]:
    """What a result of frame ``index`` says of its video: names, position, and what the data set wants to be known."""
    info = {key: value for key, value in video.metainfo.items() if key != 'annotations'}
    return dict(
        info,
        video_id=video.video_id,
        frame_name=video.frame_names[index],
        num_frames=len(video),
        is_last=index == len(video) - 1,
        annotation=video.metainfo.get('annotations', {}).get(index),
    )


def named_frames(video: Video) -> Iterator[tuple[int, np.ndarray]]:
    """``(index, frame)`` of a video; the error of a frame that cannot be read names the video and the frame."""
    frames = iter(video)
    for index in itertools.count():
        with place_named(video, index):
            item = next(frames, None)
        if item is None:
            return
        yield item


@contextmanager
def place_named(video: Video, index: int) -> Iterator[None]:
    """An InputError raised inside names the video and the frame; errors of any other type pass as they are."""
    try:
        yield
    except InputError as error:
        names = video.frame_names
        name = names[index] if index < len(names) else index
        raise placed(error, f'{video.video_id}, frame {name}') from error
