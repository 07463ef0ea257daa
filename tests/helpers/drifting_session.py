"""Stand-ins for a session and for a segmenter, of frames of ``SIZE``."""

import time

import numpy as np
import torch

from mmvos.structures import Prompt, VOSDataSample

SIZE = (32, 48)


class DriftingSession:
    """Carries masks one pixel to the right per step, whichever way time goes; :meth:`correct` sets them right."""

    def __init__(self):
        self.masks: dict[int, np.ndarray] = {}
        self.seen, self.corrected = [], []

    @property
    def object_ids(self):
        return sorted(self.masks)

    def step(self, frame, prompt=None):
        self.seen.append(int(frame[0, 0, 0]))
        self.masks = {i: np.roll(mask, 1, 1) for i, mask in self.masks.items()}
        return self._result(prompt)

    def correct(self, frame, prompt):
        self.corrected.append(int(frame[0, 0, 0]))
        return self._result(prompt)

    def _result(self, prompt):
        if prompt is not None:
            self.masks.update({i: (prompt == i).astype(float) for i in np.unique(prompt) if i})
        planes = [np.full(SIZE, 0.5), *(self.masks[i] for i in self.object_ids)]
        ids = np.array([0, *self.object_ids], np.uint8)
        result = VOSDataSample(metainfo=dict(object_ids=self.object_ids, frame_index=-1))
        result.pred_label_map = ids[np.argmax(np.stack(planes), 0)]
        result.pred_scores = torch.tensor(np.stack(planes))
        return result


class SlowSession(DriftingSession):
    def step(self, frame, prompt=None):
        time.sleep(0.04)
        return super().step(frame, prompt)


class SquareSegmenter:
    """A square around the last click; given masks stay."""

    def label_map(self, frame, prompts: list[Prompt], key=None):
        label_map = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            outline = prompt.outline(frame.shape[:2])
            if outline is not None and not prompt.needs_segmenter:
                label_map[outline] = prompt.object_id
            for click in prompt.clicks[-1:]:
                x, y = int(click.x), int(click.y)
                label_map[y - 4 : y + 4, x - 4 : x + 4] = prompt.object_id
        return label_map

    def prepare(self, frame, key):
        self.prepared = key
