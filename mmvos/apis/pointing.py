"""Label maps from what a user points at in a frame of a video."""

from collections.abc import Sequence

import numpy as np

from mmvos.interaction import InteractiveSegmenter
from mmvos.structures import InputError, Prompt, object_ids_of


def pointed_label_map(frame: np.ndarray, prompts: Sequence[Prompt], segmenter: InteractiveSegmenter) -> np.ndarray:
    """Label map uint8 ``(H, W)`` of the objects that clicks and boxes point at in a frame.

    Args:
        frame (ndarray): BGR uint8 ``(H, W, 3)``.
        prompts (Sequence[Prompt]): clicks and boxes, in pixels of the frame.
        segmenter (InteractiveSegmenter): makes masks of them.

    Raises:
        InputError: a point outside the frame, or an object of which nothing was found.
    """
    label_map = segmenter.label_map(frame, list(prompts))
    lost = [prompt.object_id for prompt in prompts if prompt.object_id not in object_ids_of(label_map)]
    if lost:
        raise InputError(f'object {lost[0]}: nothing was found where it was pointed at; add clicks, or give a --box or a mask.')
    return label_map
