"""The inference path of video instance segmentation: as InferenceSession, with instances in place of label maps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from .session import InferenceSession


class VISFrame(NamedTuple):
    """One frame as a model of video instance segmentation sees it.

    ``image``: float ``(1, 3, h, w)``, normalised, padded on the right and below.
    ``index``: position in the video, from 0.
    ``img_shape``: ``(h, w)`` without the padding. ``ori_shape``: ``(H, W)`` of the frame itself.
    """

    image: Tensor
    index: int
    img_shape: tuple[int, int]
    ori_shape: tuple[int, int]

    @property
    def scale_factor(self) -> tuple[float, float]:
        """``(w / W, h / H)``."""
        return self.img_shape[1] / self.ori_shape[1], self.img_shape[0] / self.ori_shape[0]


class VISSession(InferenceSession):
    """Finds, segments and tracks the instances of one video after the other.

    A live source::

        session = VISSession(model)
        result = session.step(frame)  # BGR uint8 (H, W, 3)
        result.pred_track_instances  # bboxes, labels, scores, instances_id, masks (RLE)
        session.reset()  # before the next video

    A video: ``for result in session.run(video): ...``. Results are on the CPU, masks are COCO run-length codes
    ``dict(size=[H, W], counts=str)`` at the frame's own size; memory does not grow with the length of the video.

    Args: as of :class:`InferenceSession`; of the model's ``test_cfg``, ``resize``, ``interpolation`` and ``amp`` are
        used.
    """

    @property
    def object_ids(self) -> list[int]:
        """Ids of the instances in memory."""
        return self.state.memory.ids.tolist() if self.state is not None else []

    def remove_objects(self, ids: Sequence[int]) -> None:
        """Forget instances; one that is still in view will be found again under a new id. KeyError: an unknown id."""
        if self.state is None:
            raise KeyError('nothing has been segmented yet.')
        self.state.memory.remove(ids)

    @torch.no_grad()
    def step(self, frame: np.ndarray, prompt: None = None, **metainfo) -> DetDataSample:
        """The instances of the next frame of a video.

        Args:
            frame: BGR uint8 ``(H, W, 3)``; every frame of a video has the same size.
            prompt: must be None; the model finds instances itself.
            metainfo: copied into the result.
        """
        if prompt is not None:
            raise ValueError(f'{type(self.model).__name__} finds instances itself and takes no prompt.')
        index = self.frame_index + 1
        self._fit_geometry(frame, index)
        frame_in = self._frame(frame, index)
        with self._autocast():
            if self.state is None:
                self.state = self.model.init_state(frame_in)
            instances, self.state = self.model.step(frame_in, self.state)
        self.frame_index = index
        result = DetDataSample(metainfo=dict(metainfo, frame_index=index, ori_shape=frame_in.ori_shape))
        result.pred_track_instances, result.frame = instances, frame
        return result

    def _frame(self, frame: np.ndarray, index: int) -> VISFrame:
        pixels = self.geometry.to_input(frame, self.device)
        return VISFrame(
            self.model.data_preprocessor.normalise(pixels), index, self.geometry.resized_shape, self.geometry.ori_shape
        )
