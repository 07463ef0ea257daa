"""The interactive segmenter that comes with MMVOS."""

import os
from typing import Any

import torch

from .vos_inferencer import init_model

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
