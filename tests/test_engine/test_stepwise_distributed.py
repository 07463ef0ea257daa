"""AGSS-VOS and RGMP, which step once per frame, are wrapped for several processes by a wrapper of their own."""

from pathlib import Path

import pytest

from mmvos.structures import InputError

ROOT = Path(__file__).parents[2]


def test_a_wrapper_that_steps_once_per_clip_is_refused(monkeypatch):
    import torch
    from mmengine.config import Config

    from mmvos.registry import MODELS

    model = MODELS.build(Config.fromfile(ROOT / 'configs/agss_vos/agss-vos_mini_synthvos.py').model)
    monkeypatch.setattr('mmvos.models.segmentors.stepwise_training.number_of_ranks', lambda: 2)
    with pytest.raises(InputError, match='model_wrapper_cfg.*StepwiseDistributed'):
        model.loss(torch.zeros(1, 2, 3, 64, 64), [])
