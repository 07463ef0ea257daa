"""The inference path of video instance segmentation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample

from .base_session import BaseSession
from .geometry import FrameGeometry


class VISSession(BaseSession[DetDataSample]):
    """Finds, segments and tracks the instances of one video after the other.

    A live source::

        session = VISSession(model)
        result = session.step(frame)  # BGR uint8 (H, W, 3)
        result.pred_track_instances  # bboxes, labels, scores, instances_id, masks (RLE)
        session.reset()  # before the next video

    A video: ``for result in session.run(video): ...``. Results are on the CPU, masks are COCO run-length codes
    ``dict(size=[H, W], counts=str)`` at the frame's own size; memory does not grow with the length of the video.

    Args: see :class:`BaseSession`; settings are a :class:`VISSessionSettings`.
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
    def step(self, frame: np.ndarray, **metainfo: Any) -> DetDataSample:
        """The instances of the next frame of a video.

        Args:
            frame (ndarray): BGR uint8 ``(H, W, 3)``; every frame of a video has the same size.
            metainfo (dict): copied into the result.

        Raises:
            InputError: a frame of another kind or size.
        """
        seen = self._seen(frame)
        with self._autocast():
            state = self.model.init_state(seen) if self.state is None else self.state
            instances, self.state = self.model.step(seen, state)
        self.frame_index = seen.index
        result = DetDataSample(metainfo=dict(metainfo, frame_index=seen.index, ori_shape=seen.ori_shape))
        result.pred_track_instances, result.frame = instances, frame
        return result

    def _geometry(self, shape: tuple[int, int]) -> FrameGeometry:
        return FrameGeometry(shape, self.settings.resize, None, self.settings.interpolation)
