"""The one inference path: tools/test.py, the inferencers, the demos and a live camera all drive a session."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmvos.registry import MODELS
from mmvos.structures import VOID, VOSDataSample, object_ids_of, one_hot
from mmvos.videos.video import Video, read_ahead

from .geometry import FrameGeometry
from .object_ids import ObjectIds


class Frame(NamedTuple):
    """One frame as a model sees it.

    ``image``: float ``(1, 3, h, w)``, normalised as the model wants it, at the network's size.
    ``pixels``: float ``(1, 3, h, w)``, RGB 0..255 at the network's size (for flow and trackers).
    ``index``: position in the video, from 0.
    """

    image: Tensor
    pixels: Tensor
    index: int


class OfflineVideo:
    """A whole video as an offline model sees it: ``len(video)``, ``video[i]`` -> :class:`Frame`, decoded when asked for.

    ``prompts``: ``{frame index: masks float (N, h, w)}`` of the objects introduced there, in the session's order.
    ``video_id``: for messages and reports.
    """

    def __init__(self, video: Video, session: 'InferenceSession', prompts: dict) -> None:
        self._video, self._session = video, session
        self.prompts, self.video_id = prompts, video.video_id

    def __len__(self) -> int:
        return len(self._video)

    def __getitem__(self, index: int) -> Frame:
        return self._session._frame(self._video.read(index), index)

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[Frame]:
        """Frames in the given order (default: all), decoded ahead by a background thread."""
        indices = range(len(self)) if indices is None else list(indices)
        for index, pixels in zip(indices, read_ahead(self._video.read, indices, self._video.prefetch)):
            yield self._session._frame(pixels, index)


class InferenceSession:
    """Segments one video after the other with one model.

    It owns everything that is not the method: resizing to the test scale and back, mixed precision, object ids, prompts
    that arrive late, objects that are dropped, and turning probabilities into a label map. Memory does not grow with the
    length of the video.

    A live source::

        session = InferenceSession(model)
        session.step(frame0, prompt=label_map)  # BGR uint8 (H, W, 3) and uint8 (H, W)
        result = session.step(frame1)  # result.pred_label_map: uint8 (H, W)
        session.step(frame40, prompt=new_objects)  # a prompt at any frame adds objects
        session.remove_objects([2])
        session.reset()  # before the next video

    A video (also for offline models): ``for result in session.run(video): ...``

    Args:
        model: a :class:`~mmvos.models.BaseVOSModel`. Settings come from its ``test_cfg``:

            - ``resize``, ``pad``, ``interpolation``: see :class:`FrameGeometry`.
            - ``overlay_prompt`` (bool): whether a prompt's own pixels win over the prediction in its frame.
            - ``upsample``: ``'scores'`` (probabilities are resized bilinearly, then arg max) or ``'labels'`` (arg max at
              the network's size, then nearest neighbour).
            - ``post_process``: config of a part called as ``post(scores (N + 1, H, W), frame)`` -> scores.
            - ``keep_scores`` (bool): results carry ``pred_scores``.
        device: default: where the model's parameters are.
        amp: run the network in mixed precision: False, True (float16; bfloat16 on a CPU) or a dtype.
    """

    def __init__(self, model, device: str | torch.device | None = None, amp: bool | torch.dtype = False) -> None:
        self.model = model.module if hasattr(model, 'module') else model
        if device is not None:
            self.model.to(device)
        self.model.eval()
        self.device = self.model.data_preprocessor.device
        self.cfg = self.model.test_cfg
        if amp is True:
            amp = torch.bfloat16 if self.device.type == 'cpu' else torch.float16
        self._autocast = (lambda: torch.autocast(self.device.type, dtype=amp)) if amp else nullcontext
        post_process = self.cfg.get('post_process')
        self._post_process = MODELS.build(post_process) if post_process else None
        self.reset()

    def reset(self) -> None:
        """Forget everything about the video."""
        self.objects = ObjectIds()
        self.state: Any = None
        self.geometry: FrameGeometry | None = None
        self.frame_index = -1

    @property
    def object_ids(self) -> list[int]:
        """Ids of the objects that are being segmented."""
        return list(self.objects.ids)

    @torch.no_grad()
    def step(self, frame: np.ndarray, prompt: np.ndarray | None = None, **metainfo) -> VOSDataSample:
        """Segment the next frame of a video with a causal model.

        Args:
            frame: BGR uint8 ``(H, W, 3)``; every frame of a video has the same size.
            prompt: uint8 ``(H, W)``: label map of objects that begin here.
            metainfo: copied into the result.

        Raises:
            ValueError: a frame or prompt of another size, a prompt without objects or with an id in use.
        """
        if not self.model.causal:
            raise TypeError(f'{type(self.model).__name__} needs the whole video: use session.run(video).')
        frame_index = self.frame_index + 1
        self._fit_geometry(frame, frame_index)
        wanted = prompt is not None and self.model.prompted  # else the prompt is not for this model
        new_ids = self._check_prompt(prompt, frame) if wanted else []
        frame_in = self._frame(frame, frame_index)
        masks = self._prompt_masks(prompt, new_ids) if new_ids else None

        if self.state is None:
            scores = self._first_step(frame_in, masks)
        elif new_ids and self.model.add_objects_first:
            with self._autocast():
                self.state = self.model.add_objects(frame_in, masks, self.state)
                scores, self.state = self.model.step(frame_in, self.state)
        else:
            scores = None
            with self._autocast():
                if len(self.objects) or not self.model.prompted:
                    scores, self.state = self.model.step(frame_in, self.state)
                if new_ids:
                    self.state = self.model.add_objects(frame_in, masks, self.state)
        known = len(self.objects)
        self.objects.add(new_ids)
        self.frame_index = frame_index
        return self._result(scores, frame, prompt if new_ids else None, new_ids, known, metainfo)

    def _first_step(self, frame: Frame, masks: Tensor | None) -> Tensor | None:
        if self.model.prompted and masks is None:  # nothing to segment before the first prompt
            return None
        with self._autocast():
            self.state = self.model.init_state(frame, masks)
            if self.model.prompted and not self.model.step_on_first_frame:
                return None
            scores, self.state = self.model.step(frame, self.state)
        return scores

    def remove_objects(self, ids: Sequence[int]) -> None:
        """Stop segmenting these objects from the next frame on; the ids may be used again."""
        keep = self.objects.remove(ids)
        if self.objects.ids:
            self.state = self.model.keep_objects(keep, self.state)
        else:
            self.state = None

    def run(self, video: Video) -> Iterator[VOSDataSample]:
        """Segment a video from its first frame: one result per frame, as soon as it is there."""
        self.reset()
        results = self._run_causal(video) if self.model.causal else self._run_offline(video)
        for result in results:
            result.set_metainfo(video_info(video, result.frame_index))
            yield result

    def _run_causal(self, video: Video) -> Iterator[VOSDataSample]:
        if self.model.prompted and not video.prompts:
            raise ValueError(
                f'{video.video_id}: {type(self.model).__name__} needs a prompt (a label map of the objects '
                'to segment), and this video has none.'
            )
        for index, frame in video:
            try:
                yield self.step(frame, video.prompt(index, frame.shape[:2]))
            except ValueError as error:
                raise ValueError(f'{video.video_id}, frame {video.frame_names[index]}: {error}') from None

    @torch.no_grad()
    def _run_offline(self, video: Video) -> Iterator[VOSDataSample]:
        first = video.read(0)
        self._fit_geometry(first, 0)
        label_maps, prompts = {}, {}
        for index in sorted(video.prompts) if self.model.prompted else []:
            label_maps[index] = video.prompt(index, first.shape[:2])
            new_ids = self._check_prompt(label_maps[index], first)
            prompts[index] = self._prompt_masks(label_maps[index], new_ids)
            self.objects.add(new_ids)
        if self.model.prompted and not prompts:
            raise ValueError(
                f'{video.video_id}: {type(self.model).__name__} needs a prompt (a label map of the objects '
                'to segment), and this video has none.'
            )
        with self._autocast():
            for (index, frame), scores in zip(video, self.model.segment(OfflineVideo(video, self, prompts))):
                prompt = label_maps.get(index)
                new_ids = object_ids_of(prompt) if prompt is not None else []
                self.frame_index = index
                yield self._result(scores, frame, prompt, new_ids, len(self.objects), {})

    def _fit_geometry(self, frame: np.ndarray, index: int) -> None:
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise ValueError(f'frame {index} is {frame.dtype} {frame.shape}; expected BGR uint8 (H, W, 3).')
        if self.geometry is None:
            self.geometry = FrameGeometry(
                frame.shape[:2], self.cfg.get('resize'), self.cfg.get('pad'), self.cfg.get('interpolation', 'bilinear')
            )
        elif frame.shape[:2] != self.geometry.ori_shape:
            height, width = self.geometry.ori_shape
            raise ValueError(
                f'frame {index} is {frame.shape[1]}x{frame.shape[0]}, the frames before it are '
                f'{width}x{height} (width x height).'
            )

    def _check_prompt(self, prompt: np.ndarray, frame: np.ndarray) -> list[int]:
        if prompt.ndim != 2 or prompt.dtype != np.uint8:
            raise ValueError(f'the prompt is {prompt.dtype} {prompt.shape}; expected a label map uint8 (H, W).')
        if prompt.shape != frame.shape[:2]:
            raise ValueError(
                f'the prompt is {prompt.shape[1]}x{prompt.shape[0]}, the frame is '
                f'{frame.shape[1]}x{frame.shape[0]} (width x height).'
            )
        new_ids = object_ids_of(prompt)
        if not new_ids:
            raise ValueError('the prompt is empty: expected a label map with at least one object (pixel value 1..254).')
        self.objects.check_new(new_ids)  # before the network runs
        return new_ids

    def _prompt_masks(self, prompt: np.ndarray, ids: Sequence[int]) -> Tensor:
        label_map = torch.from_numpy(np.ascontiguousarray(prompt)).to(self.device)
        return self.geometry.masks_to_input(one_hot(label_map, ids))

    def _frame(self, frame: np.ndarray, index: int) -> Frame:
        pixels = self.geometry.to_input(frame, self.device)
        return Frame(self.model.data_preprocessor.normalise(pixels), pixels, index)

    def _result(
        self,
        scores: Tensor | None,
        frame: np.ndarray,
        prompt: np.ndarray | None,
        new_ids: list[int],
        known: int,
        metainfo: dict,
    ) -> VOSDataSample:
        """Scores ``(n + 1, h, w)`` of the background and the first n objects to a label map at the frame's size."""
        if scores is None:
            label_map = np.zeros(self.geometry.ori_shape, np.uint8)
        else:
            if not self.model.prompted:
                self.objects.ids = list(range(1, scores.shape[0]))
            if self.cfg.get('upsample', 'scores') == 'labels':
                indices = arg_max(scores)
                indices = self.geometry.to_original(indices[None].float(), 'nearest-exact')[0].to(torch.uint8)
            else:
                scores = self.geometry.to_original(scores.float())
                if self._post_process is not None:
                    scores = self._post_process(scores, frame)
                indices = arg_max(scores)
            label_map = self.objects.to_label_map(indices)
        result = VOSDataSample(
            metainfo=dict(metainfo, frame_index=self.frame_index, ori_shape=self.geometry.ori_shape, object_ids=self.object_ids)
        )
        overlay = scores is None or self.cfg.get('overlay_prompt', True)
        if prompt is not None and overlay:
            fresh = (prompt != 0) & (prompt != VOID)
            label_map[fresh] = prompt[fresh]
        result.pred_label_map, result.frame = label_map, frame
        if self.cfg.get('keep_scores', False) and scores is not None:
            result.pred_scores = scores
        return result


def video_info(video: Video, index: int) -> dict:
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


def arg_max(scores: Tensor) -> Tensor:
    """``scores.argmax(0)`` of ``(C, H, W)`` as uint8 ``(H, W)``; ties go to the lower index.

    On a CPU the reduction over the first dimension is many times slower than C comparisons of whole planes.
    """
    if scores.device.type != 'cpu':
        return scores.argmax(0).to(torch.uint8)
    best, indices = scores[0], torch.zeros(scores.shape[1:], dtype=torch.uint8)
    for channel in range(1, len(scores)):
        indices.masked_fill_(scores[channel] > best, channel)
        best = torch.maximum(best, scores[channel])
    return indices
