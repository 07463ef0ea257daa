"""A causal model that segments objects by their colours, and its videos."""

from dataclasses import dataclass, field

import numpy as np
import torch

from mmvos.models import VOSDataPreprocessor  # noqa: F401  (registers)
from mmvos.models.segmentors import PER_OBJECT, CausalVOSModel


@dataclass
class ColourState:
    colours: torch.Tensor = field(metadata=PER_OBJECT)  # (N, 3) mean colour of each object
    background: torch.Tensor


class ColourModel(CausalVOSModel):
    """Each pixel belongs to the object whose mean colour is nearest: enough to follow flat squares."""

    def loss(self, inputs, data_samples):
        return dict(loss=inputs.sum())

    def _means(self, frame, masks):
        return (frame.image * masks[:, None]).sum((2, 3)) / masks.sum((1, 2))[:, None]

    def init_state(self, frame, masks):
        background = self._means(frame, 1 - masks.amax(0, keepdim=True))
        return ColourState(self._means(frame, masks), background)

    def add_objects(self, frame, masks, state):
        return ColourState(torch.cat([state.colours, self._means(frame, masks)]), state.background)

    def step(self, frame, state):
        colours = torch.cat([state.background, state.colours])
        distance = (frame.image - colours[:, :, None, None]).square().sum(1)
        return (-4 * distance).softmax(0), state


def squares(frames=6, height=60, width=90):
    """Frames with a red, a green and a blue square that move, and their label maps (ids 1, 2, 3)."""
    images, label_maps = [], []
    for t in range(frames):
        image, label_map = np.full((height, width, 3), 128, np.uint8), np.zeros((height, width), np.uint8)
        for k, colour in enumerate(((0, 0, 255), (0, 255, 0), (255, 0, 0))):
            top, left = 4 + 18 * k, 5 + 20 * k + 2 * t % 20
            image[top : top + 12, left : left + 12] = colour
            label_map[top : top + 12, left : left + 12] = k + 1
        images.append(image)
        label_maps.append(label_map)
    return images, label_maps
