"""The interactive segmenter that comes with MMVOS."""

import os
from typing import Any

import torch

from .vos_inferencer import init_model

DEFAULT_CLICK_MODEL = 'click_segmenter/click-segmenter_lite0.py'


def init_click_segmenter(
    config: str | os.PathLike = DEFAULT_CLICK_MODEL, checkpoint: str | None = None, device: str | torch.device | None = None
) -> Any:
    """Build the interactive segmenter and load its weights; arguments as for :func:`init_model`.

    ::

        segmenter = InteractiveSegmenter(init_click_segmenter())
        label_map = segmenter.label_map(frame, [Prompt(1, clicks=[Click(320, 240)])])
    """
    return init_model(config, checkpoint, device)
