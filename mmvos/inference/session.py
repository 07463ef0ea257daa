"""The one inference path: tools/test.py, the inferencers, the demos and a live camera all drive a session."""

import copy
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmvos.structures import InputError, VOSDataSample, object_ids_of
from mmvos.utils.memory import available_memory
from mmvos.videos import Video
from mmvos.videos.video import read_ahead

from .base_session import BaseSession, named_frames, place_named
from .frame import Frame, FrameView
from .geometry import FrameGeometry
from .label_mapper import LabelMapper, MappedFrame
from .object_ids import ObjectIds
from .session_settings import SessionSettings


class OfflineVideo:
    """A whole video as an offline model sees it: ``len(video)``, ``video[i]`` -> :class:`Frame`, decoded when asked for.

    Args:
        video (Video): frames and prompts.
        view (FrameView): how the model sees a frame.
        prompts (dict[int, Tensor]): ``{frame index: masks float (N, h, w)}`` of the objects that are introduced there, in
            the session's order.
        check_memory (bool): whether :meth:`reserve` refuses what does not fit.

    Attributes:
        report (dict): what the model reports of its work, as plain numbers; the session hands it on as its ``report``.
    """

    def __init__(self, video: Video, view: FrameView, prompts: dict[int, Tensor], check_memory: bool = True) -> None:
        self._video, self._view, self._check_memory = video, view, check_memory
        self.prompts, self.video_id = prompts, video.video_id
        self.report: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self._video)

    def reserve(self, nbytes: float, device: str | torch.device = 'cpu') -> None:
        """Say how much memory a model will keep of this video at once; called before the work begins.

        Args:
            nbytes (float): bytes.
            device (str | torch.device): where.

        Raises:
            InputError: more than is free, and the session's settings do not say ``check_memory=False``.
        """
        free = available_memory(device)
        text = (
            f'{self.video_id}: {len(self)} frames will take about {nbytes / 2**30:.2f} GB of memory on {device}; '
            f'{free / 2**30:.2f} GB are free.'
        )
        print_log(text, logger='current')
        if self._check_memory and nbytes > free:
            raise InputError(f'{text} Cut the video, choose a smaller test size, or set check_memory=False in test_cfg.')

    def __getitem__(self, index: int) -> Frame:
        with place_named(self._video, index):
            return self._view.view(self._video.read(index), index)

    def frames(self, indices: Sequence[int] | None = None) -> Generator[Frame, None, None]:
        """Frames in the given order (default: all), decoded ahead by a background thread."""
        indices = range(len(self)) if indices is None else list(indices)
        for index, pixels in zip(indices, read_ahead(self._video.read, indices, self._video.prefetch), strict=True):
            with place_named(self._video, index):
                frame = self._view.view(pixels, index)
            yield frame


class VOSSession(BaseSession[VOSDataSample]):
    """Segments one video after the other with one model.

    It owns everything that is not the method: resizing to the test scale and back, mixed precision, object ids, prompts
    that arrive late, objects that are dropped, and turning scores into a label map. Memory does not grow with the length
    of the video.

    A live source::

        session = VOSSession(model)
        session.step(frame0, prompt=label_map)  # BGR uint8 (H, W, 3) and uint8 (H, W)
        result = session.step(frame1)  # result.pred_label_map: uint8 (H, W)
        session.step(frame40, prompt=new_objects)  # a prompt at any frame adds objects
        session.remove_objects([2])
        session.reset()  # before the next video

    A video (also for offline models): ``for result in session.run(video): ...``

    Args:
        model (BaseVOSModel): a built model, with its weights.
        device (str | torch.device | None): where it runs; None: where the model is.
        amp (bool | torch.dtype | None): mixed precision, see :class:`BaseSession`.
        settings (SessionSettings | None): sizes, prompts, what is kept of the scores; None: the model's ``test_cfg``.
    """

    settings: SessionSettings

    def __init__(
        self,
        model: Any,
        device: str | torch.device | None = None,
        amp: bool | torch.dtype | None = None,
        settings: SessionSettings | None = None,
    ) -> None:
        super().__init__(model, device, amp, settings)
        self._mapper = LabelMapper(self.settings, self.model.probabilities)

    def reset(self) -> None:
        """Forget everything about the video."""
        super().reset()
        self._areas: list[int] = []  # pixels of the objects that the size of the network's input is chosen for
        self.objects = ObjectIds()
        self._shown = MappedFrame.empty()
        #: what an offline model reports of a video, from its first result on
        self.report: dict[str, Any] = {}

    @property
    def object_ids(self) -> list[int]:
        """Ids of the objects that are being segmented."""
        return list(self.objects.ids)

    @torch.no_grad()
    def step(self, frame: np.ndarray, prompt: np.ndarray | None = None, **metainfo: Any) -> VOSDataSample:
        """The result of the next frame of a video, from a causal model.

        Args:
            frame (ndarray): BGR uint8 ``(H, W, 3)``; every frame of a video has the same size.
            prompt (ndarray | None): label map uint8 ``(H, W)`` of objects that begin here; a model that finds its own
                objects does not look at it.
            metainfo (dict): copied into the result.

        Raises:
            InputError: a frame or prompt of another kind or size, a prompt without objects or with an id in use. The
                session is as it was before the call.
            TypeError: the model is offline.
        """
        if not self.model.causal:
            raise TypeError(f'{type(self.model).__name__} needs the whole video: use session.run(video).')
        view = self._view(frame)
        if prompt is None or not self.model.prompted:
            seen = self._seen(frame)
            prompt, new_ids, masks = None, [], seen.pixels.new_empty(0, *seen.img_shape)
        else:
            new_ids = self._check_prompt(prompt, frame)
            view = self._view_of(prompt, frame)
            seen, masks = self._seen(frame), view.masks(prompt, new_ids)
        with self._autocast():
            scores, self.state = self._advance(seen, masks)
        self.objects.add(new_ids if self.model.prompted else range(len(self.objects) + 1, len(scores)))
        self.frame_index = seen.index
        return self._result(scores, frame, prompt, metainfo)

    def _advance(self, frame: Frame, masks: Tensor) -> tuple[Tensor, Any]:
        """Scores ``(n + 1, h, w)`` of the n objects that the model predicts in a frame, and the state after it.

        Objects that begin here, with ``masks`` ``(M, h, w)``, are not among them where the model adds objects after it has
        predicted the others.
        """
        model = self.model
        if self.state is None:
            nothing = frame.image.new_ones(1, *frame.image.shape[-2:])
            if model.prompted and not len(masks):
                return nothing, None
            state = model.init_state(frame, masks)
            return model.step(frame, state) if model.step_on_first_frame or not model.prompted else (nothing, state)
        if len(masks) and model.add_objects_first:
            return model.step(frame, model.add_objects(frame, masks, self.state))
        scores, state = model.step(frame, self.state)
        return scores, model.add_objects(frame, masks, state) if len(masks) else state

    def peek(self, frame: np.ndarray) -> VOSDataSample:
        """The result that :meth:`step` would give for this frame, with ``pred_scores``; the session stays as it is.

        Nothing is copied: a model's step leaves the state that it is given as it was.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
        """
        trial = copy.copy(self)
        trial.objects = copy.deepcopy(self.objects)
        trial._ahead = None  # what the model made of a frame may be another thing by the time of its step
        trial.settings = replace(self.settings, keep_scores=True)
        return VOSSession.step(trial, frame)  # a subclass may do more in a step, which a look must not

    @torch.no_grad()
    def correct(self, frame: np.ndarray, prompt: np.ndarray) -> VOSDataSample:
        """Set objects right in the frame that :meth:`step` saw last, without losing what is remembered of them.

        Args:
            frame (ndarray): that frame, BGR uint8 ``(H, W, 3)``.
            prompt (ndarray): label map uint8 ``(H, W)``: the right masks of some objects that are being segmented, and of
                objects that begin here. Objects that it does not hold stay as they are.

        Returns:
            The frame's result: the objects of the prompt are what it shows, pixels that they lose are background, and the
            other objects are what they were.

        Raises:
            InputError: a frame or prompt of another kind or size, or an empty prompt.
        """
        if self.frame_index < 0:
            raise InputError('there is nothing to correct before the first step.')
        known, shown = self.object_ids, self._shown
        ids = object_ids_of(prompt)
        new = np.where(np.isin(prompt, [i for i in ids if i not in known]), prompt, 0).astype(np.uint8)
        view = self._view(frame)
        seen = view.view(frame, self.frame_index)
        wrong = [i for i in ids if i in known]
        if wrong or not new.any():
            self._check_label_map(prompt, frame)
        with self._autocast():
            if wrong:
                indices = [known.index(i) for i in wrong]
                self.state = self.model.correct_objects(seen, view.masks(prompt, wrong), indices, len(known), self.state)
            if new.any():
                new_ids = self._check_prompt(new, frame)
                if self.state is None:
                    view = self._view_of(new, frame)
                    seen = view.view(frame, self.frame_index)
                masks = view.masks(new, new_ids)
                self.state = (
                    self.model.init_state(seen, masks)
                    if self.state is None
                    else self.model.add_objects(seen, masks, self.state)
                )
                self.objects.add(new_ids)
        return self._pack(self._mapper.correct(shown, self.object_ids, prompt), frame, {})

    def remove_objects(self, ids: Sequence[int]) -> None:
        """Stop segmenting these objects from the next frame on; the ids may be used again. KeyError: an unknown id."""
        keep = self.objects.remove(ids)
        self.state = self.model.keep_objects(keep, self.state) if keep else None

    def _results(self, video: Video) -> Iterator[VOSDataSample]:
        if self.model.prompted and not video.prompts:
            raise InputError(
                f'{video.video_id}: {type(self.model).__name__} needs a prompt (a label map of the objects '
                'to segment), and this video has none.'
            )
        if not self.model.causal:
            yield from self._results_of_all(video)
            return
        for index, frame in self._frames(video):
            with place_named(video, index):
                result = self.step(frame, video.prompt(index, frame.shape[:2]))
            yield result

    @torch.no_grad()
    def _results_of_all(self, video: Video) -> Iterator[VOSDataSample]:
        """Results of an offline model."""
        with place_named(video, 0):
            first = video.read(0)
            view = self._view(first)
        label_maps: dict[int, np.ndarray] = {}
        masks: dict[int, Tensor] = {}
        for index in sorted(video.prompts) if self.model.prompted else []:
            with place_named(video, index):
                label_map = video.prompt(index, first.shape[:2])
                if label_map is None:
                    continue
                new_ids = self._check_prompt(label_map, first)
            if not label_maps:
                view = self._view_of(label_map, first)
            label_maps[index] = label_map
            masks[index] = view.masks(label_map, new_ids)
            self.objects.add(new_ids)
        with self._autocast():
            offline = OfflineVideo(video, view, masks, self.settings.check_memory)
            self.report = offline.report
            segmented = self.model.segment(offline)
            for (index, frame), scores in zip(named_frames(video), segmented, strict=True):
                if not self.model.prompted:
                    self.objects.add(range(len(self.objects) + 1, len(scores)))
                self.frame_index = index
                yield self._result(scores, frame, label_maps.get(index), {})

    @torch.no_grad()
    def _look_ahead(self, frame: Frame, last: Frame) -> None:
        self.model.look_ahead(frame, last)

    def _geometry(self, shape: tuple[int, int]) -> FrameGeometry:
        return FrameGeometry(shape, self.settings.resize, self.settings.pad, self.settings.interpolation, self._areas)

    def _view_of(self, prompt: np.ndarray, frame: np.ndarray) -> FrameView:
        """The view of a video's frames, whose size may be that of the objects of a prompt if nothing is remembered yet."""
        view = self._view(frame)
        if self.state is None:
            counts = np.bincount(prompt.ravel(), minlength=256)
            self._areas = [int(counts[i]) for i in object_ids_of(prompt)]
            by_objects = self._new_view(frame, self.frame_index + 1)
            if by_objects.geometry.input_shape != view.geometry.input_shape:
                self.view = view = by_objects
        return view

    def _check_prompt(self, prompt: np.ndarray, frame: np.ndarray) -> list[int]:
        """Ids of the objects that a prompt introduces."""
        new_ids = self._check_label_map(prompt, frame)
        self.objects.check_new(new_ids)  # before the network runs
        return new_ids

    @staticmethod
    def _check_label_map(prompt: np.ndarray, frame: np.ndarray) -> list[int]:
        """Ids of the objects of a prompt."""
        if not isinstance(prompt, np.ndarray):
            raise InputError(f'the prompt is {type(prompt).__name__}; expected a label map uint8 (H, W).')
        if prompt.ndim != 2 or prompt.dtype != np.uint8:
            raise InputError(f'the prompt is {prompt.dtype} {prompt.shape}; expected a label map uint8 (H, W).')
        if prompt.shape != frame.shape[:2]:
            raise InputError(
                f'the prompt is {prompt.shape[1]}x{prompt.shape[0]}, the frame is '
                f'{frame.shape[1]}x{frame.shape[0]} (width x height).'
            )
        new_ids = object_ids_of(prompt)
        if not new_ids:
            raise InputError('the prompt is empty: expected a label map with at least one object (pixel value 1..254).')
        return new_ids

    def _result(self, scores: Tensor, frame: np.ndarray, prompt: np.ndarray | None, metainfo: dict[str, Any]) -> VOSDataSample:
        """The result of a frame; see :meth:`LabelMapper.map`."""
        geometry = self._view(frame).geometry
        return self._pack(
            self._mapper.map(scores, self.object_ids, frame, prompt, geometry, self.settings.keep_scores), frame, metainfo
        )

    def _pack(self, mapped: MappedFrame, frame: np.ndarray, metainfo: dict[str, Any]) -> VOSDataSample:
        self._shown = mapped
        info = dict(metainfo, frame_index=self.frame_index, ori_shape=frame.shape[:2], object_ids=list(mapped.ids))
        result = VOSDataSample(metainfo=info)
        result.pred_label_map, result.frame = mapped.label_map, frame
        if mapped.probabilities is not None:
            result.pred_scores = mapped.probabilities
        return result


#: the name of :class:`VOSSession` in version 1
InferenceSession = VOSSession
