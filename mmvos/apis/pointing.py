"""The interactive segmenter that comes with MMVOS, and label maps from what a user points at in a frame."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmvos.interaction import InteractiveSegmenter
from mmvos.structures import InputError, Prompt, object_ids_of

from .building import init_model

DEFAULT_CLICK_MODEL = 'click_segmenter/click-segmenter_lite0.py'


def init_click_segmenter(
    config: str | os.PathLike = DEFAULT_CLICK_MODEL, checkpoint: str | None = None, device: str | torch.device | None = None
) -> Any:
    """The model that turns clicks and boxes into masks, with its weights, ready for inference.

    Args:
        config (str | PathLike): config file, or name that ``mmvos models`` lists.
        checkpoint (str | None): file of weights, or name; None: those that come with the config.
        device (str | torch.device | None): where it runs, e.g. ``'cuda:0'``; None: the GPU if there is one, else the CPU.

    Raises:
        InputError: a config, weights or device that is not there or does not fit.

    ::

        segmenter = InteractiveSegmenter(init_click_segmenter())
        label_map = segmenter.label_map(frame, [Prompt(1, clicks=[Click(320, 240)])])
    """
    return init_model(config, checkpoint, device)


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
