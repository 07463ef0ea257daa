"""A model that is fine-tuned on the prompts of each video before it is segmented."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvos.apis import VOSInferencer
from mmvos.online.fine_tuning import snapshot
from mmvos.structures import InputError
from mmvos.testing import moving_squares
from mmvos.utils import configs_root

MINI = configs_root() / 'configs/recall_vos/recall-vos_mini_synthvos.py'


def fine_tuned(max_iters=3, **kwargs):
    """A mini model as it was initialised, the same in every call."""
    torch.manual_seed(0)
    config = Config.fromfile(MINI)
    online = Config.fromfile(configs_root() / 'configs/_base_/online/recall-vos_lite0.py').online_training
    online.stages[0].update(max_iters=max_iters)
    online.stages[0].pipeline[0].update(size=(64, 96), clip_len=3)
    config.online_training = online
    return VOSInferencer(config, 'none', 'cpu', fine_tune=True, **kwargs)


def labels_of(inferencer, frames, label_map):
    return [result.pred_label_map for result in inferencer(frames, prompts=label_map)]


def test_each_video_is_trained_on_by_itself_and_the_model_stays_as_it_was():
    frames, label_maps = moving_squares(6)
    other = [frame[::-1].copy() for frame in frames]
    inferencer = fine_tuned()
    before = snapshot(inferencer.model)
    first = labels_of(inferencer, frames, label_maps[0])
    second = labels_of(inferencer, other, label_maps[0][::-1].copy())
    assert all(torch.equal(value, before[name]) for name, value in snapshot(inferencer.model).items())
    for a, b in zip(second, labels_of(fine_tuned(), other, label_maps[0][::-1].copy()), strict=True):
        np.testing.assert_array_equal(a, b)  # the first video left nothing behind
    torch.manual_seed(0)
    plain = labels_of(VOSInferencer(str(MINI), 'none', 'cpu'), frames, label_maps[0])
    np.testing.assert_array_equal(first[0], label_maps[0])
    assert any((a != b).any() for a, b in zip(first, plain, strict=True))


def test_what_cannot_be_fine_tuned_is_refused():
    with pytest.raises(InputError, match='frames that come one by one'):
        fine_tuned().session()
    with pytest.raises(InputError, match='RGMP: its config has no online_training'):
        VOSInferencer('rgmp/rgmp_mini_synthvos.py', 'none', 'cpu', fine_tune=True)
    with pytest.raises(InputError, match='choose one of the two'):
        fine_tuned(compiled=True)
